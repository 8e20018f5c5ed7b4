"""Where each row's picture lies in shards, written down when they are cut.

So a training begins without a look at every header.

    offsets.parquet   row, shard (its place in shards.json), start, size: bytes of the picture alone

What is written down is believed of shards that have the sizes of shards.json; of others the headers
are read. Who reads a picture sees its header too, so one that lies elsewhere is noticed.
"""

from __future__ import annotations

import tarfile
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ..errors import DatasetError

NAME = "offsets.parquet"
HEADER = tarfile.BLOCKSIZE
"""Bytes before a picture: its name is there."""
LARGEST = 1 << 30
"""Bytes of a member that is read; a tar may say anything of its members."""
_COLUMNS = ("row", "shard", "start", "size")


@dataclass(frozen=True)
class Offsets:
    """An entry a picture: its row, its shard's place in shards.json, its first byte, its bytes."""

    row: array[int] = field(default_factory=lambda: array("q"))
    shard: array[int] = field(default_factory=lambda: array("q"))
    start: array[int] = field(default_factory=lambda: array("q"))
    size: array[int] = field(default_factory=lambda: array("q"))

    def add(self, row: int, shard: int, start: int, size: int) -> None:
        """Note one picture."""
        for column, value in zip(_COLUMNS, (row, shard, start, size), strict=True):
            getattr(self, column).append(value)

    def by_row(self, rows: int) -> NDArray[np.int64]:
        """Shard, start and size of each row, int64[rows, 3]; a shard of -1 where there is none."""
        found = np.full((rows, 3), -1, np.int64)
        row = np.array(self.row, np.int64)
        own = (row >= 0) & (row < rows)
        columns = [np.array(getattr(self, name), np.int64)[own] for name in _COLUMNS[1:]]
        found[row[own]] = np.stack(columns, 1)
        return found


def write_offsets(folder: Path, offsets: Offsets) -> None:
    """Write offsets.parquet."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    columns = {name: pa.array(np.array(getattr(offsets, name), np.int64)) for name in _COLUMNS}
    parquet.write_table(pa.table(columns), folder / NAME, compression="zstd")


def read_offsets(folder: Path, shards: Sequence[Path]) -> Offsets | None:
    """What is written down of shards; None if nothing is, or nothing that could be true."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    if not (folder / NAME).is_file():
        return None
    try:
        table = parquet.read_table(folder / NAME, columns=list(_COLUMNS))
        columns = [table[name].to_numpy().astype(np.int64) for name in _COLUMNS]
        sizes = np.array([path.stat().st_size for path in shards] or [0])
    except (OSError, KeyError, ValueError, pa.ArrowException):
        return None
    _, shard, start, size = columns
    possible = (shard >= 0) & (shard < len(shards)) & (start >= HEADER) & (size >= 0)
    if not possible.all() or (size > LARGEST).any() or (start + size > sizes[shard]).any():
        return None
    return Offsets(*(array("q", column.tobytes()) for column in columns))


def scan(shards: Sequence[Path]) -> Offsets:
    """The same out of every header. Raises DatasetError for what is no whole shard."""
    found = Offsets()
    for number, path in enumerate(shards):
        try:
            with tarfile.open(path, "r:") as tar:
                for member in tar:
                    row = _row_named(member.name)
                    if member.isfile() and row >= 0:
                        if member.size > LARGEST:
                            raise ValueError(f"a member {member.name!r} that is no picture")
                        found.add(row, number, member.offset_data, member.size)
        except (OSError, tarfile.TarError, ValueError) as error:
            raise DatasetError(f"{path}: expected a whole shard, got {error}") from error
    return found


def row_of(header: bytes) -> int:
    """The row of the picture that a tar's header names; -1 for any other member."""
    return _row_named(header[:100].partition(b"\0")[0].decode("utf-8", "replace"))


def _row_named(name: str) -> int:
    """The row that a picture's name stands for; -1 where it is none of ours."""
    place = PurePosixPath(name)
    ours = place.suffix != ".json" and place.stem.isascii() and place.stem.isdecimal()
    return int(place.stem) if ours else -1
