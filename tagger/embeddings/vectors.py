"""Pictures and their vectors, and the parquet file that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..folder.wholefile import replacing
from ..paths import cause_of, openable

PART = 65_536
"""Rows that are written at a time."""
COLUMNS = ("path", "hash", "model", "head", "vector")


@dataclass(frozen=True, eq=False)
class Vectors:
    """Pictures with a vector each.

    paths: where each lies. hashes: `images.content_hash` of each file. values: float32 [N, d], as
    the model gave them. model: its name. head: the output they are of; empty for the trunk.
    """

    paths: Sequence[str]
    hashes: Sequence[str]
    values: NDArray[np.float32]
    model: str
    head: str = ""

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def directions(self) -> NDArray[np.float32]:
        """Each vector by its length, float32 [N, d], of which products are cosines."""
        lengths = np.linalg.norm(self.values.astype(np.float64), axis=1, keepdims=True)
        return (self.values / np.maximum(lengths, 1e-12)).astype(np.float32)


def write_vectors(path: Path, vectors: Vectors) -> None:
    """Write the file, whole or not at all: path, hash, model, head, vector list<float32>.

    Raises UsageError where it can't be written.
    """
    import pyarrow.parquet as pq

    try:
        with replacing(path) as place:
            first = _rows(vectors, 0, PART)
            with pq.ParquetWriter(openable(place), first.schema, compression="zstd") as file:
                file.write_table(first)
                for start in range(PART, len(vectors), PART):
                    file.write_table(_rows(vectors, start, start + PART))
    except OSError as error:
        raise UsageError(f"{path}: expected to write there, got {cause_of(error)}") from error


def _rows(vectors: Vectors, start: int, stop: int) -> Any:
    """A part of the table; offsets of a list are int32, which all vectors together may pass."""
    import pyarrow as pa

    values = vectors.values[start:stop]
    count, width = values.shape
    starts = [at * width for at in range(count + 1)]
    flat = pa.array(values.reshape(-1), pa.float32())
    return pa.table(
        {
            "path": pa.array(list(vectors.paths[start:stop]), pa.string()),
            "hash": pa.array(list(vectors.hashes[start:stop]), pa.string()),
            "model": pa.array([vectors.model] * count, pa.string()),
            "head": pa.array([vectors.head] * count, pa.string()),
            "vector": pa.ListArray.from_arrays(pa.array(starts, pa.int32()), flat),
        }
    )


def read_vectors(path: Path) -> Vectors:
    """Read such a file.

    Raises:
        UsageError: no such file, another kind of one, or vectors of several models or lengths.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not openable(path).is_file():
        raise UsageError(f"{path}: expected what `tagger embed` writes, got no such file")
    try:
        table = pq.read_table(openable(path), columns=list(COLUMNS))
    except (pa.ArrowException, OSError, ValueError) as error:
        said = cause_of(error) if isinstance(error, OSError) else str(error).splitlines()[0]
        raise UsageError(f"{path}: expected what `tagger embed` writes, got {said}") from error
    return Vectors(
        table["path"].to_pylist(),
        table["hash"].to_pylist(),
        _values(path, table["vector"].to_pylist()),
        _only(path, table["model"].to_pylist(), "model"),
        _only(path, table["head"].to_pylist(), "head"),
    )


def _values(path: Path, rows: list[Any]) -> NDArray[np.float32]:
    widths = {len(row) if isinstance(row, list) else -1 for row in rows}
    if len(widths) > 1 or -1 in widths:
        raise UsageError(f"{path}: expected vectors of one length, got {sorted(widths)}")
    try:
        values = np.array(rows, np.float32).reshape(len(rows), -1)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path}: expected vectors of numbers, got {error}") from error
    if not np.isfinite(values).all():
        raise UsageError(f"{path}: expected vectors of numbers, got some that are none")
    return values


def _only(path: Path, values: list[Any], what: str) -> str:
    found = {str(value) for value in values}
    if len(found) > 1:
        raise UsageError(
            f"{path}: expected vectors of one {what}, got {', '.join(sorted(found))}: they can't "
            f"be compared"
        )
    return found.pop() if found else ""
