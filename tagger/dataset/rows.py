"""From the posts table to the rows of an index, in DuckDB; no rule is decided here.

Tables in turn: `posts` (every reader fills it), `linked` (which posts belong together), `kept`
(what the filters left), `rows` (those with a picture, numbered by source and id), `labelled`
(row, source, canonical tag).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..booru import danbooru
from .pictures import Picture
from .splits import components

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def names_seen(connection: duckdb.DuckDBPyConnection, sources: int) -> tuple[frozenset[str], ...]:
    """The tag names on each source's posts."""
    seen: list[set[str]] = [set() for _ in range(sources)]
    found = connection.execute("SELECT DISTINCT source, unnest(tags) FROM posts")
    for source, name in found.fetchall():
        seen[source].add(name)
    return tuple(map(frozenset, seen))


def link(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `linked`: for each post its group, and the smallest post id in it.

    Parents and their children are one group, and so are posts with the same md5, across sources
    too. Posts that are filtered out later still link those that stay, and a parent that the dump
    lacks links its children.
    """
    connection.execute(
        "CREATE TABLE nodes AS SELECT row_number() OVER (ORDER BY id, source) - 1 AS node, "
        "source, id FROM (SELECT source, id FROM posts WHERE id IS NOT NULL UNION "
        "SELECT source, parent FROM posts WHERE id IS NOT NULL AND parent IS NOT NULL)"
    )
    edges = connection.execute(
        "SELECT a.node AS a, b.node AS b FROM posts p "
        "JOIN nodes a ON a.source = p.source AND a.id = p.id "
        "JOIN nodes b ON b.source = p.source AND b.id = p.parent UNION "
        "SELECT n.node, min(n.node) OVER (PARTITION BY p.md5) FROM posts p "
        "JOIN nodes n ON n.source = p.source AND n.id = p.id WHERE p.md5 IS NOT NULL"
    ).fetchnumpy()
    smallest = components(count(connection, "nodes"), _int64(edges["a"]), _int64(edges["b"]))
    _register(connection, "smallest", {"node": np.arange(len(smallest)), "head": smallest})
    connection.execute(
        "CREATE TABLE linked AS SELECT n.source, n.id, h.node AS component, h.id AS head "
        "FROM nodes n JOIN smallest s ON s.node = n.node JOIN nodes h ON h.node = s.head"
    )
    connection.execute("DROP TABLE nodes")


def picture_paths(
    connection: duckdb.DuckDBPyConnection, folders: Sequence[Path]
) -> list[tuple[int, int, str]]:
    """Source, id and the path inside the source's folder of each kept post, in order."""
    images = [danbooru.images_folder(folder) for folder in folders]
    found = connection.execute("SELECT source, id, extension FROM kept ORDER BY source, id")
    return [
        (source, post, danbooru.picture(images[source], post, extension))
        for source, post, extension in found.fetchall()
    ]


def number(
    connection: duckdb.DuckDBPyConnection,
    paths: Sequence[tuple[int, int, str]],
    pictures: Sequence[Picture],
) -> Counter[str]:
    """Make `rows` of the kept posts whose picture is there; counts the others by reason."""
    good = [(*own, picture) for own, picture in zip(paths, pictures, strict=True) if _good(picture)]
    columns: dict[str, Any] = {
        "source": np.array([source for source, *_ in good], np.int32),
        "id": np.array([post for _, post, *_ in good], np.int64),
        "path": [path for *_, path, _ in good],
        "width": np.array([picture.width for *_, picture in good], np.int32),
        "height": np.array([picture.height for *_, picture in good], np.int32),
    }
    _register(connection, "found", columns)
    connection.execute(
        "CREATE TABLE rows AS SELECT row_number() OVER (ORDER BY source, id) - 1 AS row, * FROM "
        "(SELECT source, id, path, md5, width, height, rating, component, head, k.tags "
        "FROM kept k JOIN found USING (source, id) JOIN linked USING (source, id))"
    )
    return Counter(picture.reason for picture in pictures if picture.reason is not None)


def label(connection: duckdb.DuckDBPyConnection, meanings: Iterable[tuple[str, str]]) -> None:
    """Make `labelled` by pairs of a name on a post and a tag that it means."""
    pairs = list(meanings)
    columns = {"name": [name for name, _ in pairs], "tag": [tag for _, tag in pairs]}
    _register(connection, "meanings", columns)
    connection.execute(
        "CREATE TABLE labelled AS SELECT DISTINCT row, source, tag FROM "
        "(SELECT row, source, unnest(tags) AS name FROM rows) JOIN meanings USING (name)"
    )


def tag_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[int, int]]:
    """For each tag on a row, how many rows of each source have it."""
    counts: dict[str, dict[int, int]] = {}
    found = connection.execute("SELECT tag, source, count(*) FROM labelled GROUP BY tag, source")
    for tag, source, number_of_rows in found.fetchall():
        counts.setdefault(tag, {})[source] = number_of_rows
    return counts


def rows_by_source(connection: duckdb.DuckDBPyConnection, sources: int) -> list[int]:
    """How many rows each source gives."""
    found = connection.execute("SELECT source, count(*) FROM rows GROUP BY source")
    counts: Mapping[int, int] = dict(found.fetchall())
    return [counts.get(source, 0) for source in range(sources)]


def fetch(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> pa.Table:
    """All rows in order, with the labels each has: `tags` are indices into `names`, ascending."""
    slots = {"tag": list(names), "slot": np.arange(len(names), dtype=np.int32)}
    _register(connection, "slots", slots)
    return connection.sql(
        "SELECT r.* EXCLUDE tags, coalesce(l.slots, []::INTEGER[]) AS tags FROM rows r LEFT JOIN "
        "(SELECT row, list(slot ORDER BY slot) AS slots FROM labelled JOIN slots USING (tag) "
        "GROUP BY row) l USING (row) ORDER BY row"
    ).to_arrow_table()


def _good(picture: Picture) -> bool:
    return picture.reason is None


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """How many rows a table has."""
    return connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]


def _int64(values: Any) -> NDArray[np.int64]:
    return np.asarray(values, np.int64)


def _register(connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, Any]) -> None:
    import pyarrow as pa

    text = {key for key, values in columns.items() if isinstance(values, list)}
    arrays = {
        key: pa.array(values, pa.string()) if key in text else pa.array(values)
        for key, values in columns.items()
    }
    connection.register(name, pa.table(arrays))
