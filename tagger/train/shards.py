"""Pictures out of WebDataset shards, by row: where each lies is read from the tars' headers once.

A shard is read forward by who takes all of it; here pictures come in an order of their own, so
each is read by its place. That needs the shards on a disk, not a stream.
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..dataset.index import Dataset
from ..dataset.shards import LARGEST, read_index
from ..errors import DatasetError, ImageError


@dataclass(frozen=True, eq=False)
class ShardedPictures:
    """Where the picture of each row lies: shard, first byte, bytes."""

    places: Mapping[int, tuple[Path, int, int]]

    def __call__(self, row: int) -> bytes:
        """A picture's file. Raises ImageError where the shards lack it or break off."""
        if row not in self.places:
            raise ImageError(f"row {row}", "not in the shards")
        path, start, size = self.places[row]
        try:
            with path.open("rb") as file:
                file.seek(start)
                found = file.read(size)
        except OSError as error:
            raise ImageError(path, str(error.strerror)) from error
        if len(found) < size:
            raise ImageError(path, "truncated file")
        return found


def open_shards(folder: Path, dataset: Dataset) -> ShardedPictures:
    """Look where each row's picture lies. Raises DatasetError for shards of another DATASET."""
    content, shards = read_index(folder)
    if content != dataset.content:
        raise DatasetError(
            f"{folder}: expected shards of {dataset.path}, got another dataset's: cut them anew "
            f"with `tagger dataset shards`"
        )
    places: dict[int, tuple[Path, int, int]] = {}
    for shard in shards:
        if PurePosixPath(shard.name).name != shard.name:
            raise DatasetError(f"{folder}: expected shards beside their index, got {shard.name!r}")
        places |= _places(folder / shard.name)
    return ShardedPictures(places)


def _places(path: Path) -> dict[int, tuple[Path, int, int]]:
    found: dict[int, tuple[Path, int, int]] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                name = PurePosixPath(member.name)
                if member.isfile() and name.suffix != ".json" and name.stem.isdecimal():
                    if member.size > LARGEST:
                        raise ValueError(f"a member {member.name!r} that is no picture")
                    found[int(name.stem)] = path, member.offset_data, member.size
    except (OSError, tarfile.TarError, ValueError) as error:
        raise DatasetError(f"{path}: expected a whole shard, got {error}") from error
    return found
