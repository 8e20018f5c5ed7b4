"""Ratings: which of a model's are the dataset's, how often it is right, and the scalar between.

Where one side has three ratings and the other four, general and sensitive are both what was called
safe. The scalar is one number for a rating, as `furry-image-model` gives it: here the mean of the
ratings' places weighed by their scores, safe 0, questionable 1/2, explicit 1, and where there are
four, sensitive 1/4. Two cut-points make three ratings of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...labels import LabelSet
from ...scores import RATING

FOUR = ("general", "sensitive", "questionable", "explicit")
THREE = ("safe", "questionable", "explicit")
PLACES = {"safe": 0.0, "general": 0.0, "sensitive": 0.25, "questionable": 0.5, "explicit": 1.0}
UNKNOWN = -1
_LETTERS = {"g": "general", "s": "sensitive", "q": "questionable", "e": "explicit"}


@dataclass(frozen=True, eq=False)
class Ratings:
    """The ratings that are judged.

    names: `FOUR` or `THREE`. truth: of each row of the dataset the index of its rating, int8, -1
    where it is not known. columns: the model's outputs, intp[r]. names_of: to which of `names`
    each of them belongs, intp[r].
    """

    names: tuple[str, ...]
    truth: NDArray[np.int8]
    columns: NDArray[np.intp]
    names_of: NDArray[np.intp]

    def chosen(self, values: NDArray[np.float32]) -> NDArray[np.intp]:
        """The rating with the highest score, intp[N], of scores float32[N, n]."""
        return self.names_of[values[:, self.columns].argmax(axis=1)]

    def scalar(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """The scalar of each picture, 0 to 1."""
        own = values[:, self.columns].astype(np.float64)
        whole = own.sum(axis=1)
        places = self.places[self.names_of]
        return np.divide(own @ places, whole, out=np.zeros(len(own)), where=whole > 0)

    @property
    def places(self) -> NDArray[np.float64]:
        """Where each rating lies on the scalar."""
        return np.array([PLACES[name] for name in self.names])


def match_ratings(labels: LabelSet, ratings: Iterable[str | None]) -> Ratings | None:
    """Ratings of a model and of a dataset's rows; None where there is nothing to judge.

    There is nothing where the model has fewer than two, or the pictures have only one.
    """
    columns = labels.of(RATING)
    said = [_plain(labels[index].name) for index in columns.tolist()]
    usable = [at for at, name in enumerate(said) if name in PLACES]
    true = [None if rating is None else _LETTERS.get(rating, rating) for rating in ratings]
    if len({said[at] for at in usable}) < 2 or len({name for name in true if name}) < 2:
        return None
    three = "safe" in true or "safe" in said
    names = THREE if three else FOUR
    return Ratings(
        names,
        np.array([_index(name, names) for name in true], np.int8),
        columns[usable],
        np.array([_index(said[at], names) for at in usable], np.intp),
    )


def three_of(scalar: NDArray[np.float64], safe: float, explicit: float) -> NDArray[np.intp]:
    """The index in `THREE`: below `safe`, from `explicit` on, or between."""
    return np.where(scalar < safe, 0, np.where(scalar < explicit, 1, 2))


def confusion(
    truth: NDArray[np.integer], chosen: NDArray[np.integer], names: Sequence[str]
) -> NDArray[np.int64]:
    """How often each true rating (row) was called which (column), int64[r, r]."""
    size = len(names)
    return np.bincount(truth * size + chosen, minlength=size * size).reshape(size, size)


def fold(names: Sequence[str]) -> NDArray[np.intp]:
    """For each of `names` its index in `THREE`."""
    return np.array([_index(name, THREE) for name in names], np.intp)


def _index(name: str | None, names: Sequence[str]) -> int:
    if name in ("general", "sensitive") and name not in names:
        name = "safe"
    return names.index(name) if name in names else UNKNOWN


def _plain(name: str) -> str:
    return name.removeprefix("rating:").strip().lower()
