"""One picture as the page shows it: its scores through the Captioner, with what was clicked.

Pure: a click is a change of Settings for this picture, so that there is one road to a caption.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...caption import Caption, CaptionFormat, parse_caption
from ...captioner import Captioner
from ...labels import LabelSet
from ...scores import FLOOR, RATING, Scores, number
from ...selection import Selection, Thresholds
from ...settings import Settings
from ...spelling import Pattern, escape, key, match, to_spaces
from ...thresholds import Selector, operating_point
from ..compat import Original
from .fragments.picture import Chip, Slider

BELOW = 60
"""Tags under their threshold that are shown, those with the highest scores."""
ORDER = ("rating", "character", "copyright", "artist", "species", "general", "meta", "lore")


@dataclass(frozen=True)
class Picture:
    """The page's picture: the file as it was, what a model said of it, what was clicked.

    scores: None while its model is not here. on, off: tags clicked in and out, by name.
    """

    original: Original | None = None
    model: str = ""
    scores: Scores | None = None
    on: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    facts: str = ""

    @property
    def waits(self) -> bool:
        """Whether it has to be tagged still."""
        return self.original is not None and self.scores is None

    def toggled(self, name: str, on: bool) -> Picture:
        """The same with a tag clicked in or out."""
        ons, offs = self.on - {name}, self.off - {name}
        return replace(self, on=ons | {name} if on else ons, off=offs if on else offs | {name})


@dataclass(frozen=True)
class View:
    """What is shown: the caption, the same as a prompt, the chips, their categories in order."""

    caption: Caption
    prompt: str
    chips: tuple[Chip, ...]
    categories: tuple[str, ...] = field(default=ORDER)


def clicked(settings: Settings, picture: Picture, labels: LabelSet) -> Settings:
    """The Settings with what was clicked: out is one more tag to exclude, in one more to keep."""
    if not (picture.on or picture.off):
        return settings
    selection = settings.selection
    exclude = [each for one in selection.exclude for each in _without(one, picture.on, labels)]
    exclude += map(literal, sorted(picture.off))
    keep = (*selection.keep, *map(literal, sorted(picture.on)))
    return replace(settings, selection=replace(selection, exclude=tuple(exclude), keep=keep))


def _without(pattern: str, names: frozenset[str], labels: LabelSet) -> Sequence[str]:
    """A pattern that does not mean some tags: the others that it means, one by one."""
    parsed = Pattern.parse(pattern)
    if not names or not match([parsed], sorted(names)).any():
        return [pattern]
    hit = match([parsed], labels.names)
    barred = [labels.names[index] for index in np.flatnonzero(hit)]
    spared = {key(name) for name in names}
    return [literal(name) for name in barred if key(name) not in spared]


def literal(name: str) -> str:
    """A pattern that means this tag alone."""
    if "*" in name or name.startswith("/"):
        return f"/^{re.escape(key(name))}$/"
    return name


def prompting(settings: Settings) -> Settings:
    """The same for a prompt: brackets escaped, nothing at the end."""
    form = replace(settings.format, escape=True, trailing_separator=False)
    return replace(settings, format=form)


def chips(
    scores: Scores, caption: Caption, captioner: Captioner, own: Thresholds
) -> tuple[Chip, ...]:
    """Every tag worth showing: written, over its threshold and not written, just below it."""
    settings, labels = captioner.settings, scores.labels
    written = {tag.index: tag for tag in caption.tags if tag.index >= 0}
    over = set(_over(settings.selection, labels, own, scores))
    found = [
        Chip(tag.name, _spelt(tag.name, settings.format), tag.category, tag.score, "on", False)
        for tag in caption.tags
        if tag.index < 0
    ]
    ratings = set(labels.of(RATING).tolist())
    below = 0
    for index in np.argsort(-scores.values, kind="stable").tolist():
        label, score = labels[index], number(float(scores.values[index]))
        if not label.name:
            continue
        if index in ratings or index in written or index in over:
            state = "on" if index in written or index in ratings else "out"
        elif score >= FLOOR and below < BELOW:
            state, below = "below", below + 1
        else:
            continue
        text = written[index].name if index in written else label.name
        spelt = _spelt(text, settings.format)
        found.append(Chip(label.name, spelt, label.category.name, score, state))
    return tuple(found)


def _over(selection: Selection, labels: LabelSet, own: Thresholds, scores: Scores) -> Sequence[int]:
    """The tags that their scores alone would choose, whatever is kept, excluded or not written."""
    every = tuple(one.name for one in labels.categories if one.name != RATING)
    bare = replace(selection, exclude=(), keep=(), only=(), categories=every)
    return Selector(bare, labels, own)(scores.values).tolist()


def _spelt(name: str, form: CaptionFormat) -> str:
    return to_spaces(name) if form.spaces else name


def categories(labels: LabelSet) -> tuple[str, ...]:
    """A model's categories in the order of the page."""
    there = [one.name for one in labels.categories]
    return (*(name for name in ORDER if name in there), *(n for n in there if n not in ORDER))


def sliders(labels: LabelSet, own: Thresholds, selection: Selection) -> list[Slider]:
    """A threshold for each category that is written or may be."""
    found: list[Slider] = []
    points = operating_point(labels, own)
    for name in categories(labels):
        if name == RATING:
            continue
        mine = points[labels.of(name)]
        asked = selection.category_thresholds.get(name, selection.threshold)
        value = number(float(np.median(mine))) if asked is None else asked
        found.append(Slider(name, value, asked is None, bool(np.ptp(mine) > 1e-6)))
    return found


def as_prompt(text: str, form: CaptionFormat) -> str:
    """A caption that somebody edited, as a prompt: each tag escaped unless it has a weight."""
    if form.escape:
        return text
    items = parse_caption(text, form)
    return form.separator.join(
        item.text if form.weights or _weighted(item.text) else escape(item.text) for item in items
    )


def _weighted(text: str) -> bool:
    return re.fullmatch(r"\(.*:[\d.]+\)|.*\\[()].*", text) is not None
