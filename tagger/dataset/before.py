"""What earlier builds did of a build already: posts that were read, pictures that were opened.

All of it lies in one folder, which may be deleted at any time:

    posts-KEY.duckdb   posts as they were read, see `reading`
    pictures.sqlite    what was seen of each picture, by folder and path; its size, time and inode
                       say whether it has changed since
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import StoreError, UsageError
from ..folder.strays import sweep
from ..home import make
from ..store.database import Database
from ..store.looks import SETTLED_NS

_STATEMENTS = """
CREATE TABLE folders (id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL);
CREATE TABLE pictures (
    folder INTEGER NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, time INTEGER NOT NULL,
    inode INTEGER NOT NULL, whole INTEGER NOT NULL, width INTEGER NOT NULL,
    height INTEGER NOT NULL, mode TEXT NOT NULL, likeness INTEGER, PRIMARY KEY (folder, path)
) WITHOUT ROWID;
"""
_OF = (
    "SELECT path, size, time, inode, whole, width, height, mode, likeness FROM pictures "
    "WHERE folder = ? AND path BETWEEN ? AND ?"
)
_KEEP = f"INSERT OR REPLACE INTO pictures VALUES ({', '.join('?' * 10)})"
Stamp = tuple[int, int, int]
"""Size, time and inode of a file."""


class Sight(NamedTuple):
    """What was seen of a picture: width and height as stored, whether all of it was decoded.

    mode: Pillow's name of how its pixels are stored. likeness: the difference hash, where it was
    asked for.
    """

    stamp: Stamp
    whole: bool
    width: int
    height: int
    mode: str
    likeness: int | None


class Before:
    """What a build finds of earlier ones, and what it says of that at its end.

    Attributes:
        folder: where the posts are kept; None where they are not.
        looked: the sights of pictures; None where none are kept.
        posts: a sentence's part on the posts that were taken over.
        pictures: how many were not opened again.
    """

    def __init__(self, folder: Path | None = None, looked: Looked | None = None) -> None:
        self.folder, self.looked = folder, looked
        self.posts = ""
        self.pictures = 0

    @classmethod
    def at(cls, folder: Path | None, need: int) -> Before:
        """What is in a folder, which is made; nothing, where it or `need` bytes can't be had."""
        if folder is None:
            return cls()
        try:
            make(folder)
            sweep(folder)
            looked = Looked(folder / "pictures.sqlite")
            free = shutil.disk_usage(folder).free
        except (UsageError, StoreError, OSError):
            return cls()
        return cls(folder if free > need else None, looked)

    @property
    def sentence(self) -> str:
        pictures = f"{self.pictures:,} pictures as they were seen" if self.pictures else ""
        parts = ", ".join(filter(None, (self.posts, pictures)))
        return f"taken over from an earlier build: {parts}" if parts else ""

    def close(self) -> None:
        if self.looked:
            self.looked.close()


class Looked:
    """The sights of earlier builds in a file, which is made where it is not there.

    Raises StoreError if it can't be opened. What can't be read or written later is left out.
    """

    def __init__(self, path: Path) -> None:
        self._file = Database(path, 2, _STATEMENTS)
        self._folders: dict[Path, int] = {}

    def of(self, folder: Path, paths: Sequence[str]) -> Mapping[str, Sight]:
        """The sights of a folder's pictures; `paths` are ascending."""
        found: list[tuple[Any, ...]] = []
        with suppress(StoreError):
            asked = (self._number(folder), paths[0], paths[-1])
            found = self._file.run(lambda file: file.execute(_OF, asked).fetchall())
        return {
            path: Sight((size, when, inode), bool(whole), *seen)
            for path, size, when, inode, whole, *seen in found
        }

    def keep(self, folder: Path, sights: Iterable[tuple[str, Sight]]) -> None:
        """Write sights down, over older ones."""
        with suppress(StoreError):
            number = self._number(folder)
            rows = [(number, path, *one.stamp, int(one.whole), *one[2:]) for path, one in sights]
            self._file.write(lambda file: file.executemany(_KEEP, rows))

    def close(self) -> None:
        self._file.close()

    def _number(self, folder: Path) -> int:
        if folder not in self._folders:
            name = str(folder.resolve())

            def number(connection: sqlite3.Connection) -> int:
                connection.execute("INSERT OR IGNORE INTO folders (path) VALUES (?)", (name,))
                found = connection.execute("SELECT id FROM folders WHERE path = ?", (name,))
                return found.fetchone()[0]

            self._folders[folder] = self._file.write(number)
        return self._folders[folder]


def stamp_of(path: Path) -> Stamp | None:
    """A file's stamp; None where it can't be told whether it will tell of a change."""
    try:
        found = path.stat()
    except OSError:
        return None
    settled = time.time_ns() - found.st_mtime_ns > SETTLED_NS
    return (found.st_size, found.st_mtime_ns, found.st_ino & (1 << 63) - 1) if settled else None
