"""Pictures out of WebDataset shards, by row: each is read by its place, in an order of our own.

A shard is read forward by who takes all of it; this needs the shards on a disk, not a stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ..dataset.index import Dataset
from ..dataset.offsets import HEADER, read_offsets, row_of, scan
from ..dataset.shards import Shard, read_index
from ..errors import DatasetError, ImageError


@dataclass(frozen=True, eq=False)
class ShardedPictures:
    """Where the picture of each row lies: int64[rows, 3] of shard (-1: none), first byte, bytes."""

    shards: tuple[Path, ...]
    places: NDArray[np.int64]

    def __call__(self, row: int) -> bytes:
        """A picture's file. Raises ImageError where the shards lack it or break off."""
        shard, start, size = self.places[row].tolist()
        if shard < 0:
            raise ImageError(f"row {row}", "not in the shards")
        path = self.shards[shard]
        try:
            with path.open("rb") as file:
                file.seek(start - HEADER)
                found = file.read(HEADER + size)
        except OSError as error:
            raise ImageError(path, str(error.strerror)) from error
        if len(found) < HEADER + size:
            raise ImageError(path, "truncated file")
        if row_of(found[:HEADER]) != row:
            raise ImageError(path, f"row {row} lies elsewhere than offsets.parquet says")
        return found[HEADER:]


def open_shards(folder: Path, dataset: Dataset) -> ShardedPictures:
    """Look where each row's picture lies: as is written down, else by every header.

    Raises DatasetError for shards of another DATASET, or broken ones.
    """
    content, shards = read_index(folder)
    if content != dataset.content:
        raise DatasetError(
            f"{folder}: expected shards of {dataset.path}, got another dataset's: cut them anew "
            f"with `tagger dataset shard`"
        )
    for shard in shards:
        if PurePosixPath(shard.name).name != shard.name:
            raise DatasetError(f"{folder}: expected shards beside their index, got {shard.name!r}")
    paths = tuple(folder / shard.name for shard in shards)
    found = (read_offsets(folder, paths) if _as_cut(paths, shards) else None) or scan(paths)
    return ShardedPictures(paths, found.by_row(len(dataset)))


def _as_cut(paths: Sequence[Path], shards: Sequence[Shard]) -> bool:
    """Whether the shards have the sizes that they were cut to; packed anew, they have others."""
    sizes = [path.stat().st_size if path.is_file() else -1 for path in paths]
    return sizes == [shard.bytes for shard in shards]
