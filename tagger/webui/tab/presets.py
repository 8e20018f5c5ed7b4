"""Presets: a person's saved settings, as JSON in our home; the predecessors' are read too.

`last` is written whenever a caption was made or a box was left, and is what a new page begins with.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...caption import CaptionFormat
from ...errors import OptionError, TaggerError, UsageError
from ...home import make, part
from ...options import from_dict, to_dict
from ...selection import Selection
from ...settings import Folder, Settings

LAST = "last"
SCHEMA = 1
MOST_BYTES = 1 << 20

_NAME = re.compile(r"[^\W_][\w .()+-]{0,63}")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # by Windows


@dataclass(frozen=True)
class Preset:
    """What is saved: a model's name, what decides a caption, where captions go.

    typed: of `last` alone, what stood in boxes of the pages, by their elem_id.
    """

    model: str = ""
    settings: Settings = field(default_factory=Settings)
    folder: Folder = field(default_factory=Folder)
    typed: Mapping[str, str] = field(default_factory=dict[str, str])


def names() -> list[str]:
    """The presets there are, `last` apart."""
    found = (path.stem for path in part("presets").glob("*.json"))
    return sorted((name for name in found if name != LAST and _NAME.fullmatch(name)), key=str.lower)


def save(name: str, preset: Preset) -> None:
    """Save under a name, over what it was.

    Raises:
        UsageError: no name for a preset, or the folder can't be written.
    """
    data = {
        "schema": SCHEMA,
        "model": preset.model,
        "settings": to_dict(preset.settings),
        "folder": to_dict(preset.folder),
        **({"typed": dict(preset.typed)} if preset.typed else {}),
    }
    from ...folder.wholefile import put_file  # the room is large, and no start waits for it

    path = _path(name)
    make(path.parent)
    put_file(path, json.dumps(data, ensure_ascii=False, indent=2).encode("utf-8"))


def load(name: str) -> Preset:
    """A saved preset.

    Raises:
        UsageError: there is none of that name, or its file can't be read.
        OptionError: it holds what is no setting.
    """
    path = _path(name)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{name}: expected a saved preset, got none: save it first") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: expected a preset, got {error}: delete the file") from error
    return _read(data, path.name)


def keep_last(first: Preset | None = None, **changed: Any) -> None:
    """Remember what a page ended with; a home that can't be written is no reason to stop.

    `changed`: fields of a Preset; of `typed` the boxes that are named. `first` as in `load_last`.
    """
    with _keeping:
        before = load_last(first)
        last = replace(before, **changed)
        last = replace(last, typed={**before.typed, **last.typed})
        if last != before:
            with contextlib.suppress(TaggerError):
                save(LAST, last)


_keeping = threading.Lock()


def load_last(first: Preset | None = None) -> Preset:
    """What the last page ended with; `first` or the defaults where there is nothing readable."""
    try:
        return load(LAST)
    except TaggerError:
        return first or Preset()


def delete(name: str) -> None:
    """Remove a preset. Raises UsageError where there is none."""
    try:
        os.unlink(_path(name))  # noqa: PTH108 - one call, and it tells
    except FileNotFoundError:
        raise UsageError(f"{name}: expected a saved preset, got none") from None


def read_foreign(text: str, where: str) -> Preset:
    """A preset file as it was uploaded: our own, or one of the predecessors'.

    Raises:
        UsageError: it is neither. OptionError: it holds what is no setting.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where}: expected a preset as JSON, got {error}") from None
    if isinstance(data, Mapping) and "schema" in data:
        return replace(_read(data, where), typed={})
    if not isinstance(data, Mapping) or not any("/" in str(key) for key in data):
        raise UsageError(f"{where}: expected a preset of a tagger extension, got other JSON")
    return _inherited({str(key).rsplit("/", 1)[-1]: _value(data[key]) for key in data})


def _path(name: str) -> Path:
    plain = name.strip()
    if not _NAME.fullmatch(plain) or _RESERVED.fullmatch(plain) or plain[-1] in ". ":
        raise UsageError(
            f"expected a name of letters, digits, spaces and .()+-, at most 64, got {name!r}"
        )
    return part("presets") / f"{plain}.json"


def _read(data: Any, where: str) -> Preset:
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
        raise UsageError(f"{where}: expected a preset of schema {SCHEMA}, got another")
    model, typed = data.get("model", ""), data.get("typed", {})
    boxes = typed.items() if isinstance(typed, Mapping) else ()
    return Preset(
        model if isinstance(model, str) else "",
        from_dict(Settings, data.get("settings", {}), where),
        from_dict(Folder, data.get("folder", {}), where),
        {name: text for name, text in boxes if isinstance(name, str) and isinstance(text, str)},
    )


def _value(entry: Any) -> Any:
    return entry.get("value") if isinstance(entry, Mapping) else entry


# The labels of toriato's and picobyte's tabs, by which their presets are keyed.
_WORDS = {
    "Additional tags (split by comma)": "format.prefix",
    "Additional tags (comma split)": "format.prefix",
    "Exclude tags (split by comma)": "selection.exclude",
    "Exclude tag, ..": "selection.exclude",
    "Keep tag, ..": "selection.keep",
}
_SWITCHES = {
    "Use spaces instead of underscore": "spaces",
    "Escape brackets": "escape",
    "Include confident of tags matches in results": "weights",
}
_ACTIONS = {"ignore": "skip", "copy": "overwrite", "append": "append", "prepend": "prepend"}


def _inherited(old: Mapping[str, Any]) -> Preset:
    """Their settings that mean the same here; the others are left out."""
    changed: dict[str, dict[str, Any]] = {"selection": {}, "format": {}}
    for label, place in _WORDS.items():
        if isinstance(old.get(label), str):
            room, _, name = place.partition(".")
            changed[room][name] = words(old[label])
    for label, name in _SWITCHES.items():
        if isinstance(old.get(label), bool):
            changed["format"][name] = old[label]
    if old.get("Sort by alphabetical order") is True:
        changed["format"]["order"] = "alphabetical"
    for label in ("Threshold", "Weight threshold"):
        if isinstance(old.get(label), (int, float)) and not isinstance(old[label], bool):
            changed["selection"]["threshold"] = float(old[label])
    pairs = _pairs(old.get("Search tag, .. ->"), old.get("-> Replace tag, .."))
    if pairs:
        changed["format"]["replace"] = pairs
    action = _ACTIONS.get(str(old.get("Action on existing caption")), "skip")
    recursive = old.get("Use recursive with glob pattern")
    settings = Settings(Selection(**changed["selection"]), CaptionFormat(**changed["format"]))
    folder = from_dict(Folder, {"on_existing": action}, "preset")
    if isinstance(recursive, bool):
        folder = replace(folder, recursive=recursive)
    return Preset(settings=settings, folder=folder)


def _pairs(search: Any, put: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(search, str) or not isinstance(put, str):
        return ()
    old, new = words(search), words(put)
    if len(old) != len(new):
        raise OptionError(f"expected as many tags to put as to search for, got {len(new)}")
    return tuple(zip(old, new, strict=True))


def words(text: str) -> tuple[str, ...]:
    """Tags as typed: split by commas and line breaks, each once."""
    parts = (part.strip() for part in re.split(r"[,\n]", text))
    return tuple(dict.fromkeys(part for part in parts if part))
