"""Posts in SQLite, and danbooru2023's tables, become the posts table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tagger.booru.formats import read_source
from tagger.errors import DatasetError

pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

Rows = Callable[..., list[dict[str, Any]]]
Table = tuple[str, Sequence[Sequence[Any]]]


def database(path: Path, **tables: Table) -> Path:
    """A database with tables of given columns and rows."""
    with sqlite3.connect(path) as made:
        for name, (columns, rows) in tables.items():
            made.execute(f"CREATE TABLE {name} ({columns})")
            marks = ", ".join("?" * len(columns.split(",")))
            made.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    made.close()
    return path


def test_deepdanboorus_system_tags_are_columns(
    tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """Rating and score stand among its tags; here they are none."""
    columns = "id INTEGER, md5 TEXT, file_ext TEXT, tag_string TEXT, tag_count_general INTEGER"
    rows = [(1, "AA", "jpg", "solo rating:safe score:high", 1), (2, "bb", "png", "hat", 1)]
    database(tmp_path / "danbooru.sqlite", posts=(columns, rows))
    reading = read_source(connection, tmp_path / "danbooru.sqlite", 0)
    assert (reading.posts, reading.format) == (2, "sqlite")
    assert rows_of("posts", "id", "md5", "rating", "extension", "tags") == [
        {"id": 1, "md5": "aa", "rating": "safe", "extension": "jpg", "tags": ["solo"]},
        {"id": 2, "md5": "bb", "rating": None, "extension": "png", "tags": ["hat"]},
    ]


TAGS = [(10, "solo", 0, 5), (11, "mira", 2, 3), (46, "some_series", 3, 1)]
"""danbooru2023's types: 2 is a character and 3 a copyright, unlike Danbooru's numbers."""
POSTS = [(1, 0, "png", 4), (2, 3, "jpg", 0)]


def check_danbooru2023(rows_of: Rows) -> None:
    assert rows_of("posts", "id", "rating", "tags") == [
        {"id": 1, "rating": "g", "tags": ["mira", "solo"]},
        {"id": 2, "rating": "e", "tags": ["some_series"]},
    ]
    assert {row["name"]: row["category"] for row in rows_of("tags", "name", "category")} == {
        "solo": "general", "mira": "character", "some_series": "copyright",
    }  # fmt: skip


def test_danbooru2023_has_tags_by_number(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """Posts, tags and a table between them."""
    database(
        tmp_path / "danbooru2023.db",
        post=("id INTEGER, rating INTEGER, file_ext TEXT, score INTEGER", POSTS),
        tag=("id INTEGER, name TEXT, type INTEGER, popularity INTEGER", TAGS),
        posttagrelation=("post_id INTEGER, tag_id INTEGER", [(1, 11), (1, 10), (2, 46)]),
    )
    assert read_source(connection, tmp_path, 0).posts == 2
    check_danbooru2023(rows_of)


def test_an_older_danbooru2023_writes_numbers_to_base_36(
    tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """46 is `1a` there."""
    rows = [(1, 0, "png", "$b#$a#"), (2, 3, "jpg", "$1a#")]
    database(
        tmp_path / "danbooru2023.db",
        post=("id INTEGER, rating INTEGER, file_ext TEXT, tag_list TEXT", rows),
        tag=("id INTEGER, name TEXT, type INTEGER, popularity INTEGER", TAGS),
    )
    read_source(connection, tmp_path, 0)
    check_danbooru2023(rows_of)


def test_danbooru2023_as_parquet(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """A file a table."""
    tables: Mapping[str, Mapping[str, list[Any]]] = {
        "post": {"id": [1, 2], "rating": [0, 3], "file_ext": ["png", "jpg"]},
        "tag": {"id": [10, 11, 46], "name": ["solo", "mira", "some_series"], "type": [0, 2, 3]},
        "post_tags": {"post_id": [1, 1, 2], "tag_id": [11, 10, 46]},
    }
    for name, columns in tables.items():
        parquet.write_table(pa.table(dict(columns)), tmp_path / f"{name}.parquet")
    assert read_source(connection, tmp_path, 0).format == "danbooru2023"
    check_danbooru2023(rows_of)


def test_a_database_is_read_and_not_touched(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """No journal beside it, not a byte changed; its name need not say what it is."""
    path = database(tmp_path / "data", posts=("id, tags", [(1, "a"), ("x", "b"), (None, "c")]))
    before = path.read_bytes()
    reading = read_source(connection, path, 0)
    assert (reading.posts, reading.unreadable) == (2, 1)
    assert [row["id"] for row in rows_of("posts", "id")] == [None, 1]
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]


def test_a_broken_database_is_refused(tmp_path: Path, connection: Any) -> None:
    """One sentence, that names the file."""
    path = database(tmp_path / "a.db", posts=("id, tags", [(n, "a" * 99) for n in range(999)]))
    path.write_bytes(path.read_bytes()[:6000])
    with pytest.raises(DatasetError, match=r"a\.db: expected"):
        read_source(connection, path, 0)


def test_a_database_without_posts_is_refused(tmp_path: Path, connection: Any) -> None:
    """The sentence names its tables."""
    path = database(tmp_path / "a.db", other=("id, what", [(1, "a")]))
    with pytest.raises(DatasetError, match="expected a table of posts with their tags, got other"):
        read_source(connection, path, 0)
