"""Counts at some thresholds, added up picture by picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..confusion import Counts, Ints, image_counts, judged, tag_counts
from ..predictions import Predictions


@dataclass(eq=False)
class Tally:
    """What thresholds are worth so far.

    thresholds: float32[m]. by_tag: counts of each label, int64[m].
    """

    thresholds: NDArray[np.float32]
    by_tag: Counts = field(init=False)
    judged_by_tag: Ints = field(init=False)
    _pictures: list[Counts] = field(default_factory=list[Counts], init=False)

    def __post_init__(self) -> None:
        zeros = np.zeros(len(self.thresholds), np.int64)
        self.by_tag, self.judged_by_tag = Counts(zeros, zeros, zeros), zeros

    def add(self, predictions: Predictions) -> None:
        """Count some pictures."""
        self.by_tag = self.by_tag + tag_counts(predictions, self.thresholds)
        self.judged_by_tag = self.judged_by_tag + judged(predictions, axis=0)
        self._pictures.append(image_counts(predictions, self.thresholds))

    @property
    def by_picture(self) -> Counts:
        """Counts of each picture, int64[N], in the order they came."""
        return Counts(
            *(
                np.concatenate([getattr(each, name) for each in self._pictures])
                for name in ("tp", "fp", "fn")
            )
        )
