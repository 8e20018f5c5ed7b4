"""Splits: which rows train, which calibrate and which validate, without a leak between them.

Rows that show the same picture, or versions of it, are one group, and a group is in one split:
that of its smallest post id. By hash, it changes neither with the order of the posts nor when
others come or go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..options import check, option

Split = Literal["train", "calibration", "validation"]
SPLITS: tuple[Split, ...] = get_args(Split)
TRAIN, CALIBRATION, VALIDATION = range(3)
Method = Literal["hash", "order", "modulo", "source"]


@dataclass(frozen=True)
class SplitOptions:
    """How rows are dealt out; what neither calibrates nor validates trains."""

    split_by: Method = option(
        "hash",
        help="hash: shares of the groups, by a seeded hash; order: every tenth validates, of the "
        "rest every fifth calibrates; modulo: by id % 1000, from 900 and from 950 on, as WD's "
        "taggers; source: as the source says, its missing part by hash.",
    )
    calibration: float = option(
        0.05, help="Share of the groups that thresholds are fitted on.", ge=0, le=1
    )
    validation: float = option(
        0.05, help="Share of the groups that nothing is chosen on.", ge=0, le=1
    )
    seed: int = option(0, help="Another seed deals the groups out differently.", ge=0)
    split_floor: int = option(
        0,
        help="Rows of each label that calibration and validation have at least, if the label has "
        "four times as many: groups are moved there from the training.",
        ge=0,
    )

    def __post_init__(self) -> None:
        check(self)
        if self.calibration + self.validation > 1:
            raise OptionError(
                "calibration and validation: expected shares of at most 1 together, got "
                f"{self.calibration:g} and {self.validation:g}"
            )


@dataclass(frozen=True)
class Dealt:
    """What the splits are dealt by, an entry a row, in the rows' order.

    heads: the smallest post id of the row's group. groups: the first row of its group. given: the
    source's own split as an index into SPLITS, -1 where it has none.
    """

    heads: NDArray[np.int64]
    groups: NDArray[np.int64]
    given: NDArray[np.int8]


def deal(rows: Dealt, options: SplitOptions) -> NDArray[np.int8]:
    """Deal out the rows: int8[N], an index into SPLITS; rows of a group get the same."""
    if options.split_by == "order":
        return _by_order(rows.groups)
    if options.split_by == "modulo":
        return np.digitize(rows.heads % 1000, (900, 950)).astype(np.int8)
    dealt = assign(rows.heads, options)
    return dealt if options.split_by == "hash" else _by_source(rows, dealt)


def assign(groups: NDArray[np.int64], options: SplitOptions) -> NDArray[np.int8]:
    """Deal out groups, int64[N] each by its smallest post id: int8[N], an index into SPLITS."""
    place = uniform(groups, options.seed)
    train = 1 - options.calibration - options.validation
    edges = np.array([train, train + options.calibration])
    return np.searchsorted(edges, place, side="right").astype(np.int8)


def uniform(numbers: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """A number in [0, 1) for each of int64[N], the same on every machine and for every N.

    The top 53 bits of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
    generators, 2014), once over the seed and once over the result with the number.
    """
    start = _splitmix64(np.array([seed % 2**64], np.uint64))
    mixed = _splitmix64(numbers.astype(np.uint64) ^ start)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def repair(
    split: NDArray[np.int8],
    rows: Dealt,
    labelled: tuple[NDArray[np.int64], NDArray[np.int32]],
    options: SplitOptions,
) -> NDArray[np.int8]:
    """Move groups out of the training until rare labels have `split_floor` rows in each part.

    `labelled` are pairs of a row and a label that it has, ordered by label. The rarest label goes
    first, its groups in the order of their hash; of the most that a label may give away, each of
    the two parts gets a quarter.
    """
    floor = options.split_floor
    if not floor:
        return split
    moved = split.copy()
    members, first = _members(rows.groups)
    row, label = labelled
    starts = np.flatnonzero(np.diff(label, prepend=-1))
    counts = np.diff(starts, append=len(label))
    place = uniform(rows.heads, options.seed)
    for number in np.argsort(counts, kind="stable"):
        own = row[starts[number] : starts[number] + counts[number]]
        if len(own) < 4 * floor:
            continue
        own = own[np.argsort(place[own], kind="stable")]
        for part in (CALIBRATION, VALIDATION):
            lacking = floor - int((moved[own] == part).sum())
            for one in own[moved[own] == TRAIN] if lacking > 0 else ():
                if lacking <= 0:
                    break
                group = members[first[rows.groups[one]] : first[rows.groups[one] + 1]]
                if moved[one] == TRAIN:
                    moved[group] = part
                    lacking -= int(np.isin(own, group).sum())
    return moved


def _members(groups: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows by their groups, and for each group's number where its rows begin."""
    members = np.argsort(groups, kind="stable")
    return members, np.searchsorted(groups[members], np.arange(len(groups) + 1))


def _by_order(groups: NDArray[np.int64]) -> NDArray[np.int8]:
    return np.where(
        groups % 10 == 0, VALIDATION, np.where(groups % 5 == 0, CALIBRATION, TRAIN)
    ).astype(np.int8)


def _by_source(rows: Dealt, dealt: NDArray[np.int8]) -> NDArray[np.int8]:
    """As the source deals them; a part that it lacks comes out of its training part."""
    given = rows.given[rows.groups]
    kept = given >= 0
    found = np.where(kept, given, dealt).astype(np.int8)
    for part in (CALIBRATION, VALIDATION):
        if kept.any() and not (given == part).any():
            found[(given == TRAIN) & (dealt == part)] = part
    return found


def _splitmix64(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        mixed = state + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
