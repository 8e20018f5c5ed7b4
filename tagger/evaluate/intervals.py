"""How far a figure would move with other pictures: the bootstrap over pictures.

Efron 1979, percentile intervals: pictures are drawn again with replacement, whole with all their
labels, and the figure is computed anew from the sums of their counts. Two taggers are compared on
the same draws, so that what makes a picture hard for both cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..options import check, option
from .metrics import Counts, Floats

Statistic = Callable[[Floats], Floats]
"""From sums over pictures, float64[..., k], to the figure, float64[...]."""
CHUNK = 64
"""Draws held at once; each takes 8 bytes a picture."""


@dataclass(frozen=True)
class Bootstrap:
    """How the pictures are drawn again."""

    draws: int = option(2000, help="How often the pictures are drawn again.", ge=100)
    confidence: float = option(
        0.95, help="Share of the draws inside the interval.", ge=0.5, le=0.999
    )
    seed: int = option(0, help="Other draws.", ge=0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Interval:
    """A figure on the pictures at hand, and where it lies in the given share of draws."""

    value: float
    low: float
    high: float


DEFAULT = Bootstrap()


def interval(values: Floats, statistic: Statistic, options: Bootstrap = DEFAULT) -> Interval:
    """The interval of a figure of sums: values are float[N, k], a row a picture (or a group).

    Raises ValueError without pictures.
    """
    sums = np.concatenate(list(drawn(values, options)))
    return _interval(statistic(values.sum(axis=0)), statistic(sums), options)


def difference(
    first: Floats, second: Floats, statistic: Statistic, options: Bootstrap = DEFAULT
) -> Interval:
    """The interval of a figure's gain from the first tagger to the second, paired by picture.

    Both are float[N, k] over the same pictures in the same order; ValueError otherwise.
    """
    if first.shape != second.shape:
        raise ValueError(
            f"second: expected the pictures of the first, {first.shape}, got {second.shape}"
        )
    width = first.shape[1]

    def gain(sums: Floats) -> Floats:
        return statistic(sums[..., width:]) - statistic(sums[..., :width])

    return interval(np.concatenate([first, second], axis=1), gain, options)


def by_picture(counts: Counts) -> Floats:
    """Counts by picture, int64[N], as values for `interval` with `precision`, `recall`, `f1`."""
    return np.stack([counts.tp, counts.fp, counts.fn], axis=1).astype(np.float64)


def by_group(values: Floats, groups: NDArray[np.integer[Any]]) -> Floats:
    """Sum the rows of a group, so that versions of one picture are drawn together."""
    _, place = np.unique(groups, return_inverse=True)
    sums = np.zeros((place.max(initial=-1) + 1, values.shape[1]))
    np.add.at(sums, place.reshape(-1), values)
    return sums


def of_means(values: Floats) -> Floats:
    """Values for the figure `share`: each picture's own value, float[N], NaN for none."""
    has = ~np.isnan(values)
    return np.stack([np.where(has, values, 0.0), has], axis=1)


def share(sums: Floats) -> Floats:
    """The mean of pictures' own values, by `of_means`: top-1, sample-averaged rates."""
    return _divide(sums[..., 0], sums[..., 1])


def precision(sums: Floats) -> Floats:
    """Micro precision of sums by `by_picture`."""
    return _divide(sums[..., 0], sums[..., 0] + sums[..., 1])


def recall(sums: Floats) -> Floats:
    """Micro recall of sums by `by_picture`."""
    return _divide(sums[..., 0], sums[..., 0] + sums[..., 2])


def f1(sums: Floats) -> Floats:
    """Micro F1 of sums by `by_picture`."""
    return _divide(2 * sums[..., 0], 2 * sums[..., 0] + sums[..., 1] + sums[..., 2])


def drawn(values: Floats, options: Bootstrap) -> Iterator[Floats]:
    """The sums over each draw, float64[draws, k], a chunk at a time."""
    size = len(values)
    if not size:
        raise ValueError("values: expected at least one picture, got none")
    rng = np.random.default_rng(options.seed)
    for start in range(0, options.draws, CHUNK):
        draws = min(CHUNK, options.draws - start)
        picks = (rng.integers(0, size, size) for _ in range(draws))
        # each draw summed at once: millions of pictures would not fit in memory 64 times
        yield np.stack([np.bincount(pick, minlength=size) @ values for pick in picks])


def _interval(value: Floats, drawn: Floats, options: Bootstrap) -> Interval:
    tail = (1 - options.confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(float(value), float(low), float(high))


def _divide(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0)
