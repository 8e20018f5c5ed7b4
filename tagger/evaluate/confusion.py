"""Counts of right and wrong answers at thresholds, by label or by picture.

A score at or over its threshold says yes, compared as float32. Where the truth is not known
nothing is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .predictions import Predictions

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Counts:
    """True positives, false positives and false negatives: int64 arrays of one shape.

    Those of two batches add up.
    """

    tp: Ints
    fp: Ints
    fn: Ints

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    def total(self) -> Counts:
        """All of them together, as arrays of one number."""
        return Counts(
            self.tp.sum(keepdims=True), self.fp.sum(keepdims=True), self.fn.sum(keepdims=True)
        )


def tag_counts(predictions: Predictions, thresholds: ArrayLike) -> Counts:
    """Count for each label over all pictures: int64[n]. Thresholds: one, or float[n]."""
    return _counts(predictions, thresholds, axis=0)


def image_counts(predictions: Predictions, thresholds: ArrayLike) -> Counts:
    """Count for each picture over all labels: int64[N]. Thresholds: one, or float[n]."""
    return _counts(predictions, thresholds, axis=1)


def judged(predictions: Predictions, axis: int) -> Ints:
    """How many answers can be judged: of each label, int64[n], by axis 0; of each picture by 1."""
    return predictions.known.sum(axis, dtype=np.int64)


def _counts(predictions: Predictions, thresholds: ArrayLike, axis: int) -> Counts:
    # a float64 threshold of .35 would be over the float32 score of .35
    said = predictions.scores >= np.asarray(thresholds, np.float32)
    said &= predictions.known
    positives = predictions.positives
    both = (said & positives).sum(axis)
    return Counts(both, said.sum(axis) - both, positives.sum(axis) - both)
