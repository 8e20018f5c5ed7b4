"""Predictions: what a tagger said of pictures, beside what is true of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a tagger said of N pictures and n labels, and what is true of them.

    scores: float32[N, n], not NaN. truth: bool[N, n]. known: bool[N, n]; where False the truth is
    not known, and none of the metrics looks. Raises ValueError where shapes or types differ.
    """

    scores: NDArray[np.float32]
    truth: NDArray[np.bool_]
    known: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for name, kind in (("scores", np.float32), ("truth", np.bool_), ("known", np.bool_)):
            array = getattr(self, name)
            if array.dtype != kind or array.ndim != 2:
                wanted = np.dtype(kind).name
                raise ValueError(f"{name}: expected {wanted}[N, n], got {array.dtype}{array.shape}")
            if array.shape != self.scores.shape:
                raise ValueError(
                    f"{name}: expected the shape of scores, {self.scores.shape}, got {array.shape}"
                )
        if np.isnan(self.scores).any():
            raise ValueError("scores: expected numbers, got NaN")

    def columns(self, labels: ArrayLike) -> Predictions:
        """The same pictures, these labels only: indices, or bool[n]."""
        return Predictions(*(array[:, np.asarray(labels)] for array in self._arrays))

    def rows(self, pictures: ArrayLike) -> Predictions:
        """These pictures only, the same labels: indices, or bool[N]."""
        return Predictions(*(array[np.asarray(pictures)] for array in self._arrays))

    @property
    def positives(self) -> NDArray[np.bool_]:
        """bool[N, n]: known to be true."""
        return self.truth & self.known

    @property
    def _arrays(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        return self.scores, self.truth, self.known

    def answers(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """All answers that can be judged, flat: scores float32[M] and truth bool[M]."""
        return self.scores[self.known], self.truth[self.known]
