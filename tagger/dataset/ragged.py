"""Ragged: a list of numbers for each row, as two flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Ragged:
    """A list of numbers for each row: row i has values[offsets[i]:offsets[i + 1]]."""

    values: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, column: Any) -> Ragged:
        """From a pyarrow column of lists without nulls."""
        whole = column.combine_chunks()
        # flatten() and value_lengths() mind slices, which .values and .offsets do not
        lengths = whole.value_lengths().to_numpy(zero_copy_only=False)
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        return cls(whole.flatten().to_numpy(zero_copy_only=False), offsets)

    def dense(self, rows: NDArray[np.intp], width: int) -> NDArray[np.bool_]:
        """bool[N, width], True at each row's numbers."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        starts = np.cumsum(lengths) - lengths
        within = np.arange(lengths.sum()) - np.repeat(starts, lengths)
        values = self.values[np.repeat(self.offsets[rows], lengths) + within]
        found = np.zeros((len(rows), width), np.bool_)
        found[np.repeat(np.arange(len(rows)), lengths), values] = True
        return found
