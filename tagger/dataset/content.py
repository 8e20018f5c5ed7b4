"""The content hash: rows and labels as values, whatever library wrote them, wherever they lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..labels import LabelSet
from .ragged import Ragged

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
PART = 1 << 20
"""Values that are hashed at once."""


def content_hash(index: pa.Table, vocabulary: LabelSet, sources: Sequence[str]) -> str:
    """BLAKE2b, 32 hex digits, of rows and labels as values, whatever library wrote them.

    A source counts by its place, so that renaming a folder changes nothing.
    """
    return hash_columns(lambda name: index[name], index.num_rows, vocabulary, sources)


def hash_columns(
    column: Callable[[str], pa.ChunkedArray],
    rows: int,
    vocabulary: LabelSet,
    sources: Sequence[str],
) -> str:
    """A column at a time, and of text a part at a time: an index may be larger than memory."""
    digest = hashlib.blake2b(digest_size=16)
    place = {name: str(number) for number, name in enumerate(sources)}
    for name, kind in COLUMNS.items():
        digest.update(f"{name} {rows}\n".encode())
        values = column(name)
        if kind == "string":
            for text in _texts(values, place if name == "source" else None):
                digest.update(text.encode())
        elif kind.startswith("list"):
            ragged = Ragged.of(values)
            digest.update(ragged.offsets.astype("<i8").tobytes())
            for start in range(0, len(ragged.values), PART):
                digest.update(ragged.values[start : start + PART].astype("<i8").tobytes())
        else:
            digest.update(values.to_numpy().astype("<i8").tobytes())
    labels = [(label.name, label.category.id, label.count) for label in vocabulary]
    digest.update(json.dumps(labels).encode())
    return digest.hexdigest()


def _texts(values: pa.ChunkedArray, place: Mapping[str, str] | None) -> Iterator[str]:
    """What `json.dumps` makes of a list of the values, in parts."""
    yield "["
    for start in range(0, len(values), PART):
        part = values.slice(start, PART).to_pylist()
        shown = [place[value] for value in part] if place is not None else part
        yield (", " if start else "") + json.dumps(shown)[1:-1]
    yield "]"
