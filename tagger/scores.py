"""Scores: a model's probabilities for one picture; their rounding, sparse form and union.

Rounding happens here and nowhere else, when Scores are made; so a score that was stored, sent or
just computed is the same number.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import OptionError, StoreError
from .labels import Label, LabelSet
from .spelling import key

FLOOR = 0.01
"""The least score that is kept in the sparse form; nothing below it is asked for by habit."""
DECIMALS = 6
"""Decimals of a score; one step is a tenth of the difference allowed between two backends."""
RATING = "rating"
"""The name of the category whose labels exclude one another: kept whole, chosen by arg-max."""

How = Literal["mean", "max", "weighted"]


def rounded(values: ArrayLike) -> NDArray[np.float32]:
    """Round probabilities to six decimals, half to even: float32 of any shape, a new array.

    A float32 times 1e6 is exact in float64, so this is what Python's `round` gives.
    """
    return (np.round(np.asarray(values, np.float64) * 10**DECIMALS) / 10**DECIMALS).astype(
        np.float32
    )


def number(value: float) -> float:
    """One score as the Python number a person reads: 0.35, not 0.3499999940395355."""
    return round(float(value), DECIMALS)


def numbers(values: NDArray[np.float32]) -> list[float]:
    """What `number` gives of each: float32 of any number, 0 to 1."""
    return (np.round(values.astype(np.float64) * 10**DECIMALS) / 10**DECIMALS).tolist()


@dataclass(frozen=True)
class Sparse:
    """Scores without those below the floor, as the store keeps them.

    indices: uint16[k], ascending; uint32 where there are more than 65,535 labels.
    values: float32[k].
    """

    indices: NDArray[np.uint16] | NDArray[np.uint32]
    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scores:
    """What one model says of one picture.

    values: probabilities, float32[n], 0 to 1; rounded here, read-only. labels: what they are
    scores of. model: who says so. floor: scores below it are unknown and stand as 0; 0 if none
    is. Ratings are known in any case.
    """

    values: NDArray[np.float32]
    labels: LabelSet
    model: str
    floor: float = 0.0

    def __post_init__(self) -> None:
        values = rounded(self.values)
        if values.shape != (len(self.labels),):
            raise ValueError(
                f"{self.model}: expected {len(self.labels)} scores, got shape {values.shape}"
            )
        values.setflags(write=False)
        object.__setattr__(self, "values", values)

    def sparse(self) -> Sparse:
        """Drop what is below 0.01, except ratings."""
        stays = self.values >= np.float32(FLOOR)
        stays[self.labels.of(RATING)] = True
        indices = np.flatnonzero(stays)
        kind: Any = np.uint16 if len(self.labels) <= 0xFFFF else np.uint32
        return Sparse(indices.astype(kind), self.values[indices])

    @classmethod
    def from_sparse(cls, sparse: Sparse, labels: LabelSet, model: str) -> Scores:
        """The same scores with 0 for what was dropped, and `floor` saying so.

        Raises StoreError if they are of more labels than there are.
        """
        if sparse.indices.size and int(sparse.indices.max()) >= len(labels):
            raise StoreError(
                f"{model}: expected kept scores of {len(labels)} labels, got one for label "
                f"{int(sparse.indices.max())}: infer the picture again"
            )
        values = np.zeros(len(labels), np.float32)
        values[sparse.indices] = rounded(sparse.values)
        values.setflags(write=False)
        made = object.__new__(cls)  # rounding all those zeros would take longer than all the rest
        fields = {"values": values, "labels": labels, "model": model, "floor": FLOOR}
        for name, value in fields.items():
            object.__setattr__(made, name, value)
        return made


def union(
    scores: Sequence[Scores],
    how: How = "mean",
    weights: Sequence[float] | None = None,
    exact: bool = False,
) -> Scores:
    """What several models say together of one picture, over all their labels.

    A tag that several know, whatever its spelling, gets the mean, the greatest, or the mean by
    `weights`, one a model, of their scores; a tag that one knows keeps its score. Tags below 0.01
    count as 0, so that stored scores and fresh ones give the same; with `exact`, for which all
    must be fresh, they count as what they are. The labels stand in the order of the first model,
    then what the next ones add; a label is described by the first to have it.

    Raises OptionError if the weights do not fit.
    """
    if exact and any(each.floor for each in scores):
        raise ValueError("expected fresh scores for an exact union, got stored ones")
    shares = _shares(len(scores), how, weights)
    labels, places = _join(tuple(each.labels for each in scores))
    total = np.zeros(len(labels), np.float64)
    known = np.zeros(len(labels), np.float64)
    for each, (mine, theirs), share in zip(scores, places, shares, strict=True):
        values = (each.values if exact else _above_floor(each))[mine].astype(np.float64)
        if how == "max":
            total[theirs] = np.maximum(total[theirs], values)
        else:
            total[theirs] += share * values
            known[theirs] += share
    if how != "max":
        total /= np.where(known > 0, known, 1)
    name = " + ".join(each.model for each in scores)
    return Scores(total.astype(np.float32), labels, name, 0.0 if exact else FLOOR)


def _shares(count: int, how: How, weights: Sequence[float] | None) -> Sequence[float]:
    if how not in get_args(How):
        raise OptionError(f"expected one of {', '.join(get_args(How))}, got {how!r}")
    if count == 0:
        raise OptionError("expected the scores of one model at least, got none")
    if how != "weighted":
        return [1.0] * count
    given = list(weights or ())
    if len(given) != count or not all(weight > 0 for weight in given):
        raise OptionError(f"expected {count} weights greater than 0, got {given}")
    return given


def _above_floor(scores: Scores) -> NDArray[np.float32]:
    values = np.where(scores.values >= np.float32(FLOOR), scores.values, np.float32(0))
    ratings = scores.labels.of(RATING)
    values[ratings] = scores.values[ratings]
    return values


_Places = tuple[NDArray[np.intp], NDArray[np.intp]]


@functools.lru_cache(maxsize=8)  # a folder of pictures asks for the same models each time
def _join(sets: tuple[LabelSet, ...]) -> tuple[LabelSet, tuple[_Places, ...]]:
    """All labels once, and for each set: its indices, and where they stand in the whole."""
    found: dict[tuple[bool, str], int] = {}
    labels: list[Label] = []
    places: list[_Places] = []
    for each in sets:
        own: dict[int, int] = {}  # place in the whole -> index here; the first spelling counts
        for index, label in enumerate(each):
            if not label.name:
                continue
            # the rating `general` is no tag of that name
            name = (label.category.name == RATING, key(label.name))
            if name not in found:
                found[name] = len(labels)
                labels.append(label)
            own.setdefault(found[name], index)
        places.append((np.array(list(own.values()), np.intp), np.array(list(own), np.intp)))
    return LabelSet(tuple(labels)), tuple(places)
