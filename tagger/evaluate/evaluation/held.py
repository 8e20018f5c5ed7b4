"""Every score of a split, held for figures that need them all: in memory, else in a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError
from ...home import make, part
from ..confusion import Counts
from ..metrics import Floats, Point, average_precision, micro
from ..predictions import Predictions

IN_MEMORY = 512 << 20
"""Bytes of scores up to which no file is needed."""
ANYWAY = 64_000_000
"""Scores up to which they are held without being asked for."""
_COLUMNS, _ROWS = 64, 2048


class Held:
    """Scores and truth of a split's pictures, filled from the top."""

    def __init__(self, pictures: int, labels: int, file: Path | None) -> None:
        shape = (pictures, labels)
        # 1: true, 2: known; a byte, so that both travel together
        if file is None:
            self._scores: Any = np.zeros(shape, np.float32)
        else:
            self._scores = np.lib.format.open_memmap(file, "w+", np.float32, shape)
        self._facts = np.zeros(shape, np.uint8)
        self._filled = 0

    def add(self, predictions: Predictions) -> None:
        """Hold some pictures."""
        end = self._filled + len(predictions.scores)
        self._scores[self._filled : end] = predictions.scores
        self._facts[self._filled : end] = predictions.truth + 2 * predictions.known.astype(np.uint8)
        self._filled = end

    def average_precision(self) -> Floats:
        """Average precision of each label, exactly, float64[n]; NaN without positives."""
        wide = self._scores.shape[1]
        parts = [
            average_precision(self._part(slice(0, self._filled), slice(at, at + _COLUMNS)))
            for at in range(0, wide, _COLUMNS)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def equal_point(self) -> Point:
        """Where micro precision and recall meet, by bisection; NaN without positives."""
        low, high = 0.0, 1.0
        if not self._counts(0.0).tp + self._counts(0.0).fn:
            return Point(float("nan"), micro(self._counts(2.0)))
        for _ in range(24):  # a score's last digit is 1e-6
            middle = (low + high) / 2
            counts = self._counts(middle)
            too_many = (counts.fp > counts.fn).item()
            low, high = (middle, high) if too_many else (low, middle)
        return Point(high, micro(self._counts(high)))

    def _counts(self, threshold: float) -> Counts:
        """Counts at a threshold over everything, arrays of one number."""
        total = np.zeros(3, np.int64)
        for at in range(0, self._filled, _ROWS):
            some = self._part(slice(at, min(at + _ROWS, self._filled)), slice(None))
            said = (some.scores >= np.float32(threshold)) & some.known
            tp = int((said & some.truth).sum())
            total += (tp, int(said.sum()) - tp, int(some.positives.sum()) - tp)
        return Counts(*(total[at : at + 1] for at in range(3)))

    def _part(self, rows: slice, columns: slice) -> Predictions:
        facts = self._facts[rows, columns]
        scores: NDArray[np.float32] = np.ascontiguousarray(self._scores[rows, columns])
        return Predictions(scores, (facts & 1) > 0, (facts & 2) > 0)


@contextmanager
def holding(pictures: int, labels: int, asked: bool) -> Iterator[Held | None]:
    """Hold scores while the block runs: where it is asked for, or where they are few.

    Raises DatasetError where they need a file and the disk has no room for it.
    """
    if not asked and pictures * labels > ANYWAY:
        yield None
        return
    needed = 4 * pictures * labels
    if needed <= IN_MEMORY:
        yield Held(pictures, labels, None)
        return
    folder = make(part("cache") / "scores")
    free = shutil.disk_usage(folder).free
    if free < needed * 1.05:
        raise DatasetError(
            f"{folder}: expected {needed / 1e9:.1f} GB of room for every score, got "
            f"{free / 1e9:.1f} GB: leave --exact out, or set TAGGER_HOME to a larger disk"
        )
    file = folder / f"{os.getpid()}.npy"
    try:
        yield Held(pictures, labels, file)
    finally:
        file.unlink(missing_ok=True)
