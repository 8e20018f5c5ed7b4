"""Album: the pictures that a page shows of a DATASET, drawn by a seed, the broken ones counted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import TaggerError
from ..report.page import Picture
from ..report.thumbnail import thumbnail
from .index import Dataset

_TRIES = 3
"""How many times as many pictures as are wanted are opened at most, where some are broken."""


class Album:
    """Opens pictures of one DATASET; `opened` and `broken` count them."""

    def __init__(self, dataset: Dataset, seed: int) -> None:
        self._dataset = dataset
        self._seed = seed
        self.opened = 0
        self.broken = 0

    def pictures(self, rows: NDArray[np.intp], most: int) -> list[Picture]:
        """Of the rows, in a drawn order, the first that can be opened."""
        order = np.random.default_rng(self._seed).permutation(rows)[: _TRIES * most]
        found: list[Picture] = []
        for row in order.tolist():
            if len(found) < most:
                found += self._picture(row)
        return found

    def _picture(self, row: int) -> Iterator[Picture]:
        index, names = self._dataset.index, self._dataset.vocabulary.names
        self.opened += 1
        try:
            uri = thumbnail(self._dataset.image_path(row))
        except TaggerError:
            self.broken += 1
            return
        path = index["path"][row].as_py()
        tags = ", ".join(names[label] for label in index["tags"][row].as_py())
        yield Picture(uri, path.rpartition("/")[2], f"{path}\n{tags}")
