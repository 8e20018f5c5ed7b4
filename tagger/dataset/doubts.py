"""Doubts: where the tags of pictures contradict their relations, or what their company tells.

Pure: lists of labels in, findings out. What is unknown of a picture is never held against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..counts import TagCounts
from .ragged import Ragged

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Doubt:
    """Pictures that have one label and lack another which should be there.

    probability: how often the other is there among pictures that have the label and of which it
    is known. rows: intp[m], the pictures that lack it.
    """

    label: int
    lacking: int
    probability: float
    rows: Rows


class Postings:
    """For each label the rows that have it, ascending."""

    def __init__(self, lists: Ragged, labels: int) -> None:
        order = np.argsort(lists.values, kind="stable")
        rows = np.repeat(np.arange(len(lists.offsets) - 1), np.diff(lists.offsets))
        self._rows = rows[order]
        self._starts = np.searchsorted(lists.values[order], np.arange(labels + 1))

    def __getitem__(self, label: int) -> Rows:
        return self._rows[self._starts[label] : self._starts[label + 1]]

    def __len__(self) -> int:
        return len(self._starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """int64[n]: how many rows have each label."""
        return np.diff(self._starts).astype(np.int64)


def broken_implications(
    has: Postings, unknown: Postings, edges: tuple[NDArray[np.intp], NDArray[np.intp]]
) -> list[Doubt]:
    """Pictures with a label and known to lack what it implies; edges: (child, ancestor)."""
    found = [
        _doubt(int(child), int(ancestor), has, unknown)
        for child, ancestor in zip(*edges, strict=True)
    ]
    return sorted((one for one in found if len(one.rows)), key=lambda one: -len(one.rows))


@dataclass(frozen=True)
class Evidence:
    """What it takes to think that a tag is missing."""

    probability: float = 0.95
    """Of the tag, given another one: strictly more."""
    lift: float = 1.2
    """How many times as likely as without the other one; else the tag is merely common."""
    pictures: int = 20
    """With the other one, of which the tag is known."""
    most: int = 500
    """Pairs of labels that are looked at closely."""


def likely_missing(
    has: Postings, unknown: Postings, counts: TagCounts, evidence: Evidence | None = None
) -> list[Doubt]:
    """Tags that pictures probably have: P(b | a) is high, a is there, b is known to be absent.

    For each b the a that tells most, the surest first. counts: over the same pictures.
    """
    evidence = evidence or Evidence()
    best: dict[int, Doubt] = {}
    for label, lacking in _candidates(counts, unknown.lengths, evidence):
        doubt = _doubt(label, lacking, has, unknown)
        sure = evidence.probability < doubt.probability < 1
        enough = _known(label, lacking, has, unknown) >= evidence.pictures
        known = best.get(lacking)
        if sure and enough and (known is None or doubt.probability > known.probability):
            best[lacking] = doubt
    return sorted(best.values(), key=lambda one: (-one.probability, -len(one.rows), one.lacking))


def _candidates(
    counts: TagCounts, unknown: NDArray[np.int64], evidence: Evidence
) -> list[tuple[int, int]]:
    """Pairs (a, b) that can pass: most pictures first, bounded.

    How often b is unknown where a is there is not counted for all pairs; P(b | a) is at most what
    it is if all unknowns of b fell there, and at least what it is if none did.
    """
    a = np.concatenate([counts.pairs[:, 0], counts.pairs[:, 1]])
    b = np.concatenate([counts.pairs[:, 1], counts.pairs[:, 0]])
    both = np.concatenate([counts.together, counts.together])
    frequency = counts.frequency
    highest = both / np.maximum(frequency[a] - unknown[b], both)
    lowest = both / np.maximum(frequency[a], 1)
    known = np.maximum(counts.pictures - unknown[b], 1)
    fits = (highest > evidence.probability) & (lowest < 1) & (both < frequency[a])
    fits &= (frequency[a] >= evidence.pictures) & (highest >= evidence.lift * frequency[b] / known)
    where = np.flatnonzero(fits)
    order = where[np.argsort(-both[where], kind="stable")][: evidence.most]
    return [(int(a[at]), int(b[at])) for at in order]


def _doubt(label: int, lacking: int, has: Postings, unknown: Postings) -> Doubt:
    rows = np.setdiff1d(has[label], has[lacking], assume_unique=True)
    rows = np.setdiff1d(rows, unknown[lacking], assume_unique=True)
    known = _known(label, lacking, has, unknown)
    return Doubt(label, lacking, (known - len(rows)) / known if known else 0.0, rows)


def _known(label: int, lacking: int, has: Postings, unknown: Postings) -> int:
    """How many pictures have the one label, and of the other it is known."""
    both = np.intersect1d(has[label], unknown[lacking], assume_unique=True)
    return len(has[label]) - len(both)
