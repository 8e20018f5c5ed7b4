"""The page Picture: tags as chips in groups, the line under the caption, thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ....bytecount import readable
from ..markup import Markup, button, el
from .common import empty, plural

State = Literal["on", "out", "below"]

NOTHING = empty("No picture yet", "Drop, paste or browse. It is tagged as soon as it arrives.")

WINDOW = 75
"""CLIP tokens that Stable Diffusion reads at once, without the two that mark start and end."""


@dataclass(frozen=True)
class Chip:
    """A tag that a click takes out or in.

    name: the model's spelling. text: as the caption has it. score: 0 to 1. state: on: written;
    out: over its threshold and not written; below: under it. known: the model can be asked why.
    """

    name: str
    text: str
    category: str
    score: float
    state: State
    known: bool = True


@dataclass(frozen=True)
class Slider:
    """One category's threshold.

    own: whether it is the model's. tags: whether the model has one for each tag, so that `value`
    is none of them.
    """

    category: str
    value: float
    own: bool
    tags: bool = False


def groups(chips: Sequence[Chip], categories: Iterable[str]) -> Markup:
    """The chips, a group for each category that has some, and those below in a fold."""
    shown = [_group(name, [c for c in chips if c.category == name]) for name in categories]
    below = [chip for chip in chips if chip.state == "below"]
    return el("div", shown, _below(below), class_="tg-groups", data_box="picture")


def _group(category: str, chips: Sequence[Chip]) -> Markup | None:
    mine = [chip for chip in chips if chip.state != "below"]
    if not mine:
        return None
    written = sum(chip.state == "on" for chip in mine)
    count = None if category == "rating" else el("span", written, class_="tg-count")
    name = el("h4", category.capitalize(), count, class_="tg-name")
    return el("section", name, _chips(mine, category), class_=f"tg-group {kind(category)}")


def _below(chips: Sequence[Chip]) -> Markup | None:
    if not chips:
        return None
    head = el("summary", "Below the threshold", el("span", len(chips), class_="tg-count"))
    return el("details", head, _chips(chips, "Below the threshold"), class_="tg-below")


def _chips(chips: Sequence[Chip], label: str) -> Markup:
    return el("div", map(_chip, chips), class_="tg-chips", role="group", aria_label=label)


def _chip(chip: Chip) -> Markup:
    percent = el("span", f"{100 * chip.score:.0f}", class_="tg-percent")
    style = f"--s:{chip.score:.3f}"
    if chip.category == "rating":  # the model's word on the whole picture; not to be argued with
        return el("span", chip.text, percent, class_="tg-chip tg-rating", style=style)
    toggle = button(
        (chip.text, percent),
        "toggle",
        class_=f"tg-chip {kind(chip.category)}",
        aria_pressed="true" if chip.state == "on" else "false",
        data_tag=chip.name,
        title=f"{chip.name}: {chip.score:.3f}",
        style=style,
        tabindex=-1,
        aria_keyshortcuts="?" if chip.known else None,
    )
    return el("span", toggle, _why(chip) if chip.known else None, class_="tg-pair")


def _why(chip: Chip) -> Markup:
    return button(
        "?",
        "why",
        class_=f"tg-ask {kind(chip.category)}",
        data_box="why",
        data_tag=chip.name,
        title="Where in the picture the model sees it (the key ? on a tag)",
        aria_label=f"Where is {chip.text}?",
        tabindex=-1,
    )


CATEGORIES = frozenset(
    {"general", "character", "copyright", "artist", "species", "meta", "lore", "rating"}
)


def kind(category: str) -> str:
    """The class that gives a category its colour; a model's own categories look general."""
    return f"tg-{category}" if category in CATEGORIES else "tg-general"


def foot(tags: int, tokens: int, exact: bool, prompt: str) -> Markup:
    """The line under the caption: tags, CLIP tokens against windows of 75, copying.

    exact: whether the tokens were counted by CLIP's own vocabulary. prompt: the caption escaped.
    """
    windows = max(1, -(-tokens // WINDOW))
    about = "" if exact else "about "
    told = f"{about}{tokens} of {windows * WINDOW} CLIP tokens; the mark stands at {WINDOW}"
    if not exact:
        told += ". Estimated: CLIP's vocabulary is not on this machine"
    meter = el(
        "span",
        el("span", style=f"width:{100 * tokens / (windows * WINDOW):.1f}%"),
        el("i", style=f"left:{100 / windows:.1f}%") if windows > 1 else None,
        class_="tg-meter",
    )
    count = (about, el("strong", tokens), f" of {windows * WINDOW} tokens")
    copies = (
        button("Copy", class_="tg-button tg-copy", title="Copy the caption as it stands"),
        button(
            "Copy for a prompt",
            class_="tg-button tg-copy",
            data_text=prompt,
            title="Copy it with brackets escaped, as prompts need them",
        ),
    )
    return el(
        "div",
        el("span", el("strong", tags), f" {'tag' if tags == 1 else 'tags'}"),
        el("span", meter, el("span", count), class_="tg-tokens", title=told),
        el("span", copies, class_="tg-copies"),
        class_="tg-foot",
    )


def facts(name: str, kind_: str, width: int, height: int, bytes_: int) -> Markup:
    """What file the picture is."""
    parts = [part for part in (name, kind_, f"{width:,} × {height:,}") if part]
    parts.append(readable(bytes_))
    return el("p", " · ".join(parts), class_="tg-facts")


def thresholds(sliders: Sequence[Slider]) -> Markup:
    """A slider for each category, and the way back to the model's own."""
    own = all(slider.own for slider in sliders)
    back = button(
        "The model's own",
        "own",
        class_="tg-button",
        disabled=own,
        title="Back to the thresholds that the model's author or its calibration set",
    )
    head = el(
        "h3",
        "Thresholds",
        title="Tags with at least this score are written; each category has its own",
    )
    rows = map(_slider, sliders)
    return el("div", head, rows, back, class_="tg-thresholds", data_box="picture")


def _slider(slider: Slider) -> Markup:
    label = slider.category.capitalize()
    given = {
        "min": 0.01,
        "max": 1,
        "step": 0.01,
        "value": f"{slider.value:.2f}",
        "data_threshold": slider.category,
    }
    hint = "one for each tag" if slider.own and slider.tags else None
    return el(
        "label",
        el("span", label, class_="tg-label"),
        el("em", hint, class_="tg-hint") if hint else None,
        el("input", type="number", aria_label=f"{label}, threshold", **given),
        el("input", type="range", tabindex=0, aria_label=f"{label}, threshold", **given),
        class_=f"tg-slider {kind(slider.category)}",
    )


def summary(tags: int, left_out: Sequence[str]) -> str:
    """A sentence on tags that no caption can hold; empty where there are none."""
    if not left_out:
        return ""
    names = ", ".join(left_out[:5])
    return (
        f"{plural(len(left_out), 'tag')} of {tags + len(left_out)} can't be written, since "
        f"trainers would read it as something else: {names}"
    )
