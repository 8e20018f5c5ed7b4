"""The formats of sources, one line each, and which of them a source is."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DatasetError, OptionError
from . import captioned, characters, databases, jsonposts, tables
from .files import Metadata, candidates, metadata_files
from .posts import Reading

if TYPE_CHECKING:
    import duckdb

SHOWN = 3
"""Files that are named where none is of use."""
Read = Callable[["duckdb.DuckDBPyConnection", Path, Sequence[Metadata], int], Reading]


@dataclass(frozen=True)
class Format:
    """A way in which posts are written down: how it is recognised, and read.

    filed: whether all that is read is in the files of metadata, and none in lists of pictures.
    """

    title: str
    recognises: Callable[[Path, Sequence[Metadata]], bool]
    read: Read
    filed: bool = True


FORMATS: Mapping[str, Format] = {
    "json": Format(
        "posts as JSON (Danbooru2017 to 2022, BigQuery, pages of posts.json)",
        lambda source, files: jsonposts.recognises(files),
        jsonposts.read,
    ),
    "table": Format(
        "posts as CSV or parquet (e621's exports, tables of posts)",
        lambda source, files: tables.recognises(files),
        tables.read,
    ),
    "database": Format(
        "posts in SQLite (DeepDanbooru, danbooru2023, fetched posts)",
        lambda source, files: databases.recognises(files),
        databases.read,
    ),
    "characters": Format(
        "classes of pictures (DAF:re, moeImouto, cartoonFace)",
        characters.recognises,
        characters.read,
        filed=False,
    ),
    "captions": Format(
        "pictures with captions beside them",
        captioned.recognises,
        captioned.read,
        filed=False,
    ),
}


def check_format(name: str) -> None:
    """Refuse a name that is no format; "auto" is one. Raises OptionError with the nearest."""
    if name != "auto" and name not in FORMATS:
        near = difflib.get_close_matches(name, FORMATS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(FORMATS)}"
        raise OptionError(f"format: expected the name of a format, got {name!r}: {hint}")


def read_source(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    number: int,
    name: str = "auto",
    files: Sequence[Metadata] | None = None,
) -> Reading:
    """Append all that a source says to the tables of `booru.posts`, by its format or the named one.

    `files` are its files of metadata, where they are known already.

    Raises:
        DatasetError: nothing there, nothing recognised, several formats at once, or a broken file.
    """
    files = metadata_files(source) if files is None else files
    return FORMATS[recognise(source, files) if name == "auto" else name].read(
        connection, source, files, number
    )


def recognise(source: Path, files: Sequence[Metadata]) -> str:
    """The name of a source's format.

    Raises:
        DatasetError: none fits, or several do.
    """
    found = [name for name, form in FORMATS.items() if form.recognises(source, files)]
    if "characters" in found:  # its lists of pictures may look like tables of posts
        return "characters"
    if len(found) == 1:
        return found[0]
    if found:
        raise DatasetError(
            f"{source}: expected posts in one format, got {', '.join(found)}: name one with "
            "--format, or the file itself as the source"
        )
    titles = "; ".join(form.title for form in FORMATS.values())
    seen = ", ".join(path.name for path in islice(candidates(source), SHOWN))
    raise DatasetError(
        f"{source}: expected a source of posts, got none{f' in {seen}' if seen else ''}: "
        f"known are {titles}"
    )
