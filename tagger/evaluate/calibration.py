"""Thresholds for the highest F1, fitted on one split and judged on another, never on the same.

A tag's own best threshold is noise when few pictures show the tag, so it is drawn towards that of
its category, and the category's towards the overall one. On the logit scale, where equal steps
are equal evidence,

    threshold = w * own + (1 - w) * wider,    w = positives / (positives + strength)

which is the posterior mean if own thresholds scatter around their tag's true one with a variance
of a/positives, true ones around the wider with b, and strength = a / b (Efron and Morris 1975).
A tag without positives, w = 0, takes its category's.

How much the tags of a model really differ is not known beforehand, so the strength is chosen where
it can be seen: fitted on three quarters of the pictures and judged on the fourth. A tag's best F1
is not the best for all answers together: rare tags gain by low thresholds, which cost precision. So
only strengths count that lose neither micro nor macro F1 to the one overall threshold; where none
surely gains, every tag goes by the overall one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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
"""Positives that a tag needs in a part to count in its macro F1."""
PARTS = 4
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
    parts: Sequence[Evidence] = (),
) -> Thresholds:
    """Fit the overall threshold, each category's and each tag's, six decimals.

    From predictions, or from the histograms that a stream of them left. Categories and tags are
    named only where the pictures have positives of them; what is not named goes by the wider one.
    strength: None for the one that `parts` of the pictures say, four of them; predictions are cut
    without being told, histograms can't be. Raises DatasetError without a positive.
    """
    optima = _optima(evidence, labels)
    if optima is None:
        raise DatasetError(
            "expected pictures with known tags to fit thresholds on, got none: make the "
            "calibration split larger"
        )
    if strength is None:
        parts = parts or _parts(evidence)
        strength = choose_strength(parts, labels) if parts else math.inf
    return _thresholds(optima, labels, strength)


def choose_strength(parts: Sequence[Evidence], labels: LabelSet) -> float:
    """The strength that surely gains micro F1 over one threshold for all, without losing macro F1.

    Fitted on all parts but one and judged on that, in turn. Of the strengths that do as well as the
    best, but for its standard error, the greatest (Breiman et al. 1984, the rule of one standard
    error); infinite where the best gains no more than that error.
    """
    gains = np.array([_gains(parts, at, labels) for at in range(len(parts))])
    micro, macro = gains.mean(axis=0)[:, 0], gains.mean(axis=0)[:, 1]
    micro = np.where(macro >= 0, micro, -np.inf)
    best = int(np.argmax(micro))
    error = gains[:, best, 0].std(ddof=1) / math.sqrt(len(parts))
    if not micro[best] > error:
        return math.inf
    return STRENGTHS[int(np.flatnonzero(micro >= micro[best] - error)[-1])]


def _gains(parts: Sequence[Evidence], left_out: int, labels: LabelSet) -> NDArray[np.float64]:
    """What each strength gains on the part that is left out, micro and macro, float64[k, 2]."""
    judged = parts[left_out]
    optima = _optima(_joined([*parts[:left_out], *parts[left_out + 1 :]]), labels)
    if optima is None:
        return np.zeros((len(STRENGTHS), 2))
    enough = _positives(judged) >= SUPPORT

    def worth(strength: float) -> NDArray[np.float64]:
        return _worth(judged, _thresholds(optima, labels, strength), labels, enough)

    first = worth(math.inf)
    return np.array([worth(strength) - first for strength in STRENGTHS])


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


def _parts(evidence: Evidence) -> Sequence[Evidence]:
    """Every fourth picture, from each of the first four on; none where pictures can't be told."""
    if isinstance(evidence, Histograms) or len(evidence.scores) < 2 * PARTS:
        return ()
    rows = np.arange(len(evidence.scores))
    return [evidence.rows(rows[at::PARTS]) for at in range(PARTS)]


def _joined(parts: Sequence[Evidence]) -> Evidence:
    """Parts as one."""
    first, *others = parts
    if isinstance(first, Histograms):
        for other in others:
            first += other  # pyright: ignore[reportOperatorIssue]
        return first
    columns = [(each.scores, each.truth, each.known) for each in parts]  # pyright: ignore
    return Predictions(*(np.concatenate(each) for each in zip(*columns, strict=True)))


def _rounded(threshold: float) -> float:
    return round(threshold, 6)


def _near(threshold: float) -> float:
    return min(max(threshold, NEAREST), 1 - NEAREST)


def _logit(threshold: float) -> float:
    inside = _near(threshold)
    return math.log(inside / (1 - inside))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))
