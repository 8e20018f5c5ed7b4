"""The order in which pictures come: every one once, rare tags oftener, or tag by tag.

Decided by seed and epoch alone, so that an epoch can be entered anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .config import DataOptions
from .targets import Targets

_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Sampler:
    """Gives an epoch's rows.

    rows: intp[N], the training's. owners: intp[M], for each tag of each row the row's place in
    `rows`; tags: int32[M], which tag, ascending by row; labels: their number.
    """

    options: DataOptions
    rows: NDArray[np.intp]
    seed: int
    owners: NDArray[np.intp]
    tags: NDArray[np.int32]
    labels: int

    def order(self, epoch: int) -> NDArray[np.intp]:
        """The rows of an epoch in their order, intp; with `rare` there may be more than N."""
        chance = np.random.default_rng([self.seed, epoch, 0])
        if self.options.sampling == "tags":
            return self._by_tags(chance)
        rows = self.rows
        if self.options.sampling == "rare":
            times = np.floor(self.repeats + chance.random(len(rows))).astype(np.intp)
            rows = np.repeat(rows, times)
        return chance.permutation(rows)

    @cached_property
    def repeats(self) -> NDArray[np.float64]:
        """How often each row comes, on average: float64[N], at least 1.

        sqrt(rare / f) of its rarest tag, f being the tag's share of the rows (repeat factor
        sampling, Gupta 2019, arXiv 1908.03195; a tag being once in a picture, IRFS's instance
        counts differ from it by a factor that is the same for all).
        """
        share = np.bincount(self.tags, minlength=self.labels) / max(1, len(self.rows))
        with np.errstate(divide="ignore"):
            factor = np.sqrt(self.options.rare / share)
        found = np.ones(len(self.rows))
        np.maximum.at(found, self.owners, factor[self.tags])
        return found.clip(1.0, self.options.rare_most)

    @cached_property
    def _starts(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Owners sorted by tag; of each tag that has any, where its begin and how many it has."""
        by_tag = self.owners[np.argsort(self.tags, kind="stable")]
        counts = np.bincount(self.tags, minlength=self.labels)
        starts = np.cumsum(counts) - counts
        return by_tag, starts[counts > 0], counts[counts > 0]

    def _by_tags(self, chance: np.random.Generator) -> NDArray[np.intp]:
        """As many as there are rows: a tag of all alike, then one of its pictures of all alike."""
        by_tag, starts, counts = self._starts
        if not len(counts):
            return chance.permutation(self.rows)
        chosen = chance.integers(0, len(counts), len(self.rows))
        within = (chance.random(len(self.rows)) * counts[chosen]).astype(np.intp)
        return self.rows[by_tag[starts[chosen] + within]]


def make_sampler(
    options: DataOptions, targets: Targets, rows: NDArray[np.intp], seed: int
) -> Sampler:
    """Read which of these rows has which tag, where the way of sampling needs it."""
    owners: list[NDArray[np.intp]] = [np.empty(0, np.intp)]
    tags: list[NDArray[np.int32]] = [np.empty(0, np.int32)]
    if options.sampling != "plain":
        for start in range(0, len(rows), _AT_ONCE):
            truth, _ = targets.dataset.targets(rows[start : start + _AT_ONCE])
            found, which = np.nonzero(truth)
            owners.append(found + start)
            tags.append(which.astype(np.int32))
    labels = len(targets.dataset.vocabulary)
    return Sampler(options, rows, seed, np.concatenate(owners), np.concatenate(tags), labels)


def steps_of(
    order: NDArray[np.intp], batch: int, processes: int = 1, accumulate: int = 1
) -> list[NDArray[np.intp]]:
    """An epoch's steps: rows intp[accumulate, processes, N].

    Two processes see what one with twice the batch would. What is left over at the end is dropped,
    unless it is all there is: then the step is as large as it can be.
    """
    whole = batch * processes * accumulate
    if len(order) < whole:
        accumulate = max(1, min(accumulate, len(order) // (batch * processes)))
        batch = max(1, len(order) // (processes * accumulate))
        whole = batch * processes * accumulate
    count = len(order) // whole
    shape = (count, accumulate, processes, batch)
    return list(order[: count * whole].reshape(shape))
