"""Thresholds for the highest F1, fitted on one split and judged on another, never on the same.

A tag's own best threshold is noise when few pictures show the tag, so it is drawn towards that of
its category, and the category's towards the overall one. On the logit scale, where equal steps
are equal evidence,

    threshold = w * own + (1 - w) * wider,    w = positives / (positives + strength)

which is the posterior mean if own thresholds scatter around their tag's true one with a variance
of a/positives, true ones around the wider with b, and strength = a / b (Efron and Morris 1975).
A tag without positives, w = 0, takes its category's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DatasetError
from ..labels import LabelSet
from ..thresholds import Thresholds
from .metrics import Measures, best_threshold, measure
from .predictions import Predictions

STRENGTH = 20.0
"""Positives at which a tag's own threshold and the wider one weigh the same."""
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
    calibration: Part, validation: Part, labels: LabelSet, strength: float = STRENGTH
) -> Calibrated:
    """Fit on the one part and judge on the other.

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


def fit(predictions: Predictions, labels: LabelSet, strength: float = STRENGTH) -> Thresholds:
    """Fit the overall threshold, each category's and each tag's, six decimals.

    Categories and tags are named only where the pictures have positives of them; what is not
    named goes by the wider one. Raises DatasetError without a single positive.
    """
    if not predictions.positives.any():
        raise DatasetError(
            "expected pictures with known tags to fit thresholds on, got none: make the "
            "calibration split larger"
        )
    overall = _near(best_threshold(*predictions.answers()))
    categories: dict[str, float] = {}
    tags: dict[str, float] = {}
    for name in (kind.name for kind in labels.categories):
        indices = labels.of(name)
        wider = _towards(overall, predictions.columns(indices), strength)
        if wider is None:
            continue
        categories[name] = _rounded(wider)
        for index in indices:
            own = _towards(wider, predictions.columns([index]), strength)
            if own is not None:
                tags[labels[index].name] = _rounded(own)
    return Thresholds(_rounded(overall), categories, tags)


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
    weight = positives / (positives + strength) if positives else 0.0
    return _sigmoid(weight * _logit(own) + (1 - weight) * _logit(wider))


def _towards(wider: float, predictions: Predictions, strength: float) -> float | None:
    """The predictions' own best threshold drawn towards the wider; None without positives."""
    positives = int(predictions.positives.sum())
    if not positives:
        return None
    return shrink(best_threshold(*predictions.answers()), wider, positives, strength)


def _rounded(threshold: float) -> float:
    return round(threshold, 6)


def _near(threshold: float) -> float:
    return min(max(threshold, NEAREST), 1 - NEAREST)


def _logit(threshold: float) -> float:
    inside = _near(threshold)
    return math.log(inside / (1 - inside))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))
