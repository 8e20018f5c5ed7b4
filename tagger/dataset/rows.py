"""From the posts table to the rows of an index, in DuckDB; no rule is decided here.

Tables in turn: `posts` (every reader fills it), `kept` (what the filters left), `found` (with the
picture's path), `seen` (with its size), `linked` (which belong together), `rows` (numbered by
source and id).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import duckdb


def names_seen(connection: duckdb.DuckDBPyConnection, sources: int) -> tuple[frozenset[str], ...]:
    """The tag names on each source's posts."""
    seen: list[set[str]] = [set() for _ in range(sources)]
    found = connection.execute("SELECT DISTINCT source, unnest(tags) FROM posts")
    for source, name in found.fetchall():
        seen[source].add(name)
    return tuple(map(frozenset, seen))


def number(connection: duckdb.DuckDBPyConnection) -> int:
    """Make `rows` of `seen`, in the order of source and id; gives how many there are.

    A post that belongs to no other has no component and is its own head.
    """
    connection.execute(
        "CREATE TABLE rows AS SELECT row_number() OVER (ORDER BY s.source, s.id) - 1 AS row, "
        "s.post, s.source, s.id, s.path, p.md5, s.width, s.height, p.rating, p.created, "
        "p.split AS given, l.component, coalesce(l.head, s.id) AS head "
        "FROM seen s JOIN posts p ON p.rowid = s.post LEFT JOIN linked l "
        "ON l.source = s.source AND l.id = s.id ORDER BY row"
    )
    return count(connection, "rows")


def keep(connection: duckdb.DuckDBPyConnection, kept: NDArray[np.int64]) -> None:
    """Leave only some rows in `rows`, int64[N] ascending, numbered anew."""
    import pyarrow as pa

    numbers = {"row": np.arange(len(kept), dtype=np.int64), "old": kept}
    connection.register("kept_rows", pa.table(numbers))
    connection.execute(
        "CREATE TABLE fewer AS SELECT k.row, r.* EXCLUDE row FROM rows r "
        "JOIN kept_rows k ON k.old = r.row ORDER BY k.row"
    )
    connection.unregister("kept_rows")
    connection.execute("DROP TABLE rows")
    connection.execute("ALTER TABLE fewer RENAME TO rows")


def rows_by_source(connection: duckdb.DuckDBPyConnection, sources: int) -> list[int]:
    """How many rows each source gives."""
    found = connection.execute("SELECT source, count(*) FROM rows GROUP BY source")
    counts: dict[int, int] = dict(found.fetchall())
    return [counts.get(source, 0) for source in range(sources)]


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """How many rows a table has."""
    return connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
