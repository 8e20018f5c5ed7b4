"""The index's last columns: what is unknown of a row, its group, its split, its source's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..labels import LabelSet
from .content import COLUMNS, CREATED
from .ragged import Ragged
from .splits import SPLITS, Dealt, SplitOptions, deal, repair
from .tagging import Tagging
from .tags import TagKnowledge

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CHUNK = 200_000
"""Rows that are put together at once, and that lie together in index.parquet."""


def assemble(
    connection: duckdb.DuckDBPyConnection,
    tagging: Tagging,
    labels: LabelSet,
    knowledge: TagKnowledge,
    names: Sequence[str],
    options: SplitOptions,
) -> Iterator[pa.Table]:
    """The index of the table `rows`, a part at a time; `names` are the sources'."""
    import pyarrow as pa

    slots = tagging.slots(labels)
    dealt = _dealt(connection)
    split = deal(dealt, options)
    if options.split_floor:
        split = repair(split, dealt, _by_label(tagging, slots, len(split)), options)
    unknown = _unknown_labels(labels, knowledge)
    for start in range(0, len(split), CHUNK):
        stop = min(start + CHUNK, len(split))
        table = connection.sql(
            f"SELECT * FROM rows WHERE row >= {start} AND row < {stop} ORDER BY row"
        ).to_arrow_table()
        source = table["source"].to_numpy()
        tags = tagging.of(start, stop, slots)
        made: dict[str, Any] = {
            "tags": tags,
            "unknown": _unknown(tags, source, unknown),
            "group": pa.array(dealt.groups[start:stop]),
            "split": _words(SPLITS, split[start:stop]),
            "source": _words(names, source),
        }
        yield _table(table, made)


def source_names(sources: Sequence[str | Path]) -> list[str]:
    """A name for each source: its folder's, with a number where two folders share one."""
    names: list[str] = []
    for source in sources:
        own = Path(source).resolve().name or "source"
        numbered = (f"{own}-{number}" for number in count(2))
        names.append(next(name for name in chain([own], numbered) if name not in names))
    return names


def _table(table: pa.Table, made: dict[str, Any]) -> pa.Table:
    import pyarrow as pa

    kinds = {"int64": pa.int64(), "int32": pa.int32(), "string": pa.string()}

    def column(name: str, kind: str) -> Any:
        if kind.startswith("list"):
            ragged: Ragged = made[name]
            offsets = pa.array(ragged.offsets.astype(np.int32))
            return pa.ListArray.from_arrays(offsets, pa.array(ragged.values, pa.int32()))
        return (made[name] if name in made else table[name]).cast(kinds[kind])

    columns = {name: column(name, kind) for name, kind in COLUMNS.items()}
    created = table[CREATED].cast(pa.timestamp("ms"), safe=False)
    return pa.table({**columns, CREATED: created})


def _words(words: Sequence[str], numbers: NDArray[np.integer[Any]]) -> pa.Array:
    """The words of some numbers."""
    import pyarrow as pa

    return pa.array(words, pa.string()).take(pa.array(numbers))


def _dealt(connection: duckdb.DuckDBPyConnection) -> Dealt:
    found = connection.execute(
        "SELECT head, coalesce(component, -1 - row) AS component, "
        "coalesce(list_position(?, given), 0) - 1 AS given FROM rows ORDER BY row",
        [list(SPLITS)],
    ).fetchnumpy()
    groups = _first_of_each(np.asarray(found["component"], np.int64))
    return Dealt(np.asarray(found["head"], np.int64), groups, np.asarray(found["given"], np.int8))


def _by_label(
    tagging: Tagging, slots: NDArray[np.int32], rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Each row with each label it has, ordered by label, then row."""
    own: list[NDArray[np.int64]] = []
    labels: list[NDArray[np.int32]] = []
    for start in range(0, rows, CHUNK):
        stop = min(start + CHUNK, rows)
        tags = tagging.of(start, stop, slots)
        own.append(np.repeat(np.arange(start, stop), np.diff(tags.offsets)))
        labels.append(tags.values)
    row, label = np.concatenate(own), np.concatenate(labels)
    order = np.argsort(label, kind="stable")
    return row[order], label[order]


def _unknown_labels(labels: LabelSet, knowledge: TagKnowledge) -> NDArray[np.bool_]:
    """bool[sources, labels]: what a source's posts say nothing of."""
    return np.array(
        [
            [not knowledge.knows(source, label.name) for label in labels]
            for source in range(len(knowledge.known))
        ],
        np.bool_,
    )


def _unknown(tags: Ragged, source: NDArray[np.int32], unknown: NDArray[np.bool_]) -> Ragged:
    """Each row's unknown labels: its source's, but for those that an implication gave it."""
    rows = np.arange(len(source))
    lists = [np.flatnonzero(own) for own in unknown]
    lengths = np.array([len(own) for own in lists], np.int64)[source]
    values = np.concatenate([lists[own] for own in source]) if lengths.any() else np.zeros(0, int)
    row = np.repeat(rows, lengths)
    owner = np.repeat(rows, np.diff(tags.offsets))
    doubted = unknown[source[owner], tags.values]
    width = unknown.shape[1]
    given = owner[doubted] * width + tags.values[doubted]
    kept = ~np.isin(row * width + values, given)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row[kept], minlength=len(source)))])
    return Ragged(values[kept].astype(np.int32), offsets.astype(np.int64))


def _first_of_each(component: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row the first row of the same component."""
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    return first[inverse.reshape(-1)].astype(np.int64)
