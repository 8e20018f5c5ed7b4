"""The files of a source: which of them hold posts, tags, aliases or implications, by looking in.

Names differ from dump to dump, so a file is known by its first record. Compressed ones (.gz, .zst)
are read as they are.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Literal, cast

from ..errors import DatasetError
from .fields import describes_posts

Kind = Literal["posts", "tags", "aliases", "implications", "bare", "through"]
"""What the records of a file are; `bare` posts have their tags by numbers, in `through`."""
Shape = Literal["lines", "array", "csv", "parquet", "sqlite"]
METADATA = "metadata"
"""A folder of a source that has all its metadata, where there is one."""
DEPTH = 3
"""Folders below a source that are looked into for metadata."""
PEEK = 1 << 20
"""Bytes of a file that are looked at; a post of e621 may have a field of 128 KiB."""
CHUNK = 1 << 12
FAULTS = (OSError, EOFError, zlib.error)
"""What a file raises that can't be read, or not to its end, or is damaged in between."""
FIRST = 50
"""Records whose fields are taken for those of the whole file."""
_SUFFIXES: dict[str, Shape] = {
    ".json": "lines", ".jsonl": "lines", ".ndjson": "lines", "": "lines",
    ".csv": "csv", ".parquet": "parquet",
    ".sqlite": "sqlite", ".sqlite3": "sqlite", ".db": "sqlite",
}  # fmt: skip
_COMPRESSED = (".gz", ".zst")
_POSTS = re.compile(r"posts\d*\.")
"""How the sites and their dumps name the files of posts."""
_PICTURES = re.compile(r"\d{2,4}|[0-9a-f]{2}|images|original|512px|all-images|faces|fullMin256")
"""Names of folders that hold pictures: millions of them, and no metadata."""


@dataclass(frozen=True)
class Metadata:
    """A file of metadata: what it tells of, how it is written, what its records' fields are."""

    path: Path
    kind: Kind
    shape: Shape
    columns: tuple[str, ...]


def metadata_files(source: Path) -> tuple[Metadata, ...]:
    """The files of metadata in a folder, or the file itself, in the order of their names.

    Raises DatasetError if the source is not there, or one of them can't be read.
    """
    if not source.exists():
        raise DatasetError(f"{source}: expected a folder or file of metadata, got nothing there")
    looked = map(_look, candidates(source))
    found = [one for one in looked if one is not None]
    shards = [one for one in found if one.kind == "posts" and _POSTS.match(one.path.name)]
    # beside a dump's own shards a posts_old.json is somebody's copy
    return tuple(one for one in found if one.kind != "posts" or one in shards or not shards)


def is_sqlite(path: Path) -> bool:
    """Whether a file is an SQLite database, whatever its name."""
    return _head(path, 16) == b"SQLite format 3\0"


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, decompressed. Raises one of FAULTS where it breaks off."""
    with open_bytes(path) as file:
        yield from file


def open_bytes(path: Path) -> Any:
    """A file, decompressed, as bytes."""
    if path.suffix == ".gz":
        return gzip.open(path, "rb")
    return _open_zst(str(path)) if path.suffix == ".zst" else path.open("rb")


def open_part(raw: BinaryIO, suffix: str) -> Any:
    """The same of an open file, whose place then says how much of it was taken."""
    if suffix == ".gz":
        return gzip.open(raw, "rb")
    return _open_zst(raw) if suffix == ".zst" else raw


def _open_zst(file: Any) -> Any:
    import pyarrow as pa

    return io.BufferedReader(cast("Any", pa.CompressedInputStream(file, "zstd")))


def may_be_metadata(path: Path) -> bool:
    """Whether a file, by its name, may hold posts, tags or lists of pictures."""
    return _shape(path) is not None or path.suffix == ".tsv"  # faces.tsv


def holds_pictures(folder: PurePath) -> bool:
    """Whether a folder of a source, by its place there, holds pictures, and so no metadata."""
    return bool(_PICTURES.fullmatch(folder.name)) and METADATA not in folder.parts


def candidates(source: Path) -> Iterator[Path]:
    """The files that are looked into: those whose names say that they may hold metadata."""
    if source.is_file():
        yield source
        return
    top = source / METADATA if (source / METADATA).is_dir() else source
    for folder, folders, names in os.walk(top):
        deep = len(Path(folder).relative_to(top).parts)
        place = Path(folder).relative_to(source)
        folders[:] = sorted(n for n in folders if deep < DEPTH and not holds_pictures(place / n))
        yield from (Path(folder, name) for name in sorted(names) if _shape(Path(name)))


def _shape(path: Path) -> Shape | None:
    """By the name; files without an ending are dumps of the older years, named by numbers."""
    inner = Path(path.stem) if path.suffix in _COMPRESSED else path
    if inner.suffix == "" and not inner.name.isdigit():
        return None
    return _SUFFIXES.get(inner.suffix.lower())


def _look(path: Path) -> Metadata | None:
    shape = _shape(path) or ("sqlite" if is_sqlite(path) else None)
    if shape is None:
        return None
    if shape == "sqlite":
        return Metadata(path, "posts", shape, ()) if is_sqlite(path) else None
    try:
        if shape == "lines":
            shape, columns = _json_columns(path)
        else:
            columns = _parquet_columns(path) if shape == "parquet" else _csv_columns(path)
    except FAULTS as error:  # passed over, a dump would lack a part of it
        raise DatasetError(f"{path}: expected a file that can be read, got {error}") from error
    except csv.Error:
        return None
    if shape == "lines" and not columns and _POSTS.match(path.name) and _head(path, 1):
        return Metadata(path, "posts", shape, ())  # a shard without a record that can be read
    kind = _kind(path, shape, columns)
    if kind is None and columns and _POSTS.match(path.name):
        raise DatasetError(
            f"{path}: expected columns of posts, such as id and tag_string, got "
            f"{', '.join(columns):.80}"
        )
    return Metadata(path, kind, shape, columns) if kind else None


def _kind(path: Path, shape: Shape, columns: tuple[str, ...]) -> Kind | None:
    if {"antecedent_name", "consequent_name"} <= set(columns):
        return "implications" if "implication" in path.name else "aliases"
    if describes_posts(columns):
        return "posts"
    if shape in ("lines", "array") and columns and _POSTS.match(path.name):
        return "posts"  # the first of a dump's posts may be hidden, and say next to nothing
    if {"post_id", "tag_id"} <= set(columns):
        return "through"
    if "name" in columns and {"category", "type"} & set(columns):
        return "tags"
    return "bare" if {"id", "rating"} <= set(columns) else None


def _json_columns(path: Path) -> tuple[Shape, tuple[str, ...]]:
    """The names in the first objects of the file, of lines or of an array.

    Several are read: a line may be broken, and the first post of a dump lacks most keys.
    """
    head = _head(path, PEEK).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    array = head.startswith("[")
    objects = in_array(head) if array else _in_lines(head)
    names = dict.fromkeys(str(name) for one in islice(objects, FIRST) for name in one)
    return "array" if array else "lines", tuple(names)


def in_array(text: str) -> Iterator[dict[Any, Any]]:
    """The whole objects of an array's beginning."""
    at = 1
    while text[at:].lstrip()[:1] == "{":
        at = text.index("{", at)
        try:
            found, at = json.JSONDecoder().raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield found
        at = text.find(",", at) + 1 or len(text)


def _in_lines(text: str) -> Iterator[dict[Any, Any]]:
    for line in text.split("\n"):
        try:
            found: object = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield cast("dict[Any, Any]", found)


def _csv_columns(path: Path) -> tuple[str, ...]:
    head = _head(path, PEEK).decode("utf-8-sig", "replace").split("\n", 1)[0]
    return tuple(name.strip() for name in next(csv.reader([head.rstrip("\r")]), ()))


def _parquet_columns(path: Path) -> tuple[str, ...]:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        return tuple(map(str, parquet.read_schema(path).names))
    except (pa.ArrowException, ValueError) as error:
        raise EOFError(str(error)) from error


def _head(path: Path, size: int) -> bytes:
    """What can be read of a file's start; one that breaks off is refused when it is read whole.

    Raises one of FAULTS if nothing can be read of it.
    """
    found = b""
    try:
        with open_bytes(path) as file:
            while len(found) < size and (more := file.read(min(size, CHUNK))):
                found += more
    except FAULTS:
        if not found:
            raise
    return found
