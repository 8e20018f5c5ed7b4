"""The content hash: rows and labels as values, whatever library wrote them, wherever they lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..labels import LabelSet

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS: Mapping[str, str] = {
    "id": "int64",
    "path": "string",
    "md5": "string",
    "width": "int32",
    "height": "int32",
    "rating": "string",
    "tags": "list<int32>",
    "unknown": "list<int32>",
    "group": "int64",
    "split": "string",
    "source": "string",
}
"""Of an index, with their types; `index` says what they hold. All of them are in the hash."""
CREATED = "created"
"""One more column, which older indexes lack: it is told and not learned, and not in the hash."""
PART = 1 << 18
"""Rows that are hashed at once."""


def content_hash(index: pa.Table, vocabulary: LabelSet, sources: Sequence[str]) -> str:
    """BLAKE2b, 32 hex digits, of rows and labels as values, whatever library wrote them.

    A source counts by its place, so that renaming a folder changes nothing.
    """
    return hash_columns(
        lambda name: index.select([name]).to_batches(PART), index.num_rows, vocabulary, sources
    )


def hash_columns(
    column: Callable[[str], Iterable[pa.RecordBatch]],
    rows: int,
    vocabulary: LabelSet,
    sources: Sequence[str],
) -> str:
    """The same of an index that may be larger than memory; `column` gives one a part at a time."""
    digest = hashlib.blake2b(digest_size=16)
    place = {name: str(number) for number, name in enumerate(sources)}
    for name, kind in COLUMNS.items():
        digest.update(f"{name} {rows}\n".encode())
        if kind == "string":
            for text in _texts(column(name), place if name == "source" else None):
                digest.update(text.encode())
        elif kind.startswith("list"):
            for numbers in chain(_offsets(column(name)), _values(column(name))):
                digest.update(numbers.astype("<i8").tobytes())
        else:
            for part in column(name):
                digest.update(part.column(0).to_numpy().astype("<i8").tobytes())
    labels = [(label.name, label.category.id, label.count) for label in vocabulary]
    digest.update(json.dumps(labels).encode())
    return digest.hexdigest()


def _offsets(parts: Iterable[pa.RecordBatch]) -> Iterator[NDArray[np.int64]]:
    """Where each row's list begins among the values of all, and the end of the last."""
    end = 0
    yield np.zeros(1, np.int64)
    for part in parts:
        lists: Any = part.column(0)
        ends = end + np.cumsum(lists.value_lengths().to_numpy(zero_copy_only=False), dtype=np.int64)
        end = int(ends[-1]) if len(ends) else end
        yield ends


def _values(parts: Iterable[pa.RecordBatch]) -> Iterator[NDArray[np.int32]]:
    for part in parts:
        lists: Any = part.column(0)
        yield lists.flatten().to_numpy(zero_copy_only=False)  # .values would not mind a slice


def _texts(parts: Iterable[pa.RecordBatch], place: Mapping[str, str] | None) -> Iterator[str]:
    """What `json.dumps` makes of a list of the values, in parts."""
    yield "["
    first = True
    for part in parts:
        values = part.column(0).to_pylist()
        if not values:
            continue
        shown = [place[value] for value in values] if place is not None else values
        yield ("" if first else ", ") + json.dumps(shown)[1:-1]
        first = False
    yield "]"
