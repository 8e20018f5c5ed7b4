"""Overview: what can be known of a DATASET before anything is trained on it.

Knows the opened index and nothing of pages; pictures are not touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..counts import TagCounts, count
from .clusters import clusters
from .doubts import Doubt, Postings, broken_implications, likely_missing
from .index import Dataset
from .ragged import Ragged
from .splits import SPLITS

_RATINGS = ("safe", "g", "s", "q", "e")
MOST_ROWS = 100_000
"""Pictures whose tags are looked at in pairs; of a larger set so many are drawn."""


@dataclass(frozen=True, eq=False)
class Overview:
    """The facts of a DATASET; labels are indices into its vocabulary."""

    dataset: Dataset
    support: NDArray[np.int64]
    """int64[splits,n]: the pictures of each split that have each label."""
    tags_per_image: NDArray[np.int64]
    """int64[rows]: how many labels each picture has."""
    ratings: Mapping[str, NDArray[np.int64]]
    """For each rating, int64[splits]: its pictures; `none` is where none is known."""
    sizes: NDArray[np.int64]
    """int64[m,2], width and height of the pictures whose size is known."""
    sample: NDArray[np.intp]
    """intp[s], ascending: the rows that what follows was counted over."""
    counts: TagCounts
    has: Postings
    """Rows of `sample`, as positions in it, that have each label."""
    clusters: list[list[int]]
    broken: list[Doubt]
    """Implications that pictures violate; rows are those of the index."""
    missing: list[Doubt]
    """Tags that are likely missing; rows are those of the index."""
    astray: Mapping[str, int]
    """How many `groups` and `files` (by md5) are in more than one split; it must be none."""
    copies: int
    """Pictures whose md5 another picture has, too."""

    @property
    def frequency(self) -> NDArray[np.int64]:
        """int64[n]: the pictures that have each label, of all splits."""
        return self.support.sum(axis=0)

    @property
    def rows(self) -> NDArray[np.int64]:
        """int64[splits]: pictures of each split."""
        return np.bincount(split_numbers(self.dataset), minlength=len(SPLITS))

    def scarce(self, floor: int) -> NDArray[np.intp]:
        """Labels with fewer pictures than `floor` in some split that has pictures, rarest first."""
        used = self.rows > 0
        few = (self.support[used] < floor).any(axis=0)
        return np.flatnonzero(few)[np.argsort(self.frequency[few], kind="stable")]


def look(dataset: Dataset, seed: int = 0, most_rows: int = MOST_ROWS) -> Overview:
    """Look at all rows; at the company that tags keep among `most_rows` drawn by the seed."""
    tags, unknown = (Ragged.of(dataset.index[name]) for name in ("tags", "unknown"))
    splits, labels = split_numbers(dataset), len(dataset.vocabulary)
    sample = draw(len(dataset), most_rows, seed)
    drawn, unsure = _some(tags, sample), _some(unknown, sample)
    counts = count((drawn.values[a:b] for a, b in _bounds(drawn)), labels)
    has, unknown_of = Postings(drawn, labels), Postings(unsure, labels)
    edges = dataset.relations.edges(dataset.vocabulary)
    md5 = codes(dataset, "md5")
    return Overview(
        dataset=dataset,
        support=_support(tags, splits, labels),
        tags_per_image=np.diff(tags.offsets),
        ratings=_ratings(dataset, splits),
        sizes=_sizes(dataset),
        sample=sample,
        counts=counts,
        has=has,
        clusters=clusters(counts, np.arange(labels)),
        broken=_of_index(broken_implications(has, unknown_of, edges), sample),
        missing=_of_index(likely_missing(has, unknown_of, counts), sample),
        astray={
            "groups": astray(dataset.column("group"), splits),
            "files": astray(md5, splits),
        },
        copies=_copies(md5),
    )


def split_numbers(dataset: Dataset) -> NDArray[np.intp]:
    """The split of each row as its place in SPLITS, intp[rows]."""
    column = dataset.column("split")
    return np.select([column == name for name in SPLITS], range(len(SPLITS)), 0).astype(np.intp)


def codes(dataset: Dataset, name: str) -> NDArray[np.int64]:
    """A text column as numbers, equal where the text is; -1 where there is none."""
    encoded = dataset.index[name].combine_chunks().dictionary_encode()
    found = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    empty = [at for at, text in enumerate(encoded.dictionary.to_pylist()) if not text]
    return np.where(np.isin(found, empty), -1, found)


def astray(names: NDArray[Any], splits: NDArray[np.intp]) -> int:
    """How many names, numbers from 0, stand in more than one split."""
    known = names >= 0
    pairs = np.unique(np.stack([names[known], splits[known]]), axis=1)
    return int((np.unique(pairs[0], return_counts=True)[1] > 1).sum())


def draw(rows: int, most: int, seed: int) -> NDArray[np.intp]:
    """At most so many of the rows, ascending."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _some(lists: Ragged, rows: NDArray[np.intp]) -> Ragged:
    lengths = np.diff(lists.offsets)[rows]
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    return Ragged(lists.values[np.repeat(lists.offsets[rows], lengths) + within], offsets)


def _bounds(lists: Ragged) -> zip[tuple[int, int]]:
    return zip(lists.offsets[:-1].tolist(), lists.offsets[1:].tolist(), strict=True)


def _support(tags: Ragged, splits: NDArray[np.intp], labels: int) -> NDArray[np.int64]:
    of = np.repeat(splits, np.diff(tags.offsets))
    flat = np.bincount(of * labels + tags.values, minlength=len(SPLITS) * labels)
    return flat.reshape(len(SPLITS), labels)


def _ratings(dataset: Dataset, splits: NDArray[np.intp]) -> dict[str, NDArray[np.int64]]:
    column = dataset.column("rating")
    names = np.array([name or "none" for name in column.tolist()], object)
    found = [*_RATINGS, *sorted({*names.tolist()} - {*_RATINGS})]
    found = [name for name in found if (names == name).any()]
    return {name: np.bincount(splits[names == name], minlength=len(SPLITS)) for name in found}


def _sizes(dataset: Dataset) -> NDArray[np.int64]:
    columns = [dataset.index[name].fill_null(0).to_numpy() for name in ("width", "height")]
    sizes = np.stack(columns, axis=1).astype(np.int64)
    return sizes[(sizes > 0).all(axis=1)]


def _copies(md5: NDArray[np.int64]) -> int:
    times = np.bincount(md5[md5 >= 0])
    return int(times[times > 1].sum())


def _of_index(doubts: list[Doubt], sample: NDArray[np.intp]) -> list[Doubt]:
    return [Doubt(one.label, one.lacking, one.probability, sample[one.rows]) for one in doubts]
