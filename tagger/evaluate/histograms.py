"""How the scores of each label lie, the true ones apart: what a stream of any length leaves behind.

A score falls into a bin, and a bin counts as one score: average precision, sweeps and best
thresholds are those of scores that are a little rounded. The bins are even on the logit scale from
1e-6 to 1 - 1e-6, the steps of a score, so that they are finest where scores are dense.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .confusion import Counts, Ints
from .metrics import Floats, Point, Rates, f1, micro
from .predictions import Predictions

MEMORY = 256 << 20
"""Bytes that the histograms of all labels may take together."""
MOST_BINS, LEAST_BINS = 8192, 512
_SPAN = float(np.log((1 - 1e-6) / 1e-6))
"""The logit of a score's last digit."""
_AT_ONCE = 512
"""Labels whose cumulated counts are held at a time."""


class Histograms:
    """Counts of scores by label and bin; what is added up is forgotten.

    positives, negatives: int32[n, bins], scores whose label is true, and is not.
    """

    def __init__(self, labels: int, bins: int = 0) -> None:
        """Count nothing yet; as many bins as the memory allows unless said."""
        fitting = MEMORY // (8 * max(1, labels))
        self.bins = bins or int(min(MOST_BINS, max(LEAST_BINS, fitting)))
        self.positives = np.zeros((labels, self.bins), np.int32)
        self.negatives = np.zeros_like(self.positives)

    def add(self, predictions: Predictions) -> None:
        """Count what can be judged of some pictures."""
        place = self._places(predictions.scores)
        place += np.arange(len(self.positives)) * self.bins
        for counts, meant in (
            (self.positives, predictions.positives),
            (self.negatives, predictions.known & ~predictions.truth),
        ):
            np.add.at(counts.reshape(-1), place[meant], 1)

    @property
    def edges(self) -> NDArray[np.float32]:
        """The least score of each bin but the first, float32[bins - 1], ascending."""
        return _edges(self.bins)

    @property
    def support(self) -> Ints:
        """How many pictures have each label, int64[n]."""
        return self.positives.sum(axis=1, dtype=np.int64)

    @property
    def judged(self) -> Ints:
        """Of how many pictures each label is known, int64[n]."""
        return self.support + self.negatives.sum(axis=1, dtype=np.int64)

    def average_precision(self) -> Floats:
        """Average precision of each label, float64[n]; NaN without positives.

        As `metrics.average_precision` has it, bins being scores.
        """
        parts = [
            _average_precision(self.labels(slice(at, at + _AT_ONCE)))
            for at in range(0, len(self.positives), _AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def labels(self, which: NDArray[Any] | slice) -> Histograms:
        """The histograms of some labels: indices, bool[n] or a slice."""
        made = Histograms(0, self.bins)
        made.positives, made.negatives = self.positives[which], self.negatives[which]
        return made

    def falling(self) -> tuple[Ints, Ints]:
        """True positives and all yeses, all labels together, at each bin's least score.

        Both int64[bins], from the highest bin on.
        """
        tp, fp = (
            np.cumsum(each.sum(axis=0, dtype=np.int64)[::-1])
            for each in (self.positives, self.negatives)
        )
        return tp, tp + fp

    def sweep(self, thresholds: ArrayLike) -> Counts:
        """Counts over all labels together at thresholds, int64[t], to the nearest bin's edge."""
        tp, taken = self.falling()
        place = self.bins - 1 - self._places(np.asarray(thresholds, np.float32))
        return Counts(tp[place], taken[place] - tp[place], tp[-1] - tp[place])

    def counts(self, thresholds: NDArray[np.float32]) -> Counts:
        """Counts of each label at its threshold, int64[n], to the nearest bin's edge."""
        over = np.arange(self.bins) >= self._places(thresholds)[:, None]
        tp = np.where(over, self.positives, 0).sum(axis=1, dtype=np.int64)
        fp = np.where(over, self.negatives, 0).sum(axis=1, dtype=np.int64)
        return Counts(tp, fp, self.support - tp)

    def __add__(self, other: Histograms) -> Histograms:
        """Both together."""
        made = Histograms(0, self.bins)
        made.positives = self.positives + other.positives
        made.negatives = self.negatives + other.negatives
        return made

    def best(self) -> float:
        """The one threshold of highest micro F1, of equal ones the highest; NaN without positives.

        It lies half way between the lowest bin taken and the highest left, as
        `metrics.best_threshold` has it.
        """
        tp, taken = self.falling()
        if not tp[-1]:
            return float("nan")
        at = int(np.argmax(2 * tp / (taken + tp[-1])))
        left = np.flatnonzero(taken > taken[at])
        return (self._edge(at) + (self._edge(int(left[0])) if left.size else 0.0)) / 2

    def equal_point(self) -> Point:
        """Where micro precision and recall meet, by bisection over the bins; NaN without positives.

        Precision and recall are equal where there are as many yeses as positives.
        """
        tp, taken = self.falling()
        if not tp[-1]:
            return Point(float("nan"), Rates(0.0, 0.0, 0.0))
        low, high = 0, self.bins - 1  # at `high` there are too many yeses, or just enough
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if taken[middle] >= tp[-1] else (middle, high)
        near = min((low, high), key=lambda at: abs(int(taken[at]) - int(tp[-1])))
        counts = Counts(*(np.array([n]) for n in self._counts(tp, taken, near)))
        return Point(self._edge(near), micro(counts))

    def curve(self) -> tuple[Floats, Floats]:
        """Micro recall and precision at each bin where there is a yes, from the highest score."""
        tp, taken = self.falling()
        some = taken > 0
        return tp[some] / max(1, int(tp[-1])), tp[some] / taken[some]

    def reliability(self, groups: int = 15) -> Reliability:
        """How often what is said with a certainty is true, in even groups of certainty.

        Guo et al. 2017 (arXiv 1706.04599), equation 3; a bin stands for its middle.
        """
        positives = self.positives.sum(axis=0, dtype=np.int64)
        both = positives + self.negatives.sum(axis=0, dtype=np.int64)
        bounds = np.concatenate([[0.0], self.edges, [1.0]])
        middles = (bounds[1:] + bounds[:-1]) / 2
        group = np.minimum((middles * groups).astype(np.intp), groups - 1)
        sizes, hits, said = (
            np.bincount(group, weights=each, minlength=groups)
            for each in (both, positives, both * middles)
        )
        some = sizes > 0
        sizes, hits, said = sizes[some], hits[some] / sizes[some], said[some] / sizes[some]
        error = float((sizes * np.abs(hits - said)).sum() / max(1.0, sizes.sum()))
        return Reliability(said, hits, sizes.astype(np.int64), error)

    def _counts(self, tp: Ints, taken: Ints, at: int) -> tuple[int, int, int]:
        return int(tp[at]), int(taken[at] - tp[at]), int(tp[-1] - tp[at])

    def _edge(self, at: int) -> float:
        """The least score of the bin at a place counted from the highest."""
        place = self.bins - 1 - at
        return float(self.edges[place - 1]) if place else 0.0

    def _places(self, scores: NDArray[np.float32]) -> NDArray[np.intp]:
        return np.searchsorted(self.edges, scores, side="right")


@dataclass(frozen=True, eq=False)
class Reliability:
    """Groups of certainty that hold scores.

    said, true: float64[k], mean score and share of true ones; size: int64[k]. error: the expected
    calibration error, 0 to 1.
    """

    said: Floats
    true: Floats
    size: Ints
    error: float


@cache
def _edges(bins: int) -> NDArray[np.float32]:
    inner = np.linspace(-_SPAN, _SPAN, bins - 1)
    made = (1 / (1 + np.exp(-inner))).astype(np.float32)
    made.flags.writeable = False
    return made


def best_f1(histograms: Histograms) -> float:
    """The highest micro F1 that one threshold gives; 0 without positives."""
    best = histograms.best()
    return 0.0 if np.isnan(best) else float(f1(histograms.sweep([best]))[0])


def _average_precision(histograms: Histograms) -> Floats:
    tp = np.cumsum(histograms.positives[:, ::-1], axis=1, dtype=np.int64)
    taken = tp + np.cumsum(histograms.negatives[:, ::-1], axis=1, dtype=np.int64)
    gained = np.diff(tp, axis=1, prepend=0)
    within = np.divide(tp, taken, out=np.zeros(tp.shape), where=taken > 0)
    support = np.where(tp[:, -1] > 0, tp[:, -1], np.nan)
    return (gained * within).sum(axis=1) / support
