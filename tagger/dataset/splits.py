"""Splits: which rows train, which calibrate and which validate, without a leak between them.

Rows that show the same picture, or versions of it, are one group, and a group is in one split.
The split is a seeded hash of the group's smallest post id, so it changes neither with the order
of the posts nor when others come or go.
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


@dataclass(frozen=True)
class SplitOptions:
    """How rows are dealt out; what neither calibrates nor validates trains."""

    calibration: float = option(
        0.05, help="Share of the groups that thresholds are fitted on.", ge=0, le=1
    )
    validation: float = option(
        0.05, help="Share of the groups that nothing is chosen on.", ge=0, le=1
    )
    seed: int = option(0, help="Another seed deals the groups out differently.", ge=0)

    def __post_init__(self) -> None:
        check(self)
        if self.calibration + self.validation > 1:
            raise OptionError(
                "calibration and validation: expected shares of at most 1 together, got "
                f"{self.calibration:g} and {self.validation:g}"
            )


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


def _splitmix64(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        mixed = state + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def components(count: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Connected components of `count` nodes under the edges left[i] - right[i].

    Gives int64[count], for each node the smallest node that it hangs together with.
    """
    smallest = np.arange(count, dtype=np.int64)
    while True:
        reached = np.minimum(smallest[left], smallest[right])
        # hooking the roots too is what makes long chains close in a few rounds
        for ends in (left, right):
            np.minimum.at(smallest, smallest[ends], reached)
            np.minimum.at(smallest, ends, reached)
        while (smallest[smallest] != smallest).any():
            smallest = smallest[smallest]
        if (smallest[left] == smallest[right]).all():
            return smallest
