"""Posts in an SQLite database: DeepDanbooru's, danbooru2023's, what `tagger dataset fetch` made.

    posts     id, md5, ... and tags, in a column for all or one for each category
    tag(s)    name with category, or with danbooru2023's `type`, which has numbers of its own
    through   numbers of posts and tags, where posts themselves have no tags (danbooru2023); an
              older build of it has them in the post's `tag_list`, as `$1a#$zz#` to base 36

Read through Python's own sqlite3, without writing beside the database. danbooru2023's tables as
parquet files are read alike.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DatasetError
from .fields import NAMES, add_posts, add_seen_tags, column_types, describes_posts, text_of
from .files import Metadata
from .labellists import COUNTS, DANBOORU, KOHAKU, category_name
from .posts import Reading, insert
from .ratings import settle
from .staging import id_or_nothing, table_of, whole

if TYPE_CHECKING:
    import duckdb

NUMBERED = "spelled_out"
BATCH = 50_000
"""Rows that go from SQLite to DuckDB at once."""


@dataclass(frozen=True)
class Layout:
    """Which table holds what; empty where there is none."""

    posts: str
    tags: str = ""
    through: str = ""


def recognises(files: Sequence[Metadata]) -> bool:
    """Whether there is an SQLite database among the files, or danbooru2023's tables as parquet."""
    return any(file.shape == "sqlite" for file in files) or _is_split(files)


def _is_split(files: Sequence[Metadata]) -> bool:
    own = {file.kind for file in files if file.shape == "parquet"}
    return own >= {"bare", "through", "tags"}


def read(
    connection: duckdb.DuckDBPyConnection, source: Path, files: Sequence[Metadata], number: int
) -> Reading:
    """Append a database's posts, and what it says of tags, to the tables of `booru.posts`."""
    if _is_split(files):
        return _read_split(connection, source, files, number)
    own = [file.path for file in files if file.shape == "sqlite"]
    if len(own) != 1:
        raise DatasetError(f"{source}: expected one SQLite database, got {len(own)}")
    with whole(source), closing(_open(own[0])) as database:
        try:
            layout = _layout(own[0], _tables(database))
            for table in filter(None, (layout.posts, layout.tags, layout.through)):
                _stage(connection, database, table, f"staged_{table}")
            added, unreadable = _add_layout(connection, layout, number)
        except sqlite3.Error as error:
            raise DatasetError(f"{own[0]}: expected a whole database, got {error}") from error
        three = _site(database) == "e621"
    return Reading("sqlite", added, unreadable, settle(connection, number, three=three))


def _read_split(
    connection: duckdb.DuckDBPyConnection, source: Path, files: Sequence[Metadata], number: int
) -> Reading:
    layout = Layout("post", "tag", "through")
    with whole(source):
        for kind, table in (("bare", "post"), ("tags", "tag"), ("through", "through")):
            own = [file for file in files if (file.shape, file.kind) == ("parquet", kind)]
            connection.execute(f"CREATE TABLE staged_{table} AS SELECT * FROM {table_of(own)}")
        added, unreadable = _add_layout(connection, layout, number)
    return Reading("danbooru2023", added, unreadable, settle(connection, number))


def _add_layout(
    connection: duckdb.DuckDBPyConnection, layout: Layout, source: int
) -> tuple[int, int]:
    """Append the staged tables of a layout; gives posts added and rows that are none."""
    posts, tags = f"staged_{layout.posts}", f"staged_{layout.tags}"
    given = {"id": id_or_nothing(connection, posts)}
    if layout.through:
        given["tags"] = _joined(connection, layout)
    elif layout.tags and _is_numbered(connection, posts):
        _spell_out(connection, layout)
        given["tags"] = _joined(connection, Layout(layout.posts, layout.tags, NUMBERED))
    added = add_posts(connection, posts, source, given)
    _settle_system_tags(connection, source)
    if layout.tags:
        _add_tags(
            connection,
            tags,
            source,
            KOHAKU if "type" in column_types(connection, tags) else DANBOORU,
        )
    else:
        add_seen_tags(connection, posts, source)
    gone = connection.execute("DELETE FROM posts WHERE source = ? AND id = -1", [source])
    wrong = gone.fetchall()[0][0]
    for table in filter(None, (layout.posts, layout.tags, layout.through)):
        connection.execute(f"DROP TABLE staged_{table}")
    return added - wrong, wrong


def _open(path: Path) -> sqlite3.Connection:
    """Read only: a journal that lies beside it is neither played back nor removed."""
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    database.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return database


def _tables(database: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    names = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    return {
        name: tuple(row[1].lower() for row in database.execute(f'PRAGMA table_info("{name}")'))
        for (name,) in names.fetchall()
        if '"' not in name
    }


def _site(database: sqlite3.Connection) -> str:
    """The site that a fetched database says it is of."""
    if "about" not in _tables(database):
        return ""
    found = database.execute("SELECT value FROM about WHERE name = 'site'").fetchone()
    return str(found[0]) if found else ""


def _layout(path: Path, tables: Mapping[str, Sequence[str]]) -> Layout:
    tags = next((name for name, own in tables.items() if _lists_tags(own)), "")
    through = next((n for n, own in tables.items() if {"post_id", "tag_id"} <= set(own)), "")
    for name, own in tables.items():
        if describes_posts(own) and name not in (tags, through):
            return Layout(name, tags)
    for name, own in tables.items():
        if through and tags and {"id", "rating"} <= set(own):
            return Layout(name, tags, through)
    raise DatasetError(
        f"{path}: expected a table of posts with their tags, got {', '.join(tables) or 'no tables'}"
    )


def _lists_tags(columns: Sequence[str]) -> bool:
    return "name" in columns and bool({"category", "type"} & set(columns))


def _stage(
    connection: duckdb.DuckDBPyConnection, database: sqlite3.Connection, table: str, name: str
) -> None:
    import pyarrow as pa

    cursor = database.execute(f'SELECT * FROM "{table}"')
    columns = [column[0].lower() for column in cursor.description]
    listed = ", ".join(f'"{column}" VARCHAR' for column in columns)
    connection.execute(f'CREATE TABLE "{name}" ({listed})')
    for rows in _batches(cursor):
        arrays = [
            pa.array([_plain(row[place]) for row in rows], pa.string())
            for place in range(len(columns))
        ]
        connection.register("given", pa.table(arrays, names=columns))
        connection.execute(f'INSERT INTO "{name}" SELECT * FROM given')
        connection.unregister("given")


def _batches(cursor: sqlite3.Cursor) -> Iterator[list[Any]]:
    while rows := cursor.fetchmany(BATCH):
        yield rows


def _plain(value: Any) -> str | None:
    if isinstance(value, bytes):
        return None
    return None if value is None else str(value)


def _joined(connection: duckdb.DuckDBPyConnection, layout: Layout) -> str:
    """The SQL of a post's tags, gathered from the table between posts and tags."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE gathered AS SELECT p.post_id AS post, list(t.name) AS names "
        f"FROM staged_{layout.through} p JOIN staged_{layout.tags} t ON t.id = p.tag_id "
        "GROUP BY p.post_id"
    )
    name = next(n for n in NAMES["id"] if n in column_types(connection, f"staged_{layout.posts}"))
    return (
        "coalesce((SELECT list_sort(list_distinct(names)) FROM gathered "
        f"WHERE post = staged_{layout.posts}.{name}), [])"
    )


def _is_numbered(connection: duckdb.DuckDBPyConnection, posts: str) -> bool:
    if "tag_list" not in column_types(connection, posts):
        return False
    return bool(
        connection.execute(
            f"SELECT 1 FROM {posts} WHERE regexp_full_match(tag_list, '(\\$[0-9a-z]+#)+') LIMIT 1"
        ).fetchall()
    )


def _spell_out(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Make a table of posts and tags of the lists of numbers to base 36."""
    numbers = connection.execute(f"SELECT DISTINCT id FROM staged_{layout.tags}").fetchall()
    connection.execute("CREATE OR REPLACE TEMP TABLE written (id VARCHAR, text VARCHAR)")
    pairs = ((number, _base36(int(number))) for (number,) in numbers if str(number).isdigit())
    insert(connection, "written", ("id", "text"), pairs)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE staged_{NUMBERED} AS SELECT post_id, w.id AS tag_id FROM "
        "(SELECT id AS post_id, unnest(regexp_extract_all(tag_list, '\\$([0-9a-z]+)#', 1)) AS text "
        f"FROM staged_{layout.posts}) JOIN written w USING (text)"
    )


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while number:
        number, rest = divmod(number, 36)
        text = digits[rest] + text
    return text or "0"


def _add_tags(
    connection: duckdb.DuckDBPyConnection, table: str, source: int, numbers: Mapping[int, str]
) -> None:
    types = column_types(connection, table)
    kind = "type" if "type" in types else "category"
    count = next((name for name in COUNTS if name in types), None)
    category = category_name(text_of(kind, types[kind]), numbers)
    connection.execute(
        f"INSERT INTO tags SELECT DISTINCT ?::INTEGER, name, {category}, "
        f"coalesce(try_cast({count or 'NULL'} AS BIGINT), 0) FROM {table} "
        f"WHERE coalesce(name, '') <> ''",
        [source],
    )


def _settle_system_tags(connection: duckdb.DuckDBPyConnection, source: int) -> None:
    """DeepDanbooru writes rating and score among the tags; here they are columns."""
    connection.execute(
        "UPDATE posts SET "
        "rating = coalesce(rating, CASE WHEN list_contains(tags, 'rating:safe') THEN 'safe' "
        "WHEN list_contains(tags, 'rating:general') THEN 'g' "
        "WHEN list_contains(tags, 'rating:sensitive') THEN 's' "
        "WHEN list_contains(tags, 'rating:questionable') THEN 'q' "
        "WHEN list_contains(tags, 'rating:explicit') THEN 'e' END), "
        "tags = [t FOR t IN tags IF NOT regexp_matches(t, '^(rating|score):')] "
        "WHERE source = ? AND len([t FOR t IN tags IF regexp_matches(t, '^(rating|score):')]) > 0",
        [source],
    )
