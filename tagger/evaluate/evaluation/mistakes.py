"""What a tagger was surest of and wrong: tags it saw that are not there, and tags it missed.

The same list is where to look for errors of the dataset: a tag that it is sure of and the dataset
lacks is likely missing there, and one that it rules out is likely wrong (Northcutt et al. 2021,
arXiv 1911.00068, rank label errors so, too).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..predictions import Predictions


@dataclass(frozen=True, order=True)
class Mistake:
    """An answer that is wrong; certainty: of the answer, 0 to 1."""

    certainty: float
    row: int
    label: int


class Mistakes:
    """The surest wrong answers so far, of each kind; of a label at most `each`."""

    def __init__(self, most: int, each: int = 3) -> None:
        self.said: list[Mistake] = []
        self.missed: list[Mistake] = []
        self._most, self._each = most, each

    def add(self, predictions: Predictions, rows: NDArray[np.intp]) -> None:
        """Look at some pictures of these rows."""
        wrong = predictions.known & ~predictions.truth
        self._look(self.said, np.where(wrong, predictions.scores, -1.0), rows)
        self._look(self.missed, np.where(predictions.positives, 1 - predictions.scores, -1.0), rows)

    def _look(
        self, kept: list[Mistake], certainty: NDArray[np.floating], rows: NDArray[np.intp]
    ) -> None:
        most = min(4 * self._most, certainty.size)
        if not most:
            return
        flat = certainty.reshape(-1)
        places = np.argpartition(flat, flat.size - most)[flat.size - most :]
        wide = certainty.shape[1]
        found = [
            Mistake(float(flat[at]), int(rows[at // wide]), int(at % wide))
            for at in places.tolist()
            if flat[at] >= 0.5
        ]
        ranked = sorted({*kept, *found}, key=lambda one: (-one.certainty, one.row, one.label))
        taken: dict[int, int] = {}
        kept.clear()
        for one in ranked:
            taken[one.label] = taken.get(one.label, 0) + 1
            if taken[one.label] <= self._each and len(kept) < self._most:
                kept.append(one)
