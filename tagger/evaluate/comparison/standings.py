"""Standings: who stands where, how sure that is, and by how much one is ahead of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..intervals import Bootstrap, Interval, by_group, difference, drawn, of_means, share
from ..showdown import Floats


@dataclass(frozen=True)
class Place:
    """A contestant's place, the first is 1. low, high: in the given share of draws.

    first: the share of draws in which nobody is ahead of it. stays: those in which it has the
    same place.
    """

    place: int
    low: int
    high: int
    first: float
    stays: float


@dataclass(frozen=True)
class Pair:
    """By how much the second is ahead of the first, on the same pictures."""

    first: str
    second: str
    gain: Interval

    @property
    def sure(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.gain.low > 0 or self.gain.high < 0


def places(
    scores: Mapping[str, Floats], groups: NDArray[np.int64], options: Bootstrap
) -> dict[str, Place]:
    """Places by the mean of pictures' scores; the same draws for all.

    scores: float64[N] each, NaN for none. Equal ones share the better place.
    """
    if not scores:
        return {}
    values = np.concatenate([by_group(of_means(each), groups) for each in scores.values()], axis=1)
    means = _means(values.sum(axis=0)[None], len(scores))
    again = _ranks(_means(np.concatenate(list(drawn(values, options))), len(scores)))
    tail = (1 - options.confidence) / 2
    now = _ranks(means)[0]
    low, high = np.quantile(again, [tail, 1 - tail], axis=0, method="nearest")
    return {
        name: Place(
            int(now[at]),
            int(low[at]),
            int(high[at]),
            float((again[:, at] == 1).mean()),
            float((again[:, at] == now[at]).mean()),
        )
        for at, name in enumerate(scores)
    }


def pairs(
    scores: Mapping[str, Floats], groups: NDArray[np.int64], options: Bootstrap
) -> tuple[Pair, ...]:
    """Every two contestants, paired by picture."""
    sums = {name: by_group(of_means(each), groups) for name, each in scores.items()}
    return tuple(
        Pair(one, other, difference(sums[one], sums[other], share, options))
        for one, other in combinations(sums, 2)
    )


def ordered(scores: Mapping[str, Floats]) -> Sequence[str]:
    """Names, the best first; of equal ones the earlier."""
    return sorted(scores, key=lambda name: -float(np.nan_to_num(np.nanmean(scores[name]))))


def _means(sums: Floats, count: int) -> Floats:
    """Means of contestants, float64[draws, contestants], of sums side by side."""
    apart = sums.reshape(len(sums), count, 2)
    return share(apart)


def _ranks(means: Floats) -> NDArray[np.int64]:
    """1 for the highest of a row; equal ones share the better place."""
    return (means[:, None, :] > means[:, :, None] + 1e-12).sum(axis=2) + 1
