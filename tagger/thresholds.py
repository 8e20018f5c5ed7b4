"""Which scores become tags: a Selection made ready for a model's labels and Thresholds.

A score is high enough if it is equal to or greater than the threshold (`>=`), compared in
float32: a threshold of 0.35 lets a score of float32(0.35) through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .labels import Label, LabelSet
from .mcut import cut, surely_cut
from .scores import FLOOR, RATING, number, numbers
from .selection import Method, Selection, Tag, Thresholds
from .spelling import Pattern, match

__all__ = [
    "MCUT_LEAST",
    "UNASKED",
    "Method",
    "Selection",
    "Selector",
    "Tag",
    "Thresholds",
    "categories",
    "operating_point",
    "rating",
]

UNASKED = (RATING, "meta")
"""Categories that are written only when asked for."""
MCUT_LEAST = {"character": 0.15}
"""What MCut's threshold is raised to: a picture of nobody known still has a widest gap between
its character scores. The figure is dghs-imgutils' (tagging/wd14.py)."""


class Selector:
    """A Selection made ready for one model's labels: built once, called for each picture.

    How the methods go:

    fixed   A tag's threshold is the narrowest the Selection names (tag, category, all), else the
            narrowest the model has.
    mcut    In each category apart, the widest gap between neighbours in descending order parts
            the tags from the rest; characters need 0.15 besides. Thresholds that the Selection
            names are needed besides, in place of that 0.15; the model's are not used. A category
            of one label has no gap: there it goes as in fixed.
    topk    The `top_k` highest of all categories together, of equal ones the earlier label;
            thresholds that the Selection names are needed besides.

    `mcut` and `topk` never take a score below 0.01. Patterns decide after MCut's gaps are
    measured and before top-k is counted; tags to keep come on top. Where the category `rating` is
    asked for, the highest rating comes along, whatever its score. Unnamed labels never do.
    """

    def __init__(
        self, selection: Selection, labels: LabelSet, thresholds: Thresholds | None = None
    ) -> None:
        self.selection = selection
        self.labels = labels
        named = np.array([bool(name) for name in labels.names], np.bool_)
        able = named & ~_matched(selection.exclude, labels)
        chosen = _members(labels, categories(selection, labels))
        ratings = _members(labels, [RATING])
        only = _matched(selection.only, labels) if selection.only else named
        allowed = able & chosen & only & ~ratings
        self._limits = np.where(
            allowed, _limits(selection, labels, thresholds or Thresholds()), np.float32(np.inf)
        )
        self._least = self._limits.min(initial=np.float32(np.inf))
        self._kept = np.flatnonzero(able & _matched(selection.keep, labels) & ~ratings)
        self._is_kept = np.zeros(len(labels), np.bool_)
        self._is_kept[self._kept] = True
        self._ratings = np.flatnonzero(able & chosen & ratings)
        self._groups = _gapped(labels, named & chosen & ~ratings)
        self._pick = {"fixed": self._fixed, "mcut": self._mcut, "topk": self._topk}[
            selection.method
        ]

    @cached_property
    def kept(self) -> frozenset[int]:
        """The indices of the labels to keep."""
        return frozenset(self._kept.tolist())

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """The tags given a threshold of their own that the model does not know."""
        return tuple(t for t in self.selection.tag_thresholds if self.labels.find(t) is None)

    @cached_property
    def unknown_categories(self) -> tuple[str, ...]:
        """The categories that the Selection names and the model does not have."""
        known = {category.name for category in self.labels.categories}
        asked = (*(self.selection.categories or ()), *self.selection.category_thresholds)
        return tuple(dict.fromkeys(name for name in asked if name not in known))

    def __call__(self, values: ArrayLike) -> NDArray[np.intp]:
        """The indices of the tags, in descending score, of equal scores the earlier label first.

        values: one picture's probabilities, float32[n].
        """
        scores = np.asarray(values, np.float32)
        if scores.shape != (len(self.labels),):
            raise ValueError(f"expected {len(self.labels)} scores, got shape {scores.shape}")
        picked = self._pick(scores)
        if self._kept.size:
            # one below the floor stays if a threshold of 0 chose it
            others = picked[~self._is_kept[picked] | (scores[picked] < _FLOOR)]
            picked = np.concatenate((others, self._kept[scores[self._kept] >= _FLOOR]))
        if self._ratings.size:
            picked = np.append(picked, self._ratings[np.argmax(scores[self._ratings])])
        picked.sort()
        return picked[np.argsort(-scores[picked], kind="stable")]

    def tags(self, values: ArrayLike) -> list[Tag]:
        """The tags, in descending score."""
        scores = np.asarray(values, np.float32)
        picked = self(scores)
        indices: list[int] = picked.tolist()
        named = [self.labels[index] for index in indices]
        return [
            Tag(label.name, label.category.name, score, index)
            for label, score, index in zip(named, numbers(scores[picked]), indices, strict=True)
        ]

    def decides(self, values: ArrayLike, floor: float) -> bool:
        """Whether these scores suffice, where those below `floor` are unknown and stand as 0.

        If not, the picture has to be inferred again: a threshold is below the floor, or MCut's
        widest gap may be the one that ends there.
        """
        if floor <= 0:
            return True
        scores = np.asarray(values, np.float32)
        if self.selection.method == "mcut" and not all(
            surely_cut(scores[members], floor) for members in self._groups.members
        ):
            return False
        return bool(self._least >= np.float32(floor))

    def _fixed(self, scores: NDArray[np.float32]) -> NDArray[np.intp]:
        return np.flatnonzero(scores >= self._limits)

    def _topk(self, scores: NDArray[np.float32]) -> NDArray[np.intp]:
        able = np.flatnonzero(scores >= self._limits)
        count = self.selection.top_k
        if able.size > 4 * count:
            # equals of the k-th highest stay in until the stable sort decides between them
            able = able[scores[able] >= np.partition(scores[able], -count)[-count]]
        return able[np.argsort(-scores[able], kind="stable")][:count]

    def _mcut(self, scores: NDArray[np.float32]) -> NDArray[np.intp]:
        high = np.flatnonzero(scores >= _FLOOR)
        group = self._groups.number[high]
        picked = [high[group < 0]]
        for number_, members in enumerate(self._groups.members):
            mine = high[group == number_]
            picked.append(mine[scores[mine] >= cut(scores[mine], scores[members])])
        able = np.concatenate(picked)
        return able[scores[able] >= self._limits[able]]


def rating(values: ArrayLike, labels: LabelSet) -> Tag | None:
    """The rating with the highest score, the earlier of equal ones; None if the model has none."""
    scores = np.asarray(values, np.float32)
    indices = labels.of(RATING)
    if not indices.size:
        return None
    index = int(indices[np.argmax(scores[indices])])
    return _tag(labels[index], index, float(scores[index]))


_FLOOR = np.float32(FLOOR)
_Members = slice | NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Groups:
    """The categories in which MCut looks for a gap: each label's group, -1 for none."""

    number: NDArray[np.intp]
    members: list[_Members]


# ---------------------------------------------------------------- getting ready


def categories(selection: Selection, labels: LabelSet) -> Sequence[str]:
    """The categories that are written: those named, else all but rating and meta."""
    if selection.categories is not None:
        return selection.categories
    return [each.name for each in labels.categories if each.name not in UNASKED]


def _members(labels: LabelSet, categories: Iterable[str]) -> NDArray[np.bool_]:
    found = np.zeros(len(labels), np.bool_)
    for name in categories:
        found[labels.of(name)] = True
    return found


def _matched(patterns: tuple[str, ...], labels: LabelSet) -> NDArray[np.bool_]:
    return match([Pattern.parse(each) for each in patterns], labels.names)


def _gapped(labels: LabelSet, taking_part: NDArray[np.bool_]) -> _Groups:
    number_ = np.full(len(labels), -1, np.intp)
    members: list[_Members] = []
    for category in labels.categories:
        indices = labels.of(category.name)
        indices = indices[taking_part[indices]]
        if indices.size < 2:
            continue
        number_[indices] = len(members)
        first, last = int(indices[0]), int(indices[-1]) + 1
        members.append(slice(first, last) if last - first == indices.size else indices)
    return _Groups(number_, members)


def _limits(selection: Selection, labels: LabelSet, thresholds: Thresholds) -> NDArray[np.float32]:
    """What each label's score must reach, float32[n]."""
    asked = _spread(
        labels, selection.threshold, selection.category_thresholds, selection.tag_thresholds
    )
    fixed = np.where(np.isnan(asked), operating_point(labels, thresholds), asked)
    if selection.method == "fixed":
        return fixed
    least = MCUT_LEAST if selection.method == "mcut" else {}
    limits = np.where(np.isnan(asked), _spread(labels, 0.0, least, {}), asked)
    if selection.method == "mcut":
        for category in labels.categories:
            indices = [i for i in labels.of(category.name) if labels.names[i]]
            if len(indices) == 1:
                limits[indices] = fixed[indices]
    return np.maximum(limits, _FLOOR)


def operating_point(labels: LabelSet, thresholds: Thresholds) -> NDArray[np.float32]:
    """What a model itself asks of each label's score, float32[n], 0 to 1."""
    known = _spread(labels, thresholds.overall, thresholds.categories, {})
    known = np.where(np.isnan(labels.thresholds), known, labels.thresholds)
    narrow = _spread(labels, None, {}, thresholds.tags)
    return np.where(np.isnan(narrow), known, narrow)


def _spread(
    labels: LabelSet,
    overall: float | None,
    categories: Mapping[str, float],
    tags: Mapping[str, float],
) -> NDArray[np.float32]:
    """The narrowest threshold named for each label, float32[n], NaN where none is."""
    spread = np.full(len(labels), np.nan if overall is None else overall, np.float32)
    for name, threshold in categories.items():
        spread[labels.of(name)] = threshold
    for tag, threshold in tags.items():
        index = labels.find(tag)
        if index is not None:
            spread[index] = threshold
    return spread


def _tag(label: Label, index: int, score: float) -> Tag:
    return Tag(label.name, label.category.name, number(score), index)
