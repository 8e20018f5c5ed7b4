"""Every score of a split, held for figures that need them all: in memory, else in a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ...bytecount import readable
from ...errors import DatasetError
from ...home import make, part
from ..confusion import Counts
from ..metrics import Floats, Point, average_precision, micro
from ..predictions import Predictions

IN_MEMORY = 512 << 20
"""Bytes of scores and facts up to which no file is needed."""
ANYWAY = 64_000_000
"""Scores up to which they are held without being asked for."""
_AT_ONCE = 32 << 20
"""Scores of some labels, or of some pictures, that are worked on at a time."""


class Held:
    """Scores and truth of a split's pictures, filled from the top.

    file: an empty one that they lie in, `size` bytes; None for memory.
    """

    def __init__(self, pictures: int, labels: int, file: IO[bytes] | None = None) -> None:
        shape = (pictures, labels)
        # facts are 1: true, 2: known; a byte, so that both travel together
        if file is None:
            self._scores: Any = np.zeros(shape, np.float32)
            self._facts: Any = np.zeros(shape, np.uint8)
        else:
            _reserve(file, size(pictures, labels))
            facts_at = 4 * pictures * labels
            self._scores = np.memmap(file, np.float32, "r+", 0, shape)
            self._facts = np.memmap(file, np.uint8, "r+", facts_at, shape)
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
        step = max(1, _AT_ONCE // max(1, self._filled))
        parts = [
            average_precision(self._part(slice(0, self._filled), slice(at, at + step)))
            for at in range(0, wide, step)
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
        step = max(1, _AT_ONCE // max(1, self._scores.shape[1]))
        for at in range(0, self._filled, step):
            some = self._part(slice(at, min(at + step, self._filled)), slice(None))
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
    needed = size(pictures, labels)
    if needed <= IN_MEMORY:
        yield Held(pictures, labels)
        return
    folder = make(part("cache") / "scores")
    free = shutil.disk_usage(folder).free
    if free < needed * 1.05:
        raise DatasetError(
            f"{folder}: expected {readable(needed)} of room for every score, got "
            f"{readable(free)}: leave --exact out, or set TAGGER_HOME to a larger disk"
        )
    # nameless where the system can, so that a run that is killed leaves nothing behind
    with TemporaryFile(dir=folder) as file:
        yield Held(pictures, labels, file)


def size(pictures: int, labels: int) -> int:
    """Bytes that scores and facts take."""
    return 5 * pictures * labels


def _reserve(file: IO[bytes], wanted: int) -> None:
    """Take the room now: a disk that fills up under a mapped file ends the program."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, wanted)
    else:
        file.truncate(wanted)
