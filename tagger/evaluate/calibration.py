"""Thresholds for the highest F1, fitted on one split and judged on another, never on the same.

A tag's own best threshold is noise when few pictures show the tag, so it is drawn towards that of
its category, and the category's towards the overall one. On the logit scale, where equal steps
are equal evidence,

    threshold = w * own + (1 - w) * wider,    w = positives / (positives + strength)

which is the posterior mean if own thresholds scatter around their tag's true one with a variance
of a/positives, true ones around the wider with b, and strength = a / b (Efron and Morris 1975).
A tag without positives, w = 0, takes its category's.

How much the tags of a model really differ is not known beforehand, so the strength is chosen where
it can be seen: fitted on one half of the pictures and judged on the other. A tag's best F1 is not
the best for all answers together: rare tags gain by low thresholds, which cost precision. So only
strengths count that lose neither micro nor macro F1 to the one overall threshold; where none does,
every tag goes by the overall one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DatasetError
from ..labels import LabelSet
from ..thresholds import Thresholds
from .confusion import tag_counts
from .histograms import Histograms
from .metrics import Measures, best_threshold, f1, measure
from .predictions import Predictions

STRENGTHS = (10.0, 20.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
"""Positives at which a tag's own threshold and the wider one may weigh the same."""
SUPPORT = 5
"""Positives that a tag needs in a half to count in its macro F1."""
Evidence = Predictions | Histograms
"""Scores and what is true of them, or how they lie."""
NEAREST = 1e-6
"""Distance from 0 and 1 that thresholds keep, where the logit scale ends; a score's last digit."""


@dataclass(frozen=True, eq=False)
class Part:
    """A split's predictions, and which group each picture is of: int64[N], as in a DATASET."""

    predictions: Predictions
    groups: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.groups.shape != self.predictions.scores.shape[:1]:
            raise ValueError(
                f"groups: expected one for each of {len(self.predictions.scores)} pictures, got "
                f"{self.groups.shape}"
            )


@dataclass(frozen=True)
class Calibrated:
    """Thresholds, and what they are worth on pictures that had no part in choosing them.

    overall: the measures at the one overall threshold. own: at the tags' own.
    """

    thresholds: Thresholds
    overall: Measures
    own: Measures


def calibrate(
    calibration: Part, validation: Part, labels: LabelSet, strength: float | None = None
) -> Calibrated:
    """Fit on the one part and judge on the other; a strength of None is chosen.

    Raises DatasetError if a group is in both.
    """
    shared = np.intersect1d(calibration.groups, validation.groups)
    if shared.size:
        raise DatasetError(
            f"expected thresholds to be judged on other pictures than they are fitted on, got "
            f"{shared.size} groups in both: split the dataset by group"
        )
    thresholds = fit(calibration.predictions, labels, strength)
    own = by_label(thresholds, labels)
    return Calibrated(
        thresholds,
        measure(validation.predictions, thresholds.overall, labels.names),
        measure(validation.predictions, own, labels.names),
    )


def fit(
    evidence: Evidence,
    labels: LabelSet,
    strength: float | None = None,
    halves: tuple[Evidence, Evidence] | None = None,
) -> Thresholds:
    """Fit the overall threshold, each category's and each tag's, six decimals.

    From predictions, or from the histograms that a stream of them left. Categories and tags are
    named only where the pictures have positives of them; what is not named goes by the wider one.
    strength: None for the one that `halves` of the pictures say; without them every other
    prediction is a half, and histograms are not cut. Raises DatasetError without a positive.
    """
    optima = _optima(evidence, labels)
    if optima is None:
        raise DatasetError(
            "expected pictures with known tags to fit thresholds on, got none: make the "
            "calibration split larger"
        )
    if strength is None:
        halves = halves or _halves(evidence)
        strength = choose_strength(halves, labels) if halves else STRENGTHS[-1]
    return _thresholds(optima, labels, strength)


def choose_strength(halves: tuple[Evidence, Evidence], labels: LabelSet) -> float:
    """The strength that gains most micro and macro F1 over one threshold for all, losing neither.

    Fitted on each half and judged on the other; infinite where no strength does so.
    """
    gains = np.zeros((len(STRENGTHS), 2))
    for fitted, judged in (halves, halves[::-1]):
        optima = _optima(fitted, labels)
        if optima is None:
            return math.inf
        enough = _positives(judged) >= SUPPORT
        first = _worth(judged, _thresholds(optima, labels, math.inf), labels, enough)
        for at, strength in enumerate(STRENGTHS):
            own = _worth(judged, _thresholds(optima, labels, strength), labels, enough)
            gains[at] += own - first
    best = int(np.argmax(np.where((gains >= 0).all(axis=1), gains.sum(axis=1), -np.inf)))
    return STRENGTHS[best] if (gains[best] >= 0).all() else math.inf


def by_label(thresholds: Thresholds, labels: LabelSet) -> NDArray[np.float32]:
    """The threshold of each label, float32[n]: its own, else its category's, else the overall."""
    return np.array(
        [
            thresholds.tags.get(
                label.name,
                thresholds.categories.get(label.category.name, thresholds.overall),
            )
            for label in labels
        ],
        np.float32,
    )


def shrink(own: float, wider: float, positives: int, strength: float) -> float:
    """Draw a threshold towards the wider one, by the formula above; all from 0 to 1."""
    weight = positives / (positives + strength) if positives and strength < math.inf else 0.0
    return _sigmoid(weight * _logit(own) + (1 - weight) * _logit(wider))


@dataclass(frozen=True)
class _Optima:
    """Best thresholds for themselves, with the positives that they were found by.

    Of all labels together, of each category with positives, and of each label with positives.
    """

    overall: float
    categories: Mapping[str, tuple[float, int]]
    labels: Mapping[int, tuple[float, int]]


def _optima(evidence: Evidence, labels: LabelSet) -> _Optima | None:
    """The best thresholds; None without positives."""
    best = _best(evidence)
    overall, positives = best(np.arange(len(labels)))
    if not positives:
        return None
    categories = {kind.name: best(labels.of(kind.name)) for kind in labels.categories}
    own = {
        index: best(np.array([index])) for index in np.flatnonzero(_positives(evidence)).tolist()
    }
    return _Optima(_near(overall), {k: v for k, v in categories.items() if v[1]}, own)


def _thresholds(optima: _Optima, labels: LabelSet, strength: float) -> Thresholds:
    categories = {
        name: shrink(own, optima.overall, positives, strength)
        for name, (own, positives) in optima.categories.items()
    }
    tags = {
        labels[index].name: shrink(
            own, categories[labels[index].category.name], positives, strength
        )
        for index, (own, positives) in optima.labels.items()
    }
    return Thresholds(
        _rounded(optima.overall),
        {name: _rounded(value) for name, value in categories.items()},
        {name: _rounded(value) for name, value in tags.items()},
    )


def _worth(
    evidence: Evidence, thresholds: Thresholds, labels: LabelSet, enough: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Micro F1, and macro F1 over the tags with enough positives."""
    limits = by_label(thresholds, labels)
    if isinstance(evidence, Predictions):
        counts = tag_counts(evidence, limits)
    else:
        counts = evidence.counts(limits)
    each = f1(counts)[enough]
    return np.array([f1(counts.total()).item(), each.mean() if each.size else 0.0])


def _positives(evidence: Evidence) -> NDArray[np.int64]:
    """How many pictures have each label, int64[n]."""
    if isinstance(evidence, Predictions):
        return evidence.positives.sum(axis=0, dtype=np.int64)
    return evidence.support


def _best(evidence: Evidence) -> Callable[[NDArray[np.intp]], tuple[float, int]]:
    """What gives the best threshold of some labels together, and how many positives they have."""

    def best(which: NDArray[np.intp]) -> tuple[float, int]:
        if isinstance(evidence, Predictions):
            scores, truth = evidence.columns(which).answers()
            return best_threshold(scores, truth), int(truth.sum())
        some = evidence.labels(which)
        return some.best(), int(some.support.sum())

    return best


def _halves(evidence: Evidence) -> tuple[Evidence, Evidence] | None:
    if isinstance(evidence, Histograms):
        return None
    rows = np.arange(len(evidence.scores))
    return evidence.rows(rows[::2]), evidence.rows(rows[1::2])


def _rounded(threshold: float) -> float:
    return round(threshold, 6)


def _near(threshold: float) -> float:
    return min(max(threshold, NEAREST), 1 - NEAREST)


def _logit(threshold: float) -> float:
    inside = _near(threshold)
    return math.log(inside / (1 - inside))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))
