"""One SQLite file for threads and processes; one that can't be read is set aside, never deleted.

Knows no tables: a caller brings them.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from ..errors import StoreError
from ..home import make

log = logging.getLogger(__name__)

T = TypeVar("T")

WAIT_S = 30.0
"""Seconds to wait for another process that writes."""


class _OldError(Exception):
    """A file of another schema."""


class Database:
    """A file of tables that `statements` make, of the version `schema`. For any thread.

    Attributes:
        set_aside: where an unreadable file was moved by this object, None where none was.
    """

    def __init__(
        self,
        path: Path,
        schema: int,
        statements: str,
        *,
        durable: bool = False,
        read_only: bool = False,
    ) -> None:
        """Open the file; make it where it is not there.

        What a `durable` one was given is on the disk, else the last second may go with the power.
        A `read_only` one is never made, changed or set aside, wherever it lies.

        Raises:
            StoreError: it can't be opened or made.
            UsageError: its folder can't be written.
        """
        self.path = path
        self.set_aside: Path | None = None
        self._schema, self._statements = schema, statements
        self._synchronous = "FULL" if durable else "NORMAL"
        self._lock = threading.RLock()
        self._opened: int | None = None  # the inode, to know the file from one that replaced it
        self._closed = False
        if read_only:
            self._connection = self._look_into()
            return
        make(path.parent)
        self._connection = self._open_or_renew()

    def run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Give what a query gives; a file found broken is set aside, and it runs on a new one.

        Raises:
            StoreError: locked for too long, no space, closed.
        """
        with self._lock:
            try:
                return query(self._connection)
            except sqlite3.Error as error:
                if self._closed or not _is_broken(error):
                    raise self._refusal(error) from error
                self._connection.close()
                self._move_aside(str(error))
            with self._sentences():
                self._connection = self._open()
                return query(self._connection)

    def write(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query that changes rows, all of them or none.

        Raises:
            StoreError: as `run` does.
        """

        def whole(connection: sqlite3.Connection) -> T:
            with _transaction(connection):
                return query(connection)

        return self.run(whole)

    def close(self) -> None:
        """Close the file; nothing can be run after."""
        with self._lock:
            self._closed = True
            self._connection.close()

    def _open_or_renew(self) -> sqlite3.Connection:
        try:
            return self._open()
        except _OldError as error:
            self._move_aside(str(error))
        except sqlite3.Error as error:
            if not _is_broken(error):
                raise self._refusal(error) from error
            self._move_aside(str(error))
        with self._sentences():
            return self._open()

    def _look_into(self) -> sqlite3.Connection:
        """Open without a right to write, also where the log beside it can't be made."""
        address = self.path.absolute().as_uri()
        try:
            connection, version = _versioned(f"{address}?mode=ro")
        except sqlite3.Error:
            with self._sentences():
                connection, version = _versioned(f"{address}?mode=ro&immutable=1")
        if version != self._schema:
            connection.close()
            raise StoreError(f"{self.path}: expected version {self._schema}, got {version}")
        return connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=WAIT_S, isolation_level=None, check_same_thread=False
        )
        try:
            self._opened = self._inode()
            _write_ahead(connection, self._synchronous)
            with _transaction(connection):  # two processes may begin at once
                self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and version != self._schema:
            raise _OldError(f"it is of version {version}, not {self._schema}")
        if not tables:
            for statement in filter(str.strip, self._statements.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {self._schema}")

    def _move_aside(self, cause: str) -> None:
        """Rename the file and its logs, unless another process has done so already."""
        if self._inode() != self._opened:
            return
        day = datetime.datetime.now().strftime("%Y-%m-%d")
        aside = _free(self.path.with_name(f"{self.path.name}.broken-{day}"))
        with self._sentences():
            for ending in ("-wal", "-shm", ""):
                with contextlib.suppress(FileNotFoundError):
                    _beside(self.path, ending).replace(_beside(aside, ending))
        self.set_aside = aside
        log.warning("%s can't be used (%s): kept as %s, a new one begins", self.path, cause, aside)

    def _inode(self) -> int | None:
        try:
            return self.path.stat().st_ino
        except OSError:
            return None

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> StoreError:
        return StoreError(
            f"{self.path}: expected to write there, got {error}: free space, end what holds "
            f"the file, or set TAGGER_HOME to another folder"
        )


def _versioned(address: str) -> tuple[sqlite3.Connection, int]:
    connection = sqlite3.connect(address, uri=True, check_same_thread=False)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection, version


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk ends it by itself
            connection.execute("ROLLBACK")
        raise


def _write_ahead(connection: sqlite3.Connection, synchronous: str) -> None:
    """Readers and a writer side by side.

    SQLite does not wait for a lock when it changes the journal, so this does.
    """
    until = time.monotonic() + WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.05)
    connection.execute(f"PRAGMA synchronous={synchronous}")


def _is_broken(error: sqlite3.Error) -> bool:
    """Whether the file itself is at fault; locks and full disks are OperationalErrors."""
    return type(error) is sqlite3.DatabaseError or "no such table" in str(error)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _free(path: Path) -> Path:
    """The path, numbered where a file of that day is there already."""
    names = (path, *(_beside(path, f"-{n}") for n in range(2, 1000)))
    return next((one for one in names if not one.exists()), path)
