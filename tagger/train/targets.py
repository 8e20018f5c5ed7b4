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
from ..export.rows import RATINGS, Rows, model_rows, universal_rows
from ..labels import Label, LabelSet

NEVER = -20.0
"""The logit of a label that is never true: a probability of 2e-9."""
_AT_ONCE = 4096  # rows whose dense targets are held: 4,096 x 10,000 labels are 80 MB


@dataclass(frozen=True, eq=False)
class Targets:
    """What is true of the rows of a DATASET.

    rows: the labels in the network's order; `vocabulary` is the dataset's, -1 for a label that it
    does not have. ratings: for each row of the dataset 0 to 3, -1 where it is not known.
    constants: float32[n], the logit of a label that is not learned, NaN for one that is. former:
    intp[n], the label's index in the tagger that is added to, -1 for a new one.
    """

    dataset: Dataset
    rows: Rows
    ratings: NDArray[np.int8]
    constants: NDArray[np.float32]
    former: NDArray[np.intp]

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


def make_targets(dataset: Dataset, former: LabelSet | None = None) -> Targets:
    """The labels that a training on a DATASET learns, and those of `former`.

    Ratings are learned where its training split has more than one; otherwise the one it has is
    always given, unless `former` knows ratings. A label of `former` that the DATASET has not is
    never known of its pictures.
    """
    rows, kept = _rows(dataset.vocabulary, former)
    ratings = rating_numbers(dataset.column("rating"))
    constants = np.full(len(rows.labels), np.nan, np.float32)
    constants[(rows.vocabulary < 0) & (kept < 0)] = NEVER
    seen = np.unique(ratings[dataset.rows("train")])
    seen = seen[seen >= 0]
    if len(seen) > 1 or (kept[: len(RATINGS)] >= 0).all():
        constants[: len(RATINGS)] = np.nan
    else:
        constants[: len(RATINGS)] = NEVER
        constants[seen[0] if len(seen) else 0] = -NEVER
        kept[: len(RATINGS)] = -1
    return Targets(dataset, rows, ratings, constants, kept)


def _rows(vocabulary: LabelSet, former: LabelSet | None) -> tuple[Rows, NDArray[np.intp]]:
    """The labels in a folder's order, and the index of each in `former`, intp[n]."""
    if former is None:
        rows = universal_rows(vocabulary)
        return rows, np.full(len(rows.labels), -1, np.intp)
    new = [label for label in vocabulary if former.find(label.name) is None]
    joined = LabelSet((*former, *(_plain(label) for label in new)))
    rows = model_rows(joined)
    kept = np.where(rows.vocabulary < len(former), rows.vocabulary, -1)
    found = [vocabulary.find(label.name) for label in rows.labels]
    own = np.array([-1 if at is None else at for at in found], np.intp)
    own[: len(RATINGS)] = -1  # theirs are a column of the dataset
    return Rows(rows.labels, rows.wd, own), kept


def _plain(label: Label) -> Label:
    """A new label beside a former's, whose numbers of tags may be another site's."""
    return Label(label.name, label.category, label.count)


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
