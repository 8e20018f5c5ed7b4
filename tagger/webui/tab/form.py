"""Settings as the controls of the fold `Caption options` show them, and back.

What has no control here (a preset may bring it) stays in `base`, together with the thresholds.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...caption import CaptionFormat
from ...errors import OptionError
from ...labels import DANBOORU, E621, LabelSet
from ...options import describe
from ...selection import Selection
from ...settings import Settings
from ..compat import make
from .controls import CATEGORIES, CONTROLS, WRITTEN, Control, Kind
from .presets import words

_OTHERS = tuple({one.name for one in (*DANBOORU, *E621)} - {*CATEGORIES})


def read(base: Settings, values: Sequence[Any]) -> Settings:
    """The Settings that the controls show, `base` for what has none.

    Raises:
        OptionError: what was typed is no setting; the sentence begins with the control's label.
    """
    rooms: dict[str, dict[str, Any]] = {"": {}, "selection": {}, "format": {}}
    for control, value in zip(CONTROLS, values, strict=True):
        room, _, name = control.place.rpartition(".")
        rooms[room][name] = _READ[control.kind](control, value)
    selection: Selection = replace(base.selection, **rooms["selection"])
    form: CaptionFormat = replace(base.format, **rooms["format"])
    return replace(base, selection=selection, format=form, **rooms[""])


def show(settings: Settings) -> list[Any]:
    """What the controls show of Settings, in their order."""
    return [_shown(settings, control) for control in CONTROLS]


def fitting(settings: Settings, labels: LabelSet) -> Settings:
    """The same without categories that a model does not have."""
    known = {category.name for category in labels.categories}
    chosen = settings.selection.categories
    limits = settings.selection.category_thresholds
    selection = replace(
        settings.selection,
        categories=None if chosen is None else tuple(n for n in chosen if n in known),
        category_thresholds={name: limits[name] for name in limits if name in known},
    )
    return replace(settings, selection=selection)


def component(control: Control) -> Any:
    """The control on the page, showing the default."""
    given: dict[str, Any] = {
        "label": control.label,
        "elem_id": control.id,
        "value": _shown(_defaults(), control),
        "interactive": True,
        "min_width": 80,
    }
    if control.kind == "check":
        return make("Checkbox", container=False, **given)
    if control.kind == "categories":
        return make("CheckboxGroup", choices=list(CATEGORIES), **given)
    if control.kind == "choice":
        # words alone: gradio 3 shows the value of a pair once that is set anew
        return make("Dropdown", choices=list(control.names.values()), **given)
    classes = ["prompt"] if control.kind in ("words", "pairs", "limits") else []
    given |= {"placeholder": control.placeholder, "elem_classes": classes}
    return make("Textbox", lines=1, max_lines=3, **given)


def hints() -> dict[str, str]:
    """A sentence for each control, by its elem_id: what `options` says of the setting."""
    said = {
        room: {item.name: item.help for item in describe(cls)}
        for room, cls in (("", Settings), ("selection", Selection), ("format", CaptionFormat))
    }
    places = ((control.id, control.place.rpartition(".")) for control in CONTROLS)
    return {own: said[room][name] for own, (room, _, name) in places}


@functools.cache
def _defaults() -> Settings:
    """Made once for all controls: a host's start waits for them."""
    return Settings()


def _shown(settings: Settings, control: Control) -> Any:
    value = _value(settings, control)
    if control.kind == "choice":
        return control.names[value]
    return _SHOWN[control.kind](value)


def _value(settings: Settings, control: Control) -> Any:
    found: Any = settings
    for name in control.place.split("."):
        found = getattr(found, name)
    return found


# ---------------------------------------------------------------- reading and showing a value


_UNSAID: Mapping[str, int | None] = {"format.max": None, "format.head": 0}
"""Numbers that may be left out, and what is meant then."""


def _number(control: Control, value: Any) -> int | None:
    text = str(value if value is not None else "").strip()
    if text.isascii() and text.isdigit() and len(text) < 7:
        return int(text)
    if text or control.place not in _UNSAID:
        raise OptionError(f"{control.label}: expected a whole number, got {text!r}")
    return _UNSAID[control.place]


def _read_limits(control: Control, value: Any) -> dict[str, float]:
    limits: dict[str, float] = {}
    for word in words(value or ""):
        name, found, number = word.rpartition("=")
        if not found or not name.strip() or not _SHARE.fullmatch(number.strip()):
            raise OptionError(f"{control.label}: expected TAG = 0 to 1, got {word!r}")
        limits[name.strip()] = float(number)
    return limits


_SHARE = re.compile(r"0|1|[01]?\.[0-9]{1,9}")


def _read_pairs(control: Control, value: Any) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for word in words(value or ""):
        old, found, new = word.rpartition("=")
        if not found or not old.strip():
            raise OptionError(f"{control.label}: expected A = B, got {word!r}")
        pairs.append((old.strip(), new.strip()))
    return tuple(pairs)


def _choice(control: Control, value: Any) -> Any:
    found = next((key for key, word in control.names.items() if word == value), None)
    if found is None:
        raise OptionError(f"{control.label}: expected one of the list, got {value!r}")
    return found


def _read_text(control: Control, value: Any) -> str:
    text = str(value or "").replace("\\n", "\n")
    if not text:
        raise OptionError(f"{control.label}: expected at least one character, got nothing")
    return text


def _categories(control: Control, value: Iterable[str] | None) -> tuple[str, ...] | None:
    chosen = tuple(name for name in CATEGORIES if name in set(value or ()))
    return None if chosen == WRITTEN else (*chosen, *sorted(_OTHERS))


_READ: dict[Kind, Callable[[Control, Any], Any]] = {
    "words": lambda control, value: words(value or ""),
    "pairs": _read_pairs,
    "limits": _read_limits,
    "text": _read_text,
    "choice": _choice,
    "number": _number,
    "check": lambda control, value: bool(value),
    "categories": _categories,
}
_SHOWN: dict[Kind, Callable[[Any], Any]] = {
    "words": ", ".join,
    "pairs": lambda pairs: ", ".join(f"{old} = {new}" for old, new in pairs),
    "limits": lambda limits: ", ".join(f"{name} = {limits[name]:g}" for name in limits),
    "text": str,
    "number": lambda value: str(value or ""),
    "check": bool,
    "categories": lambda value: [
        n for n in CATEGORIES if n in (WRITTEN if value is None else value)
    ],
}
