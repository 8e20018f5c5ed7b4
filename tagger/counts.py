"""Counts of labels over pictures: how often each, how often together, and what that tells.

Pictures are lists of label indices. Counts are exact and sparse: only pairs that occur are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from .errors import DatasetError

Indices = Sequence[int] | NDArray[np.integer]

CHUNK = 20_000
"""Pictures counted at a time: some 20 million pairs at 45 labels each, 160 MB."""
DENSE = 1 << 24
"""Cells, 128 MB, up to which a table of all pairs is filled instead of sorting the pairs met."""


@dataclass(frozen=True, eq=False)
class TagCounts:
    """How often labels occur in a number of pictures, alone and in pairs."""

    pictures: int
    frequency: NDArray[np.int64]
    """int64[n]: the pictures that have each label."""
    pairs: NDArray[np.int64]
    """int64[m,2], ascending: the pairs (a, b), a < b, that some picture has."""
    together: NDArray[np.int64]
    """int64[m]: the pictures that have both labels of each pair."""

    def cooccurrence(self, rows: Indices) -> NDArray[np.int64]:
        """Return for each label in `rows` how often it occurs with every label, int64[rows,n].

        A label with itself is its frequency.
        """
        table = np.zeros((len(rows), len(self.frequency)), np.int64)
        for row, label in enumerate(rows):
            start, end = self._starts[label], self._starts[label + 1]
            table[row, self._others[start:end]] = self._both[start:end]
            table[row, label] = self.frequency[label]
        return table

    def ppmi(self, rows: Indices) -> NDArray[np.float32]:
        """Return positive pointwise mutual information, float32[rows,n], in nats.

        PMI(a, b) = ln(p(a, b) / (p(a) p(b))) (Church and Hanks 1990), below 0 and for pairs that
        never occur taken as 0 (Levy and Goldberg 2014); 0 for a label with itself, so that it
        speaks only of its company.
        """
        rows = np.asarray(rows, np.intp)
        together = self.cooccurrence(rows).astype(np.float64)
        together[np.arange(len(rows)), rows] = 0
        expected = np.outer(self.frequency[rows], self.frequency) / max(self.pictures, 1)
        ratio = np.divide(together, expected, out=np.ones_like(together), where=together > 0)
        return np.log(np.maximum(ratio, 1.0)).astype(np.float32)

    def similarity(self, rows: Indices) -> NDArray[np.float32]:
        """Return the cosine between the PPMI rows of labels, float32[rows,rows], 0 to 1.

        Labels that keep the same company are similar although they may never meet; a label
        without company is similar to none.
        """
        vectors = self.ppmi(rows)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
        cosine: NDArray[np.float32] = np.einsum("il,jl->ij", unit, unit, optimize=True)
        return np.minimum(cosine, 1.0, dtype=np.float32)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(np.concatenate([self.pairs[:, 0], self.pairs[:, 1]]), kind="stable")

    @cached_property
    def _others(self) -> NDArray[np.int64]:
        """The partner in every pair, seen from both sides, sorted by who looks."""
        return np.concatenate([self.pairs[:, 1], self.pairs[:, 0]])[self._order]

    @cached_property
    def _both(self) -> NDArray[np.int64]:
        return np.concatenate([self.together, self.together])[self._order]

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        """Where each label's partners begin, and after the last label their end."""
        degree = np.bincount(self.pairs.ravel(), minlength=len(self.frequency))
        return np.concatenate([[0], np.cumsum(degree)]).astype(np.intp)


def count(pictures: Iterable[Indices], labels: int) -> TagCounts:
    """Count over pictures, each a list of label indices from 0 to `labels` - 1.

    An index that a picture names twice counts once. Raises DatasetError on any other number.
    """
    frequency = np.zeros(labels, np.int64)
    codes, together = np.zeros(0, np.int64), np.zeros(0, np.int64)
    total = 0
    for chunk in _chunks(pictures):
        row, label = _flatten(chunk, labels, total)
        total += len(chunk)
        frequency += np.bincount(label, minlength=labels)
        new, times = _pair_codes(row, label, labels)
        codes, together = _add(codes, together, new, times)
    pairs = np.stack(np.divmod(codes, max(labels, 1)), axis=1)
    return TagCounts(total, frequency, pairs, together)


def _chunks(pictures: Iterable[Indices]) -> Iterator[list[Indices]]:
    waiting = iter(pictures)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk


def _flatten(
    chunk: list[Indices], labels: int, before: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (picture, label) of every label of every picture, sorted, each once."""
    lengths = np.array([len(one) for one in chunk], np.int64)
    label = np.concatenate([np.asarray(one, np.int64) for one in chunk])
    row = np.repeat(np.arange(len(chunk), dtype=np.int64), lengths)
    wrong = (label < 0) | (label >= labels)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DatasetError(
            f"picture {before + int(row[first])}: expected label indices from 0 to {labels - 1}, "
            f"got {label[first]}"
        )
    codes = np.sort(row * labels + label)
    row, label = np.divmod(codes[_run_starts(codes)], max(labels, 1))
    return row, label


def _pair_codes(
    row: NDArray[np.int64], label: NDArray[np.int64], labels: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs a < b within pictures as codes a * labels + b, and how often each."""
    found: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    distance = 1
    # sorted by picture, the labels of one picture are neighbours: pair each with its next, the
    # one after that, and so on until no picture has as many labels
    while distance < len(row) and (same := row[distance:] == row[:-distance]).any():
        found.append(label[:-distance][same] * labels + label[distance:][same])
        distance += 1
    pairs = np.concatenate(found)
    if labels * labels <= DENSE:
        table = np.bincount(pairs)
        codes = np.flatnonzero(table)
        return codes.astype(np.int64), table[codes].astype(np.int64)
    codes, times = np.unique(pairs, return_counts=True)
    return codes, times.astype(np.int64)


def _add(
    codes: NDArray[np.int64],
    times: NDArray[np.int64],
    new: NDArray[np.int64],
    new_times: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Add one sparse count to another."""
    both = np.concatenate([codes, new])
    order = np.argsort(both, kind="stable")
    both = both[order]
    starts = _run_starts(both)
    sums = (
        np.add.reduceat(np.concatenate([times, new_times])[order], starts) if len(both) else times
    )
    return both[starts], sums


def _run_starts(values: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return where each run of equal values begins in a sorted array.

    NumPy's own `unique` hashes since 2.3, which takes several times as long on these.
    """
    return np.flatnonzero(np.diff(values, prepend=-1))
