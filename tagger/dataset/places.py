"""Where the pictures of posts lie: by the names of the files that are there, whatever the folders.

A post's picture is named by its number or its md5, or the source says its place. The folders are
listed once; so `{id % 1000:04d}/{id}.{ext}`, `md5[:2]/md5.ext`, flat and any other layout are one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..booru.posts import chunks, insert
from ..errors import DatasetError
from ..images import EXTENSIONS
from ..paths import cause_of

if TYPE_CHECKING:
    import duckdb

PREFERRED = ("images", "original", "512px")
"""Folders whose pictures go before others of the same name, the first of them before the next."""
CHUNK = 100_000
_NO_TEXT = re.compile("[\ud800-\udfff]")
MD5 = 32
"""Digits of an md5."""
_METADATA = "metadata"
_LAST = "regexp_extract({}, '([^/]*?)(\\.[^./]*)?$', 1)"
_STRAYS = (
    "SELECT count(*) FROM files "
    "ANTI JOIN (SELECT source, CAST(id AS VARCHAR) AS own FROM posts) USING (source, own) "
    "ANTI JOIN (SELECT source, md5 AS own FROM posts) USING (source, own) "
    f"ANTI JOIN (SELECT source, {_LAST.format('path')} AS name FROM posts) USING (source, name)"
)
"""Files that no post is named by, filtered out or not."""


def find_pictures(
    connection: duckdb.DuckDBPyConnection,
    folders: Sequence[Path],
    tell: Callable[[int], None] = lambda count: None,
) -> dict[str, int]:
    """Make `found`: for each post of `kept` its picture's path below its source's folder.

    Gives what is not in it by reason: posts without a picture; and under "without metadata"
    pictures of no post, which are no post left out.
    """
    connection.execute(
        "CREATE TABLE files (source INTEGER, path VARCHAR, name VARCHAR, own VARCHAR)"
    )
    listed = 0
    for folder in dict.fromkeys(folders):
        numbers = [number for number, own in enumerate(folders) if own == folder]
        for paths in chunks(walk(folder), CHUNK):
            rows = [(number, path, *_names(path)) for path in paths for number in numbers]
            insert(connection, "files", ("source", "path", "name", "own"), rows)
            listed += len(paths)
            tell(listed)
    _join(connection)
    missing = _one(connection, "SELECT count(*) FROM kept ANTI JOIN found USING (post)")
    strays = _one(connection, _STRAYS)
    connection.execute("DROP TABLE files")
    return {"picture missing": missing, "without metadata": strays}


def trust_layout(connection: duckdb.DuckDBPyConnection) -> int:
    """Make `found` without a look: each post's picture is where the source or the rule says.

    Gives how many are not in it, since their source says neither place nor ending.
    """
    connection.execute(
        "CREATE TABLE found AS SELECT post, source, id, coalesce(path, "
        "printf('%04d/%d.%s', id % 1000, id, extension)) AS path FROM kept "
        "WHERE path IS NOT NULL OR extension IS NOT NULL"
    )
    return _one(connection, "SELECT count(*) FROM kept ANTI JOIN found USING (post)")


def _join(connection: duckdb.DuckDBPyConnection) -> None:
    """The file with the post's own ending goes before others, then the preferred folder."""
    preferred = " ".join(
        f"WHEN path = '{name}' OR starts_with(path, '{name}/') THEN {place}"
        for place, name in enumerate(PREFERRED)
    )
    by_place = "ends_with('/' || f.path, '/' || k.path)"
    connection.execute(
        "CREATE TABLE candidates AS "
        f"SELECT k.post, f.source, f.path, k.extension FROM kept k JOIN files f "
        f"ON f.source = k.source AND f.name = {_LAST.format('k.path')} AND {by_place} "
        "WHERE k.path IS NOT NULL "
        "UNION ALL SELECT k.post, f.source, f.path, k.extension FROM kept k JOIN files f "
        "ON f.source = k.source AND f.own = CAST(k.id AS VARCHAR) WHERE k.path IS NULL "
        "UNION ALL SELECT k.post, f.source, f.path, k.extension FROM kept k JOIN files f "
        "ON f.source = k.source AND f.own = k.md5 WHERE k.path IS NULL AND k.md5 IS NOT NULL"
    )
    connection.execute(
        "CREATE TABLE found AS SELECT k.post, k.source, k.id, c.path FROM kept k JOIN "
        "(SELECT post, arg_min(path, (NOT ends_with(lower(path), '.' || extension), "
        f"CASE {preferred} ELSE {len(PREFERRED)} END, path)) AS path FROM candidates "
        "GROUP BY post) c USING (post)"
    )
    connection.execute("DROP TABLE candidates")


def walk(folder: Path) -> Iterator[str]:
    """The pictures below a folder, relative to it with `/`, each folder once however linked.

    Raises DatasetError if it, or one below it, can't be listed.
    """
    if not folder.is_dir():
        raise DatasetError(
            f"{folder}: expected a folder of pictures, got none: name it by --images"
        )
    waiting, links = [""], list[str]()
    walked: set[tuple[int, int]] = set()
    while waiting or links:
        inside = waiting.pop() if waiting else links.pop(0)
        try:
            found = (folder / inside).stat()
            if found.st_ino and (found.st_dev, found.st_ino) in walked:  # a link back or across
                continue
            walked.add((found.st_dev, found.st_ino))
            with os.scandir(folder / inside) as entries:  # may be of millions, so not in a list
                yield from _entries(entries, inside, waiting, links)
        except OSError as error:
            raise DatasetError(
                f"{folder / inside}: expected a folder that can be listed, got {cause_of(error)}"
            ) from error


def _entries(
    entries: Iterable[os.DirEntry[str]], inside: str, waiting: list[str], links: list[str]
) -> Iterator[str]:
    """The pictures among the entries of a folder; folders go to one of the lists."""
    for entry in entries:
        path = f"{inside}/{entry.name}" if inside else entry.name
        if _is_folder(entry):
            (links if entry.is_symlink() else waiting).append(path)
        elif _is_picture(entry):
            yield path


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir() and entry.name != _METADATA and not entry.name.startswith(".")


def _is_picture(entry: os.DirEntry[str]) -> bool:
    """A file named like one: no pipe, and no name that is no text, which no table can hold."""
    named = PurePosixPath(entry.name).suffix.lower() in EXTENSIONS
    return named and entry.is_file() and not _NO_TEXT.search(entry.path)


def _names(path: str) -> tuple[str, str]:
    """A file's name without its ending, and the post's number or md5 that it stands for."""
    name = PurePosixPath(path).stem
    if len(name) == MD5:
        return name, name.lower()
    return name, (name.lstrip("0") or "0") if name.isdigit() else name


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return connection.execute(query).fetchall()[0][0]
