"""Which posts belong together: versions of one picture, so that no split has what another has.

Parents and their children are one group, and so are posts with the same md5, across sources too,
and on request pictures that look alike. Posts that are filtered out still link those that stay,
and a parent that the source lacks links its children.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import duckdb

_FAMILY = (
    "SELECT source, id, source AS other_source, parent AS other FROM posts "
    "WHERE id IS NOT NULL AND parent IS NOT NULL AND parent <> id"
)


def link(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `linked`: for each post that belongs to others its group, and the smallest id in it.

    Posts that are alone in their group are not in it.
    """
    same = _same("md5", "posts", "id IS NOT NULL")
    alike = _same("likeness", "seen", "true")
    connection.execute(
        f"CREATE TABLE edges AS SELECT * FROM ({_FAMILY} UNION ALL {same} UNION ALL {alike}) "
        "WHERE (source, id) <> (other_source, other)"
    )
    connection.execute(
        "CREATE TABLE nodes AS SELECT row_number() OVER (ORDER BY id, source) - 1 AS node, "
        "source, id FROM (SELECT source, id FROM edges UNION "
        "SELECT other_source, other FROM edges)"
    )
    found = connection.execute(
        "SELECT a.node AS a, b.node AS b FROM edges e "
        "JOIN nodes a ON a.source = e.source AND a.id = e.id "
        "JOIN nodes b ON b.source = e.other_source AND b.id = e.other"
    ).fetchnumpy()
    count = connection.execute("SELECT count(*) FROM nodes").fetchall()[0][0]
    smallest = components(count, _int64(found["a"]), _int64(found["b"]))
    _register(connection, smallest)
    connection.execute(
        "CREATE TABLE linked AS SELECT n.source, n.id, h.node AS component, h.id AS head "
        "FROM nodes n JOIN smallest s ON s.node = n.node JOIN nodes h ON h.node = s.head"
    )
    connection.unregister("smallest")
    for table in ("nodes", "edges"):
        connection.execute(f"DROP TABLE {table}")


def components(count: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Connected components of `count` nodes under the edges left[i] - right[i].

    Gives int64[count], for each node the smallest node that it hangs together with.
    """
    smallest = np.arange(count, dtype=np.int64)
    while True:
        reached = np.minimum(smallest[left], smallest[right])
        # hooking the roots too is what makes long chains close in a few rounds
        for ends in (left, right):
            np.minimum.at(smallest, smallest[ends], reached)
            np.minimum.at(smallest, ends, reached)
        while (smallest[smallest] != smallest).any():
            smallest = smallest[smallest]
        if (smallest[left] == smallest[right]).all():
            return smallest


def _same(column: str, table: str, where: str) -> str:
    """The SQL of edges from each post to the first that has the same value in a column."""
    return (
        f"SELECT t.source, t.id, f.first.source, f.first.id FROM {table} t JOIN "
        f"(SELECT {column}, min({{'id': id, 'source': source}}) AS first FROM {table} "
        f"WHERE {column} IS NOT NULL AND {where} GROUP BY {column} HAVING count(*) > 1) f "
        f"USING ({column}) WHERE {where}"
    )


def _register(connection: duckdb.DuckDBPyConnection, smallest: NDArray[np.int64]) -> None:
    import pyarrow as pa

    table = {"node": np.arange(len(smallest), dtype=np.int64), "head": smallest}
    connection.register("smallest", pa.table(table))


def _int64(values: Any) -> NDArray[np.int64]:
    return np.asarray(values, np.int64)
