"""Scores kept on disk, so that a picture is inferred once: by content, model and preprocessing.

Knows neither pictures nor models: a caller brings their names.

Read downward:
    database    one SQLite file for threads and processes
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..home import part
from ..images import content_hash
from ..paths import openable
from ..scores import Sparse
from .database import Database

__all__ = ["Key", "Store"]

SCHEMA = 1
"""Raised when the tables, or the meaning of what is in them, change."""
SETTLED_NS = 2_000_000_000
"""A file changed more recently than this may change again without its time telling (FAT's clock
ticks every two seconds); its hash is not remembered."""

_TABLES = """
CREATE TABLE source (
    id INTEGER PRIMARY KEY, model TEXT NOT NULL, preprocessing TEXT NOT NULL,
    UNIQUE (model, preprocessing)
);
CREATE TABLE scores (
    content BLOB NOT NULL, source INTEGER NOT NULL, indices BLOB NOT NULL, "values" BLOB NOT NULL,
    PRIMARY KEY (content, source)
);
CREATE TABLE file (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode TEXT NOT NULL,
    content BLOB NOT NULL
) WITHOUT ROWID;
"""
_SELECT = """
SELECT indices, "values" FROM scores JOIN source ON source = id
WHERE content = ? AND model = ? AND preprocessing = ?
"""
_SOURCE = "INSERT OR IGNORE INTO source (model, preprocessing) VALUES (?, ?)"
_INSERT = """
INSERT OR REPLACE INTO scores
SELECT ?, id, ?, ? FROM source WHERE model = ? AND preprocessing = ?
"""
_KNOWN = "SELECT content FROM file WHERE path = ? AND size = ? AND mtime_ns = ? AND inode = ?"
_REMEMBER = "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)"


class Key(NamedTuple):
    """What scores are of.

    content: a picture's hash in hex. model: what identifies weights and how they are run.
    preprocessing: a digest of how pixels are prepared.
    """

    content: str
    model: str
    preprocessing: str


class Store:
    """The kept scores in one file. All methods may be called by any thread."""

    def __init__(self, path: Path | None = None) -> None:
        """Open `path`, by default in our home; make it where it is not there.

        Raises:
            StoreError: it can't be opened or made.
            UsageError: its folder can't be written.
        """
        path = path or part("scores") / "scores.sqlite"
        self._database = Database(path, SCHEMA, _TABLES)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """Scores kept: a picture counts once for each model."""
        (count,) = self._row("SELECT count(*) FROM scores", ())
        return count

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    @property
    def set_aside(self) -> Path | None:
        """Where a file that could not be read was moved since this store was opened."""
        return self._database.set_aside

    def get(self, key: Key) -> Sparse | None:
        """The scores of a key, None where there are none.

        Raises:
            StoreError: the file is locked for too long.
        """
        row = self._row(_SELECT, (bytes.fromhex(key.content), key.model, key.preprocessing))
        return None if row is None else _unpack(*row)

    def put(self, key: Key, scores: Sparse) -> None:
        """Keep scores; those kept before under the key are replaced.

        Raises:
            StoreError: locked for too long, or no space.
        """
        source = (key.model, key.preprocessing)
        row = (bytes.fromhex(key.content), *_pack(scores), *source)

        def insert(connection: sqlite3.Connection) -> None:
            if connection.execute(_INSERT, row).rowcount == 0:  # the first of its model
                connection.execute(_SOURCE, source)
                connection.execute(_INSERT, row)

        self._database.run(insert)

    def content(self, path: Path, *, rehash: bool = False) -> str:
        """The content hash of a picture, as `images.content_hash` gives it.

        A file unchanged in path, size, time and inode is not read again, unless by `rehash`.

        Raises:
            ImageError: the file can't be read.
            StoreError: the store is locked for too long.
        """
        found = None if rehash else self.known(path)
        if found is not None:
            return found
        before = _state(path)
        digest = content_hash(path)
        if before and before == _state(path) and abs(time.time_ns() - before[1]) > SETTLED_NS:
            self._row(_REMEMBER, (_name(path), *before, bytes.fromhex(digest)))
        return digest

    def known(self, path: Path) -> str | None:
        """The content hash of a file that was read before and is unchanged since, else None.

        Raises:
            StoreError: the store is locked for too long.
        """
        state = _state(path)
        found = state and self._row(_KNOWN, (_name(path), *state))
        return bytes(found[0]).hex() if found else None

    def close(self) -> None:
        """Close the file; the store can't be used after."""
        self._database.close()

    def _row(self, statement: str, values: tuple[Any, ...]) -> Any:
        return self._database.run(lambda c: c.execute(statement, values).fetchone())


def _pack(scores: Sparse) -> tuple[bytes, bytes]:
    kind = "<u2" if scores.indices.dtype.itemsize == 2 else "<u4"
    return scores.indices.astype(kind).tobytes(), scores.values.astype("<f4").tobytes()


def _unpack(indices: bytes, values: bytes) -> Sparse | None:
    """The scores of a row; None where the two columns do not belong together."""
    found = np.frombuffer(values, "<f4").astype(np.float32)
    if len(indices) == 2 * len(found):
        return Sparse(np.frombuffer(indices, "<u2").astype(np.uint16), found)
    if len(indices) == 4 * len(found):
        return Sparse(np.frombuffer(indices, "<u4").astype(np.uint32), found)
    return None


def _name(path: Path) -> bytes:
    return os.fsencode(os.path.abspath(path))  # noqa: PTH100 - links stay as they are named


def _state(path: Path) -> tuple[int, int, str] | None:
    """Size, time and inode of a file; the inode as text, since some exceed SQLite's integers."""
    try:
        found = openable(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, str(found.st_ino)
