"""Which canonical tags each row has: names on posts, aliases resolved and implications closed.

A booru's 8 million posts have 300 million tags, so they are streamed in, kept as numbers in a file
that is mapped into memory, and given out by rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..booru.posts import second
from ..labels import LabelSet
from .pseudo import Pseudo, pseudo_names, tags_with
from .ragged import Ragged
from .tags import TagKnowledge

if TYPE_CHECKING:
    import duckdb

BATCH = 100_000
"""Posts that are looked at together."""
NUMBERS = "tags.i32"


class Tagging:
    """The tags of all rows, as numbers.

    Attributes:
        names: the canonical tags, by number.
        counts: int64[sources, tags], how many rows of each source have each.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        knowledge: TagKnowledge,
        seen: Sequence[frozenset[str]],
        spill: Path,
        pseudo: Sequence[Pseudo] = (),
    ) -> None:
        """Read the tags of the table `rows`, of which `seen` are the names by source."""
        written = sorted(frozenset[str]().union(*seen))
        meanings = [sorted(knowledge.meaning(name)) for name in written]
        extra = pseudo_names(connection, pseudo)
        self.names = sorted({tag for own in meanings for tag in own} | set(extra))
        number = {tag: place for place, tag in enumerate(self.names)}
        every = [[number[tag] for tag in own] for own in meanings] + [
            [number[tag]] for tag in extra
        ]
        self._written = [*written, *extra]
        self._meaning = _ragged(every)
        self._meant = np.diff(self._meaning.offsets)
        rows = connection.execute("SELECT count(*) FROM rows").fetchall()[0][0]
        self.counts = np.zeros((len(seen), len(self.names)), np.int64)
        self._start = np.zeros(rows, np.int64)
        self._length = np.zeros(rows, np.int32)
        path = spill / NUMBERS
        with path.open("wb") as file:
            self._read(connection, file, pseudo)
        empty = not path.stat().st_size  # which can't be mapped
        self._numbers: NDArray[np.int32] = (
            np.zeros(0, np.int32) if empty else np.memmap(path, np.int32, "r")
        )

    def of(self, start: int, stop: int, slots: NDArray[np.int32]) -> Ragged:
        """The labels of some rows, ascending: `slots` gives each tag's label, -1 for none."""
        lengths = self._length[start:stop].astype(np.int64)
        places = _places(self._start[start:stop], lengths)
        labels = slots[self._numbers[places]]
        chosen = labels >= 0
        row = np.repeat(np.arange(stop - start), lengths)[chosen]
        return _sorted(row, labels[chosen], int(slots.max(initial=0)) + 1, stop - start)

    def slots(self, labels: LabelSet) -> NDArray[np.int32]:
        """For each tag's number its label, -1 for none."""
        slot = {label.name: place for place, label in enumerate(labels)}
        return np.array([slot.get(name, -1) for name in self.names], np.int32)

    def label_counts(self, labels: LabelSet) -> NDArray[np.int64]:
        """How many of the labels each row has, int64[rows]."""
        slots, rows = self.slots(labels), len(self._start)
        parts = [
            np.diff(self.of(start, min(start + BATCH, rows), slots).offsets)
            for start in range(0, rows, BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Number only some rows, in their order; `counts` stay as they were."""
        self._start, self._length = self._start[rows], self._length[rows]

    def _read(
        self, connection: duckdb.DuckDBPyConnection, file: BinaryIO, pseudo: Sequence[Pseudo]
    ) -> None:
        import pyarrow as pa
        import pyarrow.compute

        compute: Any = pyarrow.compute  # made of functions that no checker sees
        names = pa.array(self._written, pa.string())
        written = 0
        for batch in _batches(connection, pseudo):
            column = batch.column("tags")
            ids = compute.index_in(column.flatten(), value_set=names).to_numpy(zero_copy_only=False)
            lengths = column.value_lengths().to_numpy(zero_copy_only=False)
            rows = batch.column("row").to_numpy()
            closed = self._closed(ids, lengths)
            has, counted = closed.values, np.diff(closed.offsets)
            self._count(has, np.repeat(batch.column("source").to_numpy(), counted))
            self._start[rows] = written + np.cumsum(counted) - counted
            self._length[rows] = counted
            has.tofile(file)
            written += len(has)

    def _closed(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int32]) -> Ragged:
        """What the names of some posts mean, each tag once for a post."""
        row = np.repeat(np.arange(len(lengths)), lengths)
        meant = self._meant[ids]
        tags = self._meaning.values[_places(self._meaning.offsets[ids], meant)]
        return _sorted(np.repeat(row, meant), tags, len(self.names), len(lengths))

    def _count(self, tags: NDArray[np.int32], sources: NDArray[np.int32]) -> None:
        flat = sources.astype(np.int64) * len(self.names) + tags
        self.counts += np.bincount(flat, minlength=self.counts.size).reshape(self.counts.shape)

    def used(self) -> tuple[list[str], NDArray[np.int64]]:
        """The tags that a row has, N of them, and how many rows have each, int64[sources, N]."""
        used = np.flatnonzero(self.counts.any(axis=0))
        return [self.names[place] for place in used], self.counts[:, used]


def _batches(connection: duckdb.DuckDBPyConnection, pseudo: Sequence[Pseudo]) -> Iterator[Any]:
    """Row, source and names of the rows' posts, in no order."""
    found = second(connection).sql(
        f"SELECT r.row, r.source, {tags_with(pseudo)} AS tags "
        "FROM rows r JOIN posts p ON p.rowid = r.post"
    )
    relation: Any = found
    # DuckDB renamed it, and warns of the old name
    reader = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
    yield from reader(BATCH)


def _sorted(row: NDArray[np.int64], values: NDArray[np.int32], width: int, rows: int) -> Ragged:
    """Each row's values, below `width`, ascending and each once."""
    keys = row * max(1, width) + values
    keys.sort()  # numpy.unique hashes, which takes five times as long
    first = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    own, kept = np.divmod(keys[first], max(1, width))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(own, minlength=rows))])
    return Ragged(kept.astype(np.int32), offsets.astype(np.int64))


def _places(start: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """start[0], start[0] + 1, ... of each of some stretches, one after another."""
    before = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum(), dtype=np.int64) + np.repeat(start - before, lengths)


def _ragged(lists: Sequence[Sequence[int]]) -> Ragged:
    values = [value for own in lists for value in own]
    offsets = np.cumsum([0, *map(len, lists)])
    return Ragged(np.array(values, np.int32), offsets.astype(np.int64))
