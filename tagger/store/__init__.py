"""Scores kept on disk, so that a picture is inferred once: by content, model and preprocessing.

Knows neither pictures nor models: a caller brings their names.

Read downward:
    database    one SQLite file for threads and processes
    looks       what a file was found to hold, and whether it still does
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..home import part
from ..scores import Sparse
from .database import Database
from .looks import Look, look, name_of, state_of

__all__ = ["Key", "Look", "Store", "look"]

SCHEMA = 1
"""Raised when the tables, or the meaning of what is in them, change."""
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
SELECT content, indices, "values" FROM scores
WHERE source = (SELECT id FROM source WHERE model = ? AND preprocessing = ?) AND content IN
"""
_SOURCE = "INSERT OR IGNORE INTO source (model, preprocessing) VALUES (?, ?)"
_INSERT = """
INSERT OR REPLACE INTO scores
SELECT ?, id, ?, ? FROM source WHERE model = ? AND preprocessing = ?
"""
_FORGET = """
DELETE FROM scores
WHERE source IN (SELECT id FROM source WHERE model = ? AND preprocessing = ?)
"""
_HOLDS = "SELECT 1 FROM scores WHERE content IN"
_KNOWN = "SELECT path, content, size, mtime_ns, inode FROM file WHERE path IN"
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
        ((count,),) = self._rows("SELECT count(*) FROM scores", ())
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
        return self.get_all([key.content], key.model, key.preprocessing).get(key.content)

    def get_all(self, contents: Sequence[str], model: str, preprocessing: str) -> dict[str, Sparse]:
        """The scores of those contents that have some; at most some hundreds are asked at once.

        Raises:
            StoreError: the file is locked for too long.
        """
        values = (model, preprocessing, *map(bytes.fromhex, contents))
        rows = self._rows(_SELECT + _places(contents), values)
        found = {bytes(content).hex(): _unpack(*row) for content, *row in rows}
        return {content: sparse for content, sparse in found.items() if sparse is not None}

    def holds_any(self, contents: Sequence[str]) -> bool:
        """Whether there are scores of any of these contents, of whatever model.

        Raises:
            StoreError: the file is locked for too long.
        """
        values = tuple(map(bytes.fromhex, contents))
        return bool(self._rows(f"{_HOLDS} {_places(contents)} LIMIT 1", values))

    def put(self, key: Key, scores: Sparse) -> None:
        """Keep scores; those kept before under the key are replaced.

        Raises:
            StoreError: locked for too long, or no space.
        """
        self.keep([(key, scores)])

    def keep(self, scores: Sequence[tuple[Key, Sparse]], files: Sequence[Look] = ()) -> None:
        """Keep scores and the hashes of files, all of them or none.

        Raises:
            StoreError: locked for too long, or no space.
        """
        sources = {(key.model, key.preprocessing) for key, _ in scores}
        rows = [
            (bytes.fromhex(key.content), *_pack(sparse), key.model, key.preprocessing)
            for key, sparse in scores
        ]
        settled = [
            (name_of(each.path), *each.state, bytes.fromhex(each.content))
            for each in files
            if each.state and each.settled
        ]
        if not rows and not settled:
            return

        def insert(connection: sqlite3.Connection) -> None:
            connection.executemany(_SOURCE, sources)
            connection.executemany(_INSERT, rows)
            connection.executemany(_REMEMBER, settled)

        self._database.write(insert)

    def forget(self, model: str, preprocessing: str) -> int:
        """Drop the scores of a model run in one way, and say how many there were.

        Raises:
            StoreError: locked for too long.
        """
        before = len(self)
        self._database.write(lambda c: c.execute(_FORGET, (model, preprocessing)))
        return before - len(self)

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
        seen = look(path)
        self.keep([], [seen])
        return seen.content

    def known(self, path: Path) -> str | None:
        """The content hash of a file that was read before and is unchanged since, else None.

        Raises:
            StoreError: the store is locked for too long.
        """
        (found,) = self.known_all([path])
        return found and found.content

    def known_all(self, paths: Sequence[Path]) -> list[Look | None]:
        """For each file the hash it was found to have, None where it is not known or has changed.

        Raises:
            StoreError: the store is locked for too long.
        """
        names = [name_of(path) for path in paths]
        rows = self._rows(_KNOWN + _places(names), tuple(names))
        kept = {bytes(name): (tuple(state), content) for name, content, *state in rows}
        found: list[Look | None] = []
        for path, name in zip(paths, names, strict=True):
            was, content = kept.get(name, (None, b""))
            state = state_of(path) if was else None
            same = state is not None and state == was
            found.append(Look(path, bytes(content).hex(), state) if same else None)
        return found

    def close(self) -> None:
        """Close the file; the store can't be used after."""
        self._database.close()

    def _rows(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        return self._database.run(lambda c: c.execute(statement, values).fetchall())


def _places(values: Sequence[object]) -> str:
    return f"({','.join('?' * len(values))})"


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
