"""How well scores answer what is true, in stages: predictions, counts, rates.

A mean is over what has at least one positive; a tag or picture without is
left out, never counted as 0, and what is undefined otherwise (a precision without a yes) is 0,
as scikit-learn has it with `zero_division=0`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .confusion import Counts, Ints, image_counts, tag_counts
from .predictions import Predictions

Floats = NDArray[np.float64]
Numbers = NDArray[np.integer[Any]] | NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Rates:
    """Precision, recall and F1, each 0 to 1."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Point:
    """A threshold for all labels, and the micro-averaged rates there."""

    threshold: float
    rates: Rates


@dataclass(frozen=True)
class Share:
    """A share from 0 to 1, and of how many; NaN of 0."""

    value: float
    of: int


@dataclass(frozen=True)
class Measures:
    """The usual figures of one set of predictions at given thresholds.

    left_out: labels without positives; macro and mean_average_precision are over the others.
    """

    micro: Rates
    macro: Rates
    samples: Rates
    mean_average_precision: float
    pictures: int
    labels: int
    left_out: tuple[str, ...]


def measure(predictions: Predictions, thresholds: ArrayLike, names: Sequence[str]) -> Measures:
    """Give the usual figures at the thresholds: one for all, or float[n], 0 to 1."""
    by_tag = tag_counts(predictions, thresholds)
    precisions = average_precision(predictions)
    with_positives = ~np.isnan(precisions)
    return Measures(
        micro=micro(by_tag),
        macro=macro(by_tag),
        samples=macro(image_counts(predictions, thresholds)),
        mean_average_precision=mean(precisions),
        pictures=len(predictions.scores),
        labels=int(with_positives.sum()),
        left_out=tuple(name for name, has in zip(names, with_positives, strict=True) if not has),
    )


# ---------------------------------------------------------------- rates


def precision(counts: Counts) -> Floats:
    """tp / (tp + fp), in the counts' shape; 0 without a yes."""
    return _ratio(counts.tp, counts.tp + counts.fp)


def recall(counts: Counts) -> Floats:
    """tp / (tp + fn), in the counts' shape; 0 without a positive."""
    return _ratio(counts.tp, counts.tp + counts.fn)


def f1(counts: Counts) -> Floats:
    """2 tp / (2 tp + fp + fn), in the counts' shape; 0 where there is nothing to find or found."""
    return _ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def fbeta(counts: Counts, beta: float) -> Floats:
    """(1 + b) tp / ((1 + b) tp + b fn + fp), b = beta squared: recall weighs beta times as much."""
    square = beta * beta
    hits = (1 + square) * counts.tp
    return _ratio(hits, hits + square * counts.fn + counts.fp)


def macro_fbeta(counts: Counts, beta: float) -> float:
    """The mean of `fbeta` over what has positives, as `macro` has it; NaN without any."""
    return mean(fbeta(counts, beta)[(counts.tp + counts.fn) > 0])


def accuracy(counts: Counts, judged: Ints) -> Floats:
    """The share of right answers among those `judged`, in the counts' shape; mostly right noes."""
    return _ratio(judged - counts.fp - counts.fn, judged)


def mcc(counts: Counts, judged: Ints) -> Floats:
    """Matthews' correlation of answers and truth, -1 to 1 (Matthews 1975); 0 where one is constant.

    judged: how many answers there are in all, in the counts' shape.
    """
    tp, fp, fn = (each.astype(np.float64) for each in (counts.tp, counts.fp, counts.fn))
    tn = judged - tp - fp - fn
    under = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return _ratio(tp * tn - fp * fn, np.sqrt(under))


def micro(counts: Counts) -> Rates:
    """The rates of all counts together: each decision weighs the same."""
    whole = counts.total()
    return Rates(precision(whole).item(), recall(whole).item(), f1(whole).item())


def macro(counts: Counts) -> Rates:
    """The mean of the rates over what has positives: each tag weighs the same.

    Of counts by picture it is the sample average: each picture weighs the same. NaN without any.
    """
    has = (counts.tp + counts.fn) > 0
    return Rates(*(mean(rate(counts)[has]) for rate in (precision, recall, f1)))


def mean(values: Floats) -> float:
    """The mean of those that are not NaN; NaN if all are."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")


def _ratio(part: Numbers, whole: Numbers) -> Floats:
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0)


# ---------------------------------------------------------------- over all thresholds


def average_precision(predictions: Predictions) -> Floats:
    """Average precision of each label, float64[n]; NaN for a label without positives.

    AP = sum over k of (R_k - R_(k-1)) P_k, k running down the distinct scores: scikit-learn's
    definition, without interpolation.
    """
    columns = range(predictions.scores.shape[1])
    each = [_average_precision(*predictions.columns([index]).answers()) for index in columns]
    return np.array(each, np.float64)


def equal_point(predictions: Predictions) -> Point:
    """Where micro precision and recall meet.

    They do where as many answers are yes as there are positives P, so the threshold is the P-th
    highest of the known scores; where that score is had more than once, they meet only nearly.
    """
    scores, truth = predictions.answers()
    positives = int(truth.sum())
    if not positives:
        return Point(float("nan"), micro(tag_counts(predictions, np.inf)))
    threshold = np.partition(scores, len(scores) - positives)[len(scores) - positives]
    return Point(float(threshold), micro(tag_counts(predictions, threshold)))


def best_point(predictions: Predictions) -> Point:
    """The one threshold that gives the highest micro F1; of equal ones the highest."""
    threshold = best_threshold(*predictions.answers())
    return Point(threshold, micro(tag_counts(predictions, threshold)))


def best_threshold(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    """The threshold of highest F1 for float32[M] scores and bool[M] truth; NaN without positives.

    It lies half way between the lowest score taken and the highest left, so that it is not on the
    edge of either; of equal ones the highest.
    """
    ends, tp, taken = _curve(scores, truth)
    if not truth.any():
        return float("nan")
    at = int(np.argmax(2 * tp / (taken + truth.sum())))
    upper = ends[at]
    lower = ends[at + 1] if at + 1 < len(ends) else np.minimum(upper, np.float32(0))
    half = np.float32((float(upper) + float(lower)) / 2)
    return float(half if half > lower else upper)


def _average_precision(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    if not truth.any():
        return float("nan")
    _, tp, taken = _curve(scores, truth)
    gained = np.diff(tp, prepend=0)
    return float((gained * tp / taken).sum() / truth.sum())


def _curve(
    scores: NDArray[np.float32], truth: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], Ints, Ints]:
    """Down the distinct scores: the score, the true positives and all taken at or over it."""
    order = np.argsort(-scores, kind="stable")
    falling, found = scores[order], np.cumsum(truth[order], dtype=np.int64)
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)[: len(falling)])
    return falling[last], found[last], last + 1


# ---------------------------------------------------------------- one of many


def top1(predictions: Predictions) -> Share:
    """How often the highest of the known scores is a true one, of the pictures that have one.

    Over a dataset's characters it is their top-1 accuracy, over the ratings the rating accuracy.
    Of equal scores the first counts.
    """
    hits = top1_hits(predictions)
    return Share(mean(hits), int((~np.isnan(hits)).sum()))


def top1_hits(predictions: Predictions) -> Floats:
    """For each picture 1 or 0, whether its highest known score is true; NaN without a true one."""
    hits = np.full(len(predictions.scores), np.nan)
    has = predictions.positives.any(axis=1)
    if has.any():  # without labels there is no highest
        first = np.where(predictions.known, predictions.scores, -np.inf)[has].argmax(axis=1)
        hits[has] = predictions.positives[has, first]
    return hits
