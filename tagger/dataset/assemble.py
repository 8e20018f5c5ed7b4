"""The index's last columns: what is unknown of a row, its group, its split, its source's name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..labels import LabelSet
from .index import COLUMNS
from .ragged import Ragged
from .splits import SPLITS, SplitOptions, assign
from .tags import TagKnowledge

if TYPE_CHECKING:
    import pyarrow as pa


def assemble(
    table: pa.Table,
    labels: LabelSet,
    knowledge: TagKnowledge,
    sources: Sequence[Path],
    options: SplitOptions,
) -> pa.Table:
    """Make an index of the rows that DuckDB gave, in their order."""
    import pyarrow as pa

    number = table["source"].to_numpy()
    split = assign(table["head"].to_numpy(), options)
    made: dict[str, Any] = {
        "unknown": _unknown(table, number, _unknown_labels(labels, knowledge)),
        "group": _first_of_each(table["component"].to_numpy()),
        "split": np.array(SPLITS, object)[split],
        "source": np.array(source_names(sources), object)[number],
    }
    kinds = {"int64": pa.int64(), "int32": pa.int32(), "string": pa.string()}
    kinds["list<int32>"] = pa.list_(pa.int32())
    columns = {
        name: pa.array(made[name], kinds[kind]) if name in made else table[name].cast(kinds[kind])
        for name, kind in COLUMNS.items()
    }
    return pa.table(columns)


def source_names(sources: Sequence[Path]) -> list[str]:
    """A name for each source: its folder's, with a number where two folders share one."""
    names: list[str] = []
    for source in sources:
        own = source.resolve().name or "source"
        numbered = (f"{own}-{number}" for number in count(2))
        names.append(next(name for name in chain([own], numbered) if name not in names))
    return names


def _unknown_labels(labels: LabelSet, knowledge: TagKnowledge) -> NDArray[np.bool_]:
    """bool[sources, labels]: what a source's posts say nothing of."""
    return np.array(
        [
            [not knowledge.knows(source, label.name) for label in labels]
            for source in range(len(knowledge.known))
        ],
        np.bool_,
    )


def _unknown(
    table: pa.Table, number: NDArray[np.int32], unknown: NDArray[np.bool_]
) -> list[NDArray[np.int32]]:
    """Each row's unknown labels: its source's, but for those that an implication gave it."""
    has = Ragged.of(table["tags"])
    of_source = [np.flatnonzero(own).astype(np.int32) for own in unknown]
    lists = [of_source[source] for source in number]
    owner = np.repeat(np.arange(len(number)), np.diff(has.offsets))
    for row in np.unique(owner[unknown[number[owner], has.values]]):
        lists[row] = np.setdiff1d(lists[row], has.values[has.offsets[row] : has.offsets[row + 1]])
    return lists


def _first_of_each(component: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row the first row of the same component."""
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    return first[inverse.reshape(-1)].astype(np.int64)
