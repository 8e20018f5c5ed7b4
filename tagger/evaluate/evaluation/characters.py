"""Whether the right character is the first, or among the first five; and each class for itself."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..predictions import Predictions

AMONG = (1, 5)


@dataclass(frozen=True)
class ClassRow:
    """One class: how many pictures show it, and the share where it came first."""

    name: str
    samples: int
    accuracy: float
    id: int


@dataclass(eq=False)
class Characters:
    """Counts over pictures that show at least one character that can be judged.

    labels: indices of the characters among the judged labels, intp[c].
    """

    labels: NDArray[np.intp]
    hits: dict[int, list[NDArray[np.float64]]] = field(init=False)
    samples: NDArray[np.int64] = field(init=False)
    first: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.hits = {k: [] for k in AMONG}
        self.samples = np.zeros(len(self.labels), np.int64)
        self.first = np.zeros_like(self.samples)

    def add(self, predictions: Predictions) -> None:
        """Count some pictures."""
        own = predictions.columns(self.labels)
        has = own.positives.any(axis=1)
        order = np.argsort(-np.where(own.known, own.scores, -np.inf), axis=1, kind="stable")
        for k in AMONG:
            right = np.take_along_axis(own.positives, order[:, :k], axis=1).any(axis=1)
            self.hits[k].append(np.where(has, right, np.nan))
        self.samples += own.positives.sum(axis=0)
        leading = order[has, 0]
        right = own.positives[has, leading]
        self.first += np.bincount(leading[right], minlength=len(self.labels))

    def top(self, k: int) -> NDArray[np.float64]:
        """For each picture 1 or 0, whether a true one is among the first k; NaN without any."""
        return np.concatenate(self.hits[k]) if self.hits[k] else np.zeros(0)

    def classes(self, names: tuple[str, ...], ids: NDArray[np.intp]) -> list[ClassRow]:
        """Each class that a picture shows, those with most pictures first.

        names, ids: of the judged labels, their names and their numbers in the dataset.
        """
        rows = [
            ClassRow(names[label], int(samples), float(first / samples), int(ids[label]))
            for label, samples, first in zip(self.labels, self.samples, self.first, strict=True)
            if samples
        ]
        return sorted(rows, key=lambda row: (-row.samples, row.name))
