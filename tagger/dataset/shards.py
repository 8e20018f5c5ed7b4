"""A DATASET as WebDataset shards: tars of pictures with what is true of them, in a mixed order.

    train-000000.tar, ...   samples of two files: `{row:09d}.{ext}`, the picture as it is, and
                            `{row:09d}.json`: id, md5, rating, tags, unknown, group
    vocabulary.csv, relations.json   as in the DATASET; tags are indices into the vocabulary
    shards.json             schema, the DATASET's content hash, each shard's split, samples, bytes
    offsets.parquet         where each row's picture lies in the tars

For sets that outgrow a disk: each shard is read once, from front to back, from wherever it lies.
The same DATASET gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import DatasetError
from ..options import check, option
from ..relationfiles import NAME as RELATIONS
from .index import Dataset
from .offsets import HEADER, LARGEST, Offsets, write_offsets
from .splits import SPLITS, uniform
from .whole import whole_folder

SCHEMA = 1
INDEX = "shards.json"
_ABOUT = ["id", "md5", "rating", "tags", "unknown", "group"]


@dataclass(frozen=True, kw_only=True)
class ShardOptions:
    """Which DATASET is cut into shards, and how large they are."""

    dataset: Path = option(help="The DATASET.", metavar="DATASET")
    out: Path = option(help="Folder to make; it must be new or empty.", metavar="DIR")
    megabytes: int = option(1000, help="Size of a shard, about.", ge=1)
    seed: int = option(0, help="Another seed mixes the samples differently.", ge=0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Shard:
    """One tar: its name, split, samples, size in bytes, and SHA-256."""

    name: str
    split: str
    samples: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Sample:
    """A picture's file as bytes, with what is true of it.

    tags, unknown: indices into the vocabulary, ascending; what is in neither it has not.
    """

    key: str
    picture: bytes
    id: int
    md5: str | None
    rating: str | None
    tags: tuple[int, ...]
    unknown: tuple[int, ...]
    group: int


def write_shards(
    options: ShardOptions, tell: Callable[[int, int], None] = lambda done, total: None
) -> tuple[tuple[Shard, ...], int]:
    """Write the shards of a DATASET, whole or not at all; gives them, and pictures not there.

    Raises DatasetError if it is none, or no picture is there.
    """
    dataset = Dataset.open(options.dataset)
    missing = 0
    shards: list[Shard] = []
    offsets = Offsets()
    done = 0
    with whole_folder(options.out) as folder:
        for split in SPLITS:
            rows = dataset.rows(split)
            order = rows[np.argsort(uniform(rows.astype(np.int64), options.seed), kind="stable")]
            writer = _Writer(folder, split, options.megabytes * 10**6, offsets, len(shards))
            for row in order:
                missing += not _add(writer, dataset, int(row))
                done += 1
                tell(done, len(dataset))
            shards += writer.close()
        if not shards:
            raise DatasetError(
                f"{options.dataset}: expected pictures where the index says, got none"
            )
        _write_index(folder, dataset, shards)
        write_offsets(folder, offsets)
    return tuple(shards), missing


def read_index(folder: Path) -> tuple[str, tuple[Shard, ...]]:
    """The content hash of the DATASET that the shards of a folder were cut from, and the shards.

    Raises DatasetError, one sentence.
    """
    try:
        found: Any = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if found["schema"] != SCHEMA:
            raise ValueError(f"schema {found['schema']}")
        return str(found["content"]), tuple(Shard(**one) for one in found["shards"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{folder}: expected shards with {INDEX}, got {error!r}") from error


def read_samples(stream: IO[bytes], name: str = "shard") -> Iterator[Sample]:
    """The samples of one shard, in its order; nothing is unpacked to the disk.

    Raises DatasetError if it breaks off or is no shard of ours.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for key, members in groupby(_members(tar), lambda member: member[0]):
                yield _sample(key, [(extension, data) for _, extension, data in members])
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{name}: expected a whole shard, got {error}") from error


def _members(tar: tarfile.TarFile) -> Iterator[tuple[str, str, bytes]]:
    """Key, ending and bytes of each file, in the tar's order.

    The key goes to the first dot of the name, as webdataset has it.
    """
    for member in tar:
        if not member.isfile() or member.size > LARGEST:
            raise ValueError(f"a member {member.name!r} that is no picture")
        file = tar.extractfile(member)
        folder, slash, name = member.name.rpartition("/")
        key, _, extension = name.partition(".")
        yield f"{folder}{slash}{key}", extension.lower(), file.read() if file else b""


class _Writer:
    """Tars of one split, a new one whenever the last is full."""

    def __init__(self, folder: Path, split: str, size: int, offsets: Offsets, first: int) -> None:
        self._folder, self._split, self._size = folder, split, size
        self._offsets, self._first = offsets, first
        self._shards: list[Shard] = []
        self._tar: tarfile.TarFile | None = None
        self._samples = 0

    def add(self, row: int, extension: str, picture: bytes, about: bytes) -> None:
        if self._tar is not None and self._tar.offset + len(picture) > self._size:
            self._end()
        if self._tar is None:
            # closed when it is full
            self._tar = tarfile.open(self._path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        start = self._tar.offset + HEADER  # the names fit into one
        self._offsets.add(row, self._first + len(self._shards), start, len(picture))
        for ending, data in ((extension, picture), (".json", about)):
            member = tarfile.TarInfo(f"{row:09d}{ending}")  # of no owner and no time
            member.size = len(data)
            self._tar.addfile(member, io.BytesIO(data))
        self._samples += 1

    def close(self) -> list[Shard]:
        if self._tar is not None:
            self._end()
        return self._shards

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._split}-{len(self._shards):06d}.tar"

    def _end(self) -> None:
        assert self._tar is not None
        self._tar.close()
        path, self._tar = self._path, None
        size = path.stat().st_size
        self._shards.append(Shard(path.name, self._split, self._samples, size, _sha256(path)))
        self._samples = 0


def _add(writer: _Writer, dataset: Dataset, row: int) -> bool:
    """Add one row; False where its picture can't be read."""
    path = dataset.image_path(row)
    try:
        picture = path.read_bytes()
    except OSError:
        return False
    about = dataset.index.slice(row, 1).select(_ABOUT).to_pylist()[0]
    text = json.dumps(about, ensure_ascii=False, separators=(",", ":"))
    writer.add(row, path.suffix.lower(), picture, text.encode())
    return True


def _write_index(folder: Path, dataset: Dataset, shards: Sequence[Shard]) -> None:
    for name in ("vocabulary.csv", RELATIONS):
        if (dataset.path / name).is_file():
            shutil.copyfile(dataset.path / name, folder / name)
    about = {
        "schema": SCHEMA,
        "content": dataset.content,
        "shards": [asdict(one) for one in shards],
    }
    text = json.dumps(about, indent=2, ensure_ascii=False)
    (folder / INDEX).write_text(text + "\n", encoding="utf-8", newline="\n")


def _sample(key: str, files: Sequence[tuple[str, bytes]]) -> Sample:
    """A sample of its two files, whichever comes first: other writers sort them."""
    pictures = [data for extension, data in files if extension != "json"]
    abouts = [data for extension, data in files if extension == "json"]
    if len(pictures) != 1 or len(abouts) != 1:
        got = ", ".join(extension for extension, _ in files)
        raise ValueError(f"{key!r} with {got} in place of a picture and its json")
    about: Any = json.loads(abouts[0])

    def numbers(name: str) -> tuple[int, ...]:
        return tuple(int(value) for value in about[name])

    return Sample(
        key, pictures[0], int(about["id"]), about["md5"], about["rating"],
        numbers("tags"), numbers("unknown"), int(about["group"]),
    )  # fmt: skip


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
