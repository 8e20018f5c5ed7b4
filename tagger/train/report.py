"""What a trained network is worth: thresholds fitted on one split, figures of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evaluate import calibration, intervals, metrics
from ..evaluate.metrics import Predictions
from ..labels import LabelSet
from ..thresholds import Thresholds
from .targets import Targets, label_counts

SUPPORT = 100
"""Training pictures that a label needs to count in mean average precision: with fewer, the
figure says more of chance than of the network."""
Score = Callable[[NDArray[np.intp]], NDArray[np.float32]]
"""From rows of the dataset to probabilities, float32[N, labels]."""


@dataclass(frozen=True)
class Report:
    """Thresholds, and figures by subset of the validation split, as plain JSON values."""

    thresholds: Thresholds
    figures: dict[str, dict[str, Any]]


def predictions(score: Score, targets: Targets, rows: NDArray[np.intp]) -> Predictions:
    """What the network says of rows, beside what is true of them."""
    truth, known = targets.of(rows)
    return Predictions(score(rows), truth, known)


def mean_average_precision(found: Predictions, supported: NDArray[np.intp]) -> float:
    """mAP over labels by index, of those with a positive; 0 without any."""
    value = metrics.mean(metrics.average_precision(found.columns(supported)))
    return 0.0 if np.isnan(value) else value


def supported_labels(targets: Targets, training: NDArray[np.intp]) -> NDArray[np.intp]:
    """The labels, ascending, that mAP is over: no rating or character, enough positives.

    Where none has enough, all that are seen; of a DATASET of characters alone, its characters.
    """
    labels = targets.rows.labels
    counts, _ = label_counts(targets, training)
    ratings, characters = labels.of("rating"), labels.of("character")
    for left_out in (np.concatenate([ratings, characters]), ratings):
        for least in (SUPPORT, 1):
            found = np.setdiff1d(np.flatnonzero(counts >= least), left_out)
            if found.size:
                return found
    return np.empty(0, np.intp)


def make_report(
    score: Score, targets: Targets, training: NDArray[np.intp], splits: dict[str, NDArray[np.intp]]
) -> Report:
    """Fit thresholds on the rows of `calibration`, judge on those of `validation`.

    Raises DatasetError where calibration has nothing to fit on.
    """
    supported = supported_labels(targets, training)
    learned = _learned_tags(targets)
    labels = LabelSet(tuple(targets.rows.labels[index] for index in learned))
    fitted = predictions(score, targets, splits["calibration"])
    thresholds = calibration.fit(fitted.columns(learned), labels)
    rows = splits["validation"]
    found = predictions(score, targets, rows)
    each = np.full(len(targets.rows.labels), thresholds.overall, np.float32)
    each[learned] = calibration.by_label(thresholds, labels)
    sources = targets.dataset.column("source")[rows]
    groups = targets.dataset.column("group")[rows]
    subsets = {"all": np.ones(len(rows), np.bool_)}
    if len(set(sources)) > 1:
        subsets |= {str(name): sources == name for name in sorted(set(sources))}
    return Report(
        thresholds,
        {
            name: _figures(found.rows(own), groups[own], targets, supported, each, thresholds)
            for name, own in subsets.items()
        },
    )


def limits(thresholds: Thresholds, targets: Targets) -> NDArray[np.float32]:
    """The threshold of each label, float32 [n]; NaN of what is no learned tag."""
    learned = _learned_tags(targets)
    labels = LabelSet(tuple(targets.rows.labels[index] for index in learned))
    each = np.full(len(targets.rows.labels), np.nan, np.float32)
    each[learned] = calibration.by_label(thresholds, labels)
    return each


def _learned_tags(targets: Targets) -> NDArray[np.intp]:
    return np.flatnonzero(targets.rows.vocabulary >= 0)


def _figures(
    found: Predictions,
    groups: NDArray[np.int64],
    targets: Targets,
    supported: NDArray[np.intp],
    each: NDArray[np.float32],
    thresholds: Thresholds,
) -> dict[str, Any]:
    learned = _learned_tags(targets)
    tags = found.columns(learned)
    own = metrics.image_counts(tags, each[learned])
    plain = metrics.image_counts(tags, thresholds.overall)
    fitted, same = (
        intervals.by_group(intervals.by_picture(counts), groups) for counts in (own, plain)
    )
    f1 = intervals.interval(fitted, intervals.f1)
    gain = intervals.difference(same, fitted, intervals.f1)
    by_tag = metrics.tag_counts(tags, each[learned])
    one = metrics.micro(plain)
    precisions = metrics.average_precision(found.columns(supported))
    figures: dict[str, Any] = {
        "pictures": len(groups),
        "micro_f1": [f1.value, f1.low, f1.high],
        "micro_precision": metrics.micro(by_tag).precision,
        "micro_recall": metrics.micro(by_tag).recall,
        "macro_f1": metrics.macro(by_tag).f1,
        "micro_f1_one_threshold": one.f1,
        "micro_f1_gain": [gain.value, gain.low, gain.high],
        "mean_average_precision": metrics.mean(precisions),
        "mean_average_precision_labels": int((~np.isnan(precisions)).sum()),
    }
    hits = metrics.top1_hits(found.columns(targets.rows.labels.of("character")))
    if not np.isnan(hits).all():
        top1 = intervals.interval(
            intervals.by_group(intervals.of_means(hits), groups), intervals.share
        )
        figures["character_top1"] = [top1.value, top1.low, top1.high]
        figures["character_pictures"] = int((~np.isnan(hits)).sum())
    return figures
