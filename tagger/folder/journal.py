"""What Tagger did to people's files, so that it can be undone: runs and their changes.

One SQLite file in our home, never in anybody's folder. What writes to it is in `recorder`.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..home import part
from ..store.database import Database
from .forgetting import forget, most_bytes, shrink
from .recorder import FOLDER, LARGEST, FileChange, Recorder, name_of, state_of
from .wholefile import digest

__all__ = [
    "LARGEST",
    "FileChange",
    "Journal",
    "Recorded",
    "Recorder",
    "RunRecord",
    "Written",
    "digest",
    "state_of",
]

SCHEMA = 1
_TABLES = """
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT, verb TEXT NOT NULL, command TEXT NOT NULL,
    began REAL NOT NULL, undone REAL
);
CREATE TABLE change (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, path BLOB NOT NULL, kind TEXT NOT NULL,
    before BLOB, after BLOB, target BLOB
);
CREATE INDEX change_of_run ON change (run);
CREATE INDEX change_of_path ON change (path, after);
CREATE TABLE content (hash BLOB PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID;
"""
_PARTS = """
CREATE TABLE IF NOT EXISTS part (
    hash BLOB, number INTEGER, bytes BLOB NOT NULL, PRIMARY KEY (hash, number)
) WITHOUT ROWID
"""
"""What files held that are too large for one row; younger than the other tables."""
_RUNS = """
SELECT run.id, verb, command, began, undone, count(change.id)
FROM run JOIN change ON change.run = run.id AND kind != ? GROUP BY run.id ORDER BY run.id
"""
_RECORDED = """
SELECT change.id, change.path, kind, bytes, before, after, target
FROM change LEFT JOIN content ON before = hash WHERE run = ? AND change.id < ?
ORDER BY change.id DESC LIMIT 500
"""
_WROTE = """
SELECT change.id, kind, bytes FROM change JOIN run ON run = run.id
LEFT JOIN content ON before = hash
WHERE path = ? AND after = ? AND verb = ? AND change.id < ? ORDER BY change.id DESC LIMIT 1
"""
_NEWEST = (1 << 63) - 1


@dataclass(frozen=True)
class RunRecord:
    """A run that changed something: its number, what asked for it, when, and how much it changed.

    began, undone: seconds since 1970; undone is None until it was.
    """

    run: int
    verb: str
    command: str
    began: float
    undone: float | None
    changes: int


@dataclass(frozen=True)
class Recorded:
    """A change as it was written down.

    was: the digest of the bytes then, None if there was no file. before: these bytes, None also
    where they are so many that they are kept in parts. after: the digest of the bytes it got, None
    if it was removed. target: where the file was moved, None for a change of bytes.
    """

    path: Path
    kind: str
    was: bytes | None
    before: bytes | None
    after: bytes | None
    target: Path | None


@dataclass(frozen=True)
class Written:
    """A text that Tagger wrote to a file, what it took the place of, and how (`kind`)."""

    kind: str
    before: bytes | None
    number: int


class Journal:
    """The runs of this machine. All methods may be called by any thread."""

    def __init__(self, path: Path | None = None, *, read_only: bool = False) -> None:
        """Open `path`, by default in our home; make it where it is not there, unless `read_only`.

        Raises:
            StoreError: it can't be opened or made.
            UsageError: its folder can't be written.
        """
        path = path or home_journal()
        self._database = Database(path, SCHEMA, _TABLES, durable=True, read_only=read_only)
        if not read_only:
            self._rows(_PARTS, ())

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the journal can't be used after."""
        self._database.close()

    def begin(self, verb: str, argv: Sequence[str] = ()) -> Recorder:
        """Begin a run; it is listed once it has changed something.

        The oldest runs are forgotten where all take more than `most_bytes`.
        """
        self._database.run(lambda connection: shrink(connection, most_bytes()))
        return Recorder(self._database, verb, shlex.join([verb, *argv]))

    def runs(self) -> list[RunRecord]:
        """The runs, the oldest first."""
        return [RunRecord(*row) for row in self._rows(_RUNS, (FOLDER,))]

    def find(self, run: int | None = None) -> RunRecord:
        """A run by its number, without one the last that was not undone.

        Raises:
            UsageError: there is no such run.
        """
        runs = self.runs()
        fitting = [r for r in runs if (not r.undone if run is None else r.run == run)]
        if fitting:
            return fitting[-1]
        there = f"runs {runs[0].run} to {runs[-1].run}" if runs else "no run"
        asked = "a run to undo" if run is None else f"run {run}"
        raise UsageError(f"expected {asked}, got {there}: `tagger runs` lists them")

    def changes(self, run: int) -> Iterator[Recorded]:
        """The changes of a run, the last first."""
        last = _NEWEST
        while rows := self._rows(_RECORDED, (run, last)):
            for _, path, kind, kept, was, after, target in rows:
                before = None if kept is None else bytes(kept)
                moved = target and Path(os.fsdecode(target))
                yield Recorded(Path(os.fsdecode(path)), kind, was, before, after, moved or None)
            last = rows[-1][0]

    def parts(self, was: bytes) -> Iterator[bytes]:
        """What a large file held, by its digest, piece by piece.

        Raises:
            StoreError: the journal can't be read.
        """
        asked, number = "SELECT bytes FROM part WHERE hash = ? AND number = ?", 0
        while rows := self._rows(asked, (was, number)):
            yield bytes(rows[0][0])
            number += 1

    def wrote(
        self, path: Path, content: bytes, verb: str = "caption", before: int | None = None
    ) -> Written | None:
        """Whether a run of a verb put exactly these bytes in this file, the last time it did.

        `before` asks for a change earlier than the one of that number.
        """
        asked = (name_of(path), digest(content), verb, before or _NEWEST)
        for number, kind, kept in self._rows(_WROTE, asked):
            return Written(kind, None if kept is None else bytes(kept), number)
        return None

    def keep(self, newest: int) -> int:
        """Forget all but the newest runs, and give back their space; says how many went."""
        gone = [record.run for record in self.runs()[: -newest or None]]
        self._database.run(lambda connection: forget(connection, gone))
        self._rows("VACUUM", ())
        return len(gone)

    def mark_undone(self, run: int) -> None:
        """Note that a run was undone."""
        self._rows("UPDATE run SET undone = ? WHERE id = ?", (time.time(), run))

    def _rows(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        return self._database.run(lambda c: c.execute(statement, values).fetchall())


def home_journal() -> Path:
    """The journal in our home, whether it is there yet or not."""
    return part("runs") / "journal.sqlite"
