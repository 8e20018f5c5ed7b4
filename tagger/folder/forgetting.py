"""How long runs can be undone: the oldest are forgotten where the journal grows too large."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence

from ..errors import UsageError

MOST_MB = 2048
"""What the journal may take, some millions of captions; `TAGGER_UNDO_MB` says otherwise."""
_LEAVES = 0.75  # of what it may take: so that not every run forgets another


def most_bytes() -> int:
    """What the journal may take. Raises UsageError where the variable is no number."""
    text = os.environ.get("TAGGER_UNDO_MB", "").strip()
    if not text:
        return MOST_MB << 20
    if not text.isdecimal():
        raise UsageError(f"TAGGER_UNDO_MB: expected a whole number of megabytes, got {text!r}")
    return int(text) << 20


def shrink(connection: sqlite3.Connection, most: int) -> None:
    """Forget the oldest runs, never the newest, until all take less than `most` bytes."""
    taken = _bytes(connection)
    if taken <= most:
        return
    rows = connection.execute(
        "SELECT run, count(*) FROM change GROUP BY run ORDER BY run"
    ).fetchall()
    total = sum(count for _, count in rows)
    gone: list[int] = []
    for run, count in rows[:-1]:
        if taken <= most * _LEAVES:
            break
        gone.append(run)
        taken -= taken * count // max(1, total)
        total -= count
    forget(connection, gone)


def forget(connection: sqlite3.Connection, runs: Sequence[int]) -> None:
    """Forget runs: they can't be undone any more, and what they wrote counts as anybody's."""
    if not runs:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        numbers = [(run,) for run in runs]
        connection.executemany("DELETE FROM change WHERE run = ?", numbers)
        connection.executemany("DELETE FROM run WHERE id = ?", numbers)
        used = "SELECT before FROM change WHERE before IS NOT NULL"
        for table in ("content", "part"):
            connection.execute(f"DELETE FROM {table} WHERE hash NOT IN ({used})")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _bytes(connection: sqlite3.Connection) -> int:
    """What the journal takes, without the pages that are free again."""
    asked = ("page_count", "freelist_count", "page_size")
    pages, free, size = (connection.execute(f"PRAGMA {each}").fetchone()[0] for each in asked)
    return (pages - free) * size
