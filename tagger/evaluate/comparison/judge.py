"""The figures of one contestant at one threshold, from what it said and what is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..alignment import Aligned, Bools, Frame
from ..confusion import Counts, tag_counts
from ..distance import Likeness, distance_score
from ..intervals import Bootstrap, Interval, by_group, interval, of_means, share
from ..metrics import Rates, Share, average_precision, macro, mean, micro
from ..predictions import Predictions
from ..showdown import Floats, Tally, score, tally

BINS = 1000
"""Steps of a curve over thresholds."""


@dataclass(frozen=True)
class Errors:
    """Of a picture on average: wrong tags and ratings together, wrong ratings, and the rest.

    The rest is what the showdown calls the practical error. missed: what was true and not said.
    """

    wrong: float
    wrong_ratings: float
    practical: float
    missed: float


@dataclass(frozen=True)
class Figures:
    """What a contestant is worth at one threshold; None where it has thresholds of its own.

    score: the showdown's. distance: by the distance of tags. tags: means over the tags with
    enough support. micro: of all answers together. tag_accuracy: share of all yes and no that are
    right. rating: share of the pictures with a rating on which it is right.
    """

    threshold: float | None
    score: Interval
    distance: Interval
    tags: Rates
    micro: Rates
    errors: Errors
    tag_accuracy: float
    rating: Share


@dataclass(frozen=True)
class Curve:
    """Micro precision and recall over thresholds, and where they cross."""

    thresholds: tuple[float, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    crossing: tuple[float, float] | None
    """Threshold, and the precision and recall that are one there."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Figures, and what they are made of: scores by picture, float64[N], NaN for none.

    said: bool[N, n]. tally: of each picture.
    """

    figures: Figures
    scores: Floats
    distances: Floats
    said: Bools
    tally: Tally


class Judge:
    """Judges contestants on the pictures of one frame."""

    def __init__(
        self,
        into: Frame,
        groups: NDArray[np.int64],
        likeness: Likeness,
        support: int,
        options: Bootstrap,
    ) -> None:
        """`support`: pictures that a tag must be true of to count in the means over tags."""
        self.frame, self.groups = into, groups
        self.supported = np.flatnonzero(into.truth.sum(axis=0) >= support)
        self._likeness, self._options = likeness, options

    def at(self, said: Bools, ratings: Sequence[str], threshold: float | None) -> Judged:
        """The figures of yes and no, bool[N, n], and of the ratings chosen."""
        into = self.frame
        said = said & into.known
        of = tally(said, into.truth, into.known, ratings, into.ratings)
        scores = score(of)
        distances = distance_score(said, into.truth, of, into.tags, self._likeness)
        counts = tag_counts(self._predictions(said.astype(np.float32)), 0.5)
        supported = Counts(*(each[self.supported] for each in (counts.tp, counts.fp, counts.fn)))
        known = max(1, int(into.known.sum()))
        figures = Figures(
            threshold=threshold,
            score=self.interval(scores),
            distance=self.interval(distances),
            tags=macro(supported) if self.supported.size else Rates(*[float("nan")] * 3),
            micro=micro(counts),
            errors=_errors(of),
            tag_accuracy=1 - int((counts.fp + counts.fn).sum()) / known,
            rating=_rating(of),
        )
        return Judged(figures, scores, distances, said, of)

    def interval(self, values: Floats) -> Interval:
        """The mean of pictures' own values; versions of one picture are drawn together."""
        sums = by_group(of_means(values), self.groups)
        return interval(sums, share, self._options)

    def precision_mean(self, aligned: Aligned) -> float:
        """Average precision, the mean over the tags with enough support; NaN without any."""
        predictions = self._predictions(aligned.scores).columns(self.supported)
        return mean(average_precision(predictions))

    def curve(self, aligned: Aligned) -> Curve:
        """Precision and recall over thresholds, of all answers; NaN where there is none."""
        known = self.frame.known
        scores, truth = aligned.scores[known], self.frame.truth[known]
        bins = np.minimum((scores * BINS).astype(np.int64), BINS)
        right = np.bincount(bins[truth], minlength=BINS + 1)[::-1].cumsum()[::-1]
        taken = np.bincount(bins, minlength=BINS + 1)[::-1].cumsum()[::-1]
        precision = np.divide(right, taken, out=np.full(BINS + 1, np.nan), where=taken > 0)
        recall = right / max(1, int(truth.sum()))
        thresholds = np.arange(BINS + 1) / BINS
        return Curve(
            tuple(thresholds.tolist()),
            tuple(precision.tolist()),
            tuple(recall.tolist()),
            _crossing(thresholds[1:], precision[1:], recall[1:]),
        )

    def _predictions(self, scores: NDArray[np.float32]) -> Predictions:
        return Predictions(scores, self.frame.truth, self.frame.known)


def _crossing(thresholds: Floats, precision: Floats, recall: Floats) -> tuple[float, float] | None:
    """Where the curves are nearest, if they cross at all.

    At a threshold of 0 everything is taken, which says nothing of a contestant: left out by the
    caller.
    """
    gaps = precision - recall
    if not (np.nanmin(gaps, initial=1) <= 0 <= np.nanmax(gaps, initial=-1)):
        return None
    at = int(np.nanargmin(np.abs(gaps)))
    return float(thresholds[at]), float((precision[at] + recall[at]) / 2)


def _errors(of: Tally) -> Errors:
    some = of.true > 0
    if not some.any():
        return Errors(*[float("nan")] * 4)
    wrong, ratings = of.errors[some].mean(), of.wrong_rating[some].mean()
    return Errors(
        float(wrong), float(ratings), float(wrong - ratings), float(of.missed[some].mean())
    )


def _rating(of: Tally) -> Share:
    rated = int(of.rated.sum())
    return Share(int(of.right.sum()) / rated if rated else float("nan"), rated)
