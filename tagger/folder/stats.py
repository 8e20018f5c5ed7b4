"""Statistics of a folder's captions: how often each tag, with which others, how many in each.

A tag counts once for a caption, whatever its spelling. Memory grows with the different tags, and
by four bytes for each tag of each caption where pairs are asked for.
"""

from __future__ import annotations

import itertools
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..counts import count
from ..wording import unweigh
from .captions import Captioned
from .editing import Rules, selected
from .words import Words, category_of

PAIRED = 1000
"""Tags, the most frequent ones, among which pairs are counted: a table of a million."""


@dataclass(frozen=True)
class TagCount:
    """A tag as it is written first, its category, and in how many captions it stands."""

    name: str
    category: str
    count: int


@dataclass(frozen=True)
class PairCount:
    """Two tags, and in how many captions they stand together."""

    first: str
    second: str
    count: int


@dataclass
class FolderStats:
    """What is known of a folder's captions.

    tags: the most frequent first. lengths: from a number of tags to the captions that have so
    many. captions: those counted; without: pictures that have none; left: captions that are no
    lists of tags, by reason; unread: captions that can't be read, with the reason.
    """

    captions: int = 0
    without: int = 0
    tags: list[TagCount] = field(default_factory=list[TagCount])
    lengths: Counter[int] = field(default_factory=lambda: Counter[int]())
    left: Counter[str] = field(default_factory=lambda: Counter[str]())
    unread: list[tuple[Path, str]] = field(default_factory=list[tuple[Path, str]])
    pairs: list[PairCount] = field(default_factory=list[PairCount])

    @property
    def mean_length(self) -> float:
        """Tags of a caption, on average."""
        total = sum(length * number for length, number in self.lengths.items())
        return total / self.captions if self.captions else 0.0

    def by_category(self) -> dict[str, list[TagCount]]:
        """The tags of each category, the category with most different ones first."""
        groups: dict[str, list[TagCount]] = {}
        for tag in self.tags:
            groups.setdefault(tag.category, []).append(tag)
        return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def folder_stats(
    captions: Iterable[Captioned],
    rules: Rules,
    categories: Mapping[str, str] | None = None,
    pairs: int = 0,
    beside: str = "",
) -> FolderStats:
    """Count the captions that are meant, of those only the ones that have the tag `beside`.

    rules: only who is meant and how captions are read counts here. categories: from a tag's key
    to its category; what is not there has its namespace's, or is general. pairs: so many of the
    most frequent ones. beside: a tag by its key.
    """
    stats = FolderStats()
    names: dict[str, str] = {}
    frequency: Counter[str] = Counter()
    rows = _Rows()
    for words in _read(captions, rules, stats):
        keys = {word.key for word in words}
        if beside and beside not in keys:
            continue
        if new := keys.difference(names):
            _name(words, new, names)
        stats.captions += 1
        stats.lengths[len(words)] += 1
        frequency.update(keys)
        if pairs:
            rows.add(keys)
    order = sorted(frequency, key=lambda key: (-frequency[key], names[key]))
    kinds = categories or {}
    stats.tags = [TagCount(names[key], category_of(key, kinds), frequency[key]) for key in order]
    if pairs:
        stats.pairs = _pairs(rows, order[:PAIRED], names, pairs)
    return stats


def _read(captions: Iterable[Captioned], rules: Rules, stats: FolderStats) -> Iterator[Words]:
    for captioned in captions:
        if captioned.fault:
            stats.unread.append((captioned.caption, captioned.fault))
            continue
        if rules.selected is not None and not any(selected(captioned, rules)):
            continue
        if not (captioned.text or "").strip():
            stats.without += len(captioned.pictures)
            continue
        reading = captioned.read(rules.form)
        if why := reading.why_left(rules.known):
            stats.left[why] += 1
        else:
            yield reading.words


def _name(words: Words, new: set[str], names: dict[str, str]) -> None:
    """Note how tags are written that were not met before."""
    for word in words:
        if word.key in new:
            names.setdefault(word.key, unweigh(word.text)[0])


class _Rows:
    """Tags of captions by their numbers, one caption after another: four bytes each."""

    def __init__(self) -> None:
        self._numbers, self._ends = array("i"), array("q", [0])
        self.numbers: dict[str, int] = {}

    def add(self, keys: Iterable[str]) -> None:
        known = self.numbers
        self._numbers.extend([known.setdefault(key, len(known)) for key in keys])
        self._ends.append(len(self._numbers))

    def __iter__(self) -> Iterator[NDArray[np.intc]]:
        numbers = np.frombuffer(self._numbers, np.intc)
        for start, end in itertools.pairwise(self._ends):
            yield numbers[start:end]


def _pairs(rows: _Rows, top: Sequence[str], names: Mapping[str, str], most: int) -> list[PairCount]:
    """The most frequent pairs among the tags in `top`."""
    place = np.full(len(names), -1, np.int32)
    place[[rows.numbers[key] for key in top]] = np.arange(len(top))
    counts = count(((row := place[each])[row >= 0] for each in rows), len(top))
    order = np.lexsort((counts.pairs[:, 1], counts.pairs[:, 0], -counts.together))[:most]
    named = [(names[top[int(a)]], names[top[int(b)]]) for a, b in counts.pairs[order]]
    together = counts.together[order].tolist()
    return [PairCount(*pair, times) for pair, times in zip(named, together, strict=True)]
