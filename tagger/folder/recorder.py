"""Changes to people's files: written down first, then done.

Changes are recorded with the bytes that are there, some hundreds in one transaction that is on the
disk before the first file is touched; then each is done, whole or not at all. After a kill at any
moment a file is as it was or as it should be, and an undo sees which.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..errors import CaptionError, StoreError
from ..paths import cause_of
from ..store.database import Database
from .wholefile import (
    Seen,
    Stamp,
    digest,
    digest_of,
    get_file,
    holds,
    move_file,
    pieces,
    put_file,
)

LARGEST = 1 << 31
"""Bytes of a file that can be changed and changed back."""
FOLDER = "folder"
"""The kind of a change that made a folder."""

_THREADS = 4
_TRIED = 16  # files by whose time it is judged how the rest is written
_SLOW_S = 0.004
_MEANWHILE = "changed by somebody meanwhile: left as it is"


@dataclass(frozen=True)
class FileChange:
    """One file's bytes, before and after; None: no such file.

    kind: a word for how it came about, such as `append`; it is given back, and means nothing here.
    stamp: the file's when it was read, as `wholefile.see` gives it.
    """

    path: Path
    before: bytes | None
    after: bytes | None
    kind: str = ""
    stamp: Stamp | None = None


class Recorder:
    """One run that is under way. All methods may be called by any thread.

    Attributes:
        run: its number, None before its first change.
    """

    def __init__(self, database: Database, verb: str, command: str) -> None:
        self.run: int | None = None
        self._database = database
        self._row = (verb, command, time.time())
        self._there: set[str] = set()

    def apply(self, change: FileChange) -> None:
        """Record a change, then do it, whole or not at all.

        Raises:
            CaptionError: the file is not as `before` says any more, or can't be written; it is
                as it was.
            StoreError: it can't be recorded, so it was not done.
        """
        for error in self.apply_all([change]):
            if error:
                raise error

    def apply_all(self, changes: Sequence[FileChange]) -> list[CaptionError | None]:
        """Record changes of different files, then do them; says of each what went wrong with it.

        Called again with changes of which some were done it does the rest.

        Raises:
            StoreError: they can't be recorded, so none was done.
        """
        first = self._record([_planned(change) for change in changes])
        errors = _do_all(changes)
        self._forget(first + at for at, error in enumerate(errors) if error)
        return errors

    def record(self, path: Path, before: bytes | None, made: Path, kind: str) -> None:
        """Record that a file will be replaced by one that is made; the caller does so.

        `before` is the digest of what it holds, None if there is no such file. For files of any
        size: a piece of them is in memory.

        Raises:
            CaptionError: it does not hold that any more, or can't be read.
            StoreError: it can't be recorded.
        """
        if before is not None:
            self._keep(path, before)
        if digest_of(path) != before:
            raise CaptionError(f"{path}: {_MEANWHILE}")
        self._record([_Row(path, kind, None, digest_of(made), was=before)])

    def _keep(self, path: Path, content: bytes) -> None:
        """Write down what a large file holds, some pieces at a time."""
        into = "INSERT OR IGNORE INTO part VALUES (?, ?, ?)"
        try:
            for number, piece in enumerate(pieces(path)):
                row = (content, number, piece)
                self._database.write(lambda c, row=row: c.execute(into, row))
        except OSError as error:
            raise CaptionError(f"{path}: can't be read: {cause_of(error)}") from error

    def move(self, path: Path, target: Path, kind: str = "move") -> None:
        """Record that a file goes to another place, then move it there; nothing is overwritten.

        Raises:
            CaptionError: it is not there, `target` is taken or can't be written.
            StoreError: it can't be recorded, so it was not done.
        """
        if target.exists() or target.is_symlink():
            raise CaptionError(f"{path}: {target} is there already: left where it is")
        self._record([_Row(path, kind, None, state_of(path), target)])
        move_file(path, target)

    def _record(self, rows: Sequence[_Row]) -> int:
        """Write changes down, and the folders that will be made; the number of the first one."""
        made = self._missing([row.target or row.path for row in rows])
        all_rows = [*(_Row(Path(each), FOLDER) for each in made), *rows]
        contents = {digest(row.before): row.before for row in rows if row.before is not None}

        def insert(connection: sqlite3.Connection) -> int:
            # a broken journal is set aside in the midst of a run: the run goes to the new one
            known = connection.execute("SELECT 1 FROM run WHERE id = ?", (self.run,))
            if known.fetchone() is None:
                into = "INSERT INTO run (verb, command, began) VALUES (?, ?, ?)"
                self.run = connection.execute(into, self._row).lastrowid
            into = "INSERT OR IGNORE INTO content VALUES (?, ?)"
            connection.executemany(into, contents.items())
            last = "SELECT coalesce(max(id), 0) FROM change"
            (number,) = connection.execute(last).fetchone()
            into = "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?)"
            connection.executemany(
                into,
                (
                    (number + at, self.run, *_columns(row))
                    for at, row in enumerate(all_rows, start=1)
                ),
            )
            return number + 1 + len(made)

        return self._database.write(insert)

    def _forget(self, numbers: Iterable[int]) -> None:
        """Take back the record of what was not done; left there, it would harm nothing."""
        rows = [(number,) for number in numbers]
        if rows:
            with suppress(StoreError):
                self._database.write(
                    lambda c: c.executemany("DELETE FROM change WHERE id = ?", rows)
                )

    def _missing(self, files: Iterable[Path]) -> list[str]:
        """The folders that are not there, above files that will be; the upper ones first."""
        missing: list[str] = []
        for folder in dict.fromkeys(os.path.dirname(os.path.abspath(file)) for file in files):
            fresh: list[str] = []
            while folder not in self._there and not os.path.isdir(folder):
                fresh.append(folder)
                self._there.add(folder)
                folder = os.path.dirname(folder)
            self._there.add(folder)
            missing += reversed(fresh)
        return missing


class _Row(NamedTuple):
    """A change as it is written down; `was` is the digest of a `before` that is kept in parts."""

    path: Path
    kind: str
    before: bytes | None = None
    after: bytes | None = None
    target: Path | None = None
    was: bytes | None = None


def _columns(row: _Row) -> tuple[object, ...]:
    was = row.was if row.before is None else digest(row.before)
    target = None if row.target is None else name_of(row.target)
    return name_of(row.path), row.kind, was, row.after, target


def _planned(change: FileChange) -> _Row:
    after = None if change.after is None else digest(change.after)
    return _Row(change.path, change.kind, change.before, after)


def _do_all(changes: Sequence[FileChange]) -> list[CaptionError | None]:
    """Do changes, by several threads where a file waits for a network or a slow disk.

    Where it does not, threads would only wait for one another.
    """
    began = time.monotonic()
    done = _do_each(changes[:_TRIED])
    rest = changes[_TRIED:]
    if not rest or time.monotonic() - began < _SLOW_S * _TRIED:
        return done + _do_each(rest)
    return done + _do_shared(rest)


def _do_shared(changes: Sequence[FileChange]) -> list[CaptionError | None]:
    done: list[CaptionError | None] = [None] * len(changes)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="tagger-write") as pool:
        shares = [changes[at::_THREADS] for at in range(_THREADS)]
        for at, errors in enumerate(pool.map(_do_each, shares)):
            done[at::_THREADS] = errors
    return done


def _do_each(changes: Sequence[FileChange]) -> list[CaptionError | None]:
    return [_do(change) for change in changes]


def _do(change: FileChange) -> CaptionError | None:
    """Do a change, unless the file is not as it was; one that was done already is done."""
    try:
        if holds(change.path, Seen(change.before, change.stamp), most=LARGEST):
            put_file(change.path, change.after)
        elif get_file(change.path, most=LARGEST) != change.after:
            return CaptionError(f"{change.path}: {_MEANWHILE}")
    except CaptionError as error:
        return error
    return None


def state_of(path: Path) -> bytes:
    """Size and time of a file that is moved, as bytes. Raises CaptionError if there is none."""
    try:
        found = path.lstat()
    except OSError as error:
        raise CaptionError(f"{path}: expected a file to move, got none") from error
    return f"{found.st_size}:{found.st_mtime_ns}".encode()


def name_of(path: Path) -> bytes:
    """A file as the journal names it."""
    return os.fsencode(os.path.abspath(path))
