"""The network's labels in order, and what is true and known of a picture under each.

The order is the exported folder's: WD's rows first, so that `model.safetensors` agrees with
`selected_tags.csv` row by row, then what that file can't hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.index import Dataset
from ..export.rows import RATINGS, Rows, universal_rows

NEVER = -20.0
"""The logit of a label that is never true: a probability of 2e-9."""
_AT_ONCE = 4096  # rows whose dense targets are held: 4,096 x 10,000 labels are 80 MB


@dataclass(frozen=True, eq=False)
class Targets:
    """What is true of the rows of a DATASET.

    rows: the labels in the network's order. ratings: for each row of the dataset 0 to 3, -1 where
    it is not known. constants: float32[n], the logit of a label that is not learned, NaN for one
    that is.
    """

    dataset: Dataset
    rows: Rows
    ratings: NDArray[np.int8]
    constants: NDArray[np.float32]

    def of(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """truth and known, both bool[N, labels]; a label that is not learned is never known."""
        found, sure = self.dataset.targets(rows)
        truth = np.zeros((len(rows), len(self.rows.labels)), np.bool_)
        known = np.zeros_like(truth)
        own = self.rows.vocabulary >= 0
        truth[:, own] = found[:, self.rows.vocabulary[own]]
        known[:, own] = sure[:, self.rows.vocabulary[own]]
        rating = self.ratings[rows]
        truth[:, : len(RATINGS)] = rating[:, None] == np.arange(len(RATINGS))
        known[:, : len(RATINGS)] = (rating >= 0)[:, None]
        known[:, ~np.isnan(self.constants)] = False
        return truth, known


def make_targets(dataset: Dataset, training: NDArray[np.intp]) -> Targets:
    """The labels that a training on these rows of a DATASET learns.

    Ratings are learned where the pictures have more than one; otherwise the one they have is
    always given.
    """
    rows = universal_rows(dataset.vocabulary)
    ratings = rating_numbers(dataset.column("rating"))
    constants = np.full(len(rows.labels), np.nan, np.float32)
    constants[rows.vocabulary < 0] = NEVER
    seen = np.unique(ratings[training][ratings[training] >= 0])
    if len(seen) > 1:
        constants[: len(RATINGS)] = np.nan
    else:
        constants[seen[0] if len(seen) else 0] = -NEVER
    return Targets(dataset, rows, ratings, constants)


def rating_numbers(ratings: NDArray[Any]) -> NDArray[np.int8]:
    """Ratings as a booru writes them -> 0 general, 1 sensitive, 2 questionable, 3 explicit, -1.

    Where nothing is rated general, the scheme is the older one of three (Danbooru until 2022,
    e621): its `s` is safe, so general.
    """
    letters = np.array([str(rating or "?")[:1].lower() for rating in ratings])
    order = "gsqe" if "g" in letters else "s?qe"
    numbers = np.full(len(letters), -1, np.int8)
    for number, letter in enumerate(order):
        if letter != "?":
            numbers[letters == letter] = number
    return numbers


def label_counts(
    targets: Targets, rows: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of these rows, how many have each label and of how many it is known; both int64[n]."""
    positives = np.zeros(len(targets.rows.labels), np.int64)
    sure = np.zeros_like(positives)
    for start in range(0, len(rows), _AT_ONCE):
        truth, known = targets.of(rows[start : start + _AT_ONCE])
        positives += (truth & known).sum(0)
        sure += known.sum(0)
    return positives, sure
