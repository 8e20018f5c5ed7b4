"""A file that can't be read is refused or its records are counted; none is passed over."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tagger.booru.formats import read_source
from tagger.errors import DatasetError

pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

Rows = Callable[..., list[dict[str, Any]]]


def shard(number: int) -> bytes:
    """Some posts as JSON lines."""
    posts = ({"id": number + place, "tag_string": f"t{place * place}"} for place in range(2000))
    return "".join(json.dumps(post) + "\n" for post in posts).encode()


def damaged(data: bytes) -> bytes:
    """A bit of the middle turned."""
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("posts2.json.gz", gzip.compress(shard(5000))[:20]),
        ("posts2.json.gz", gzip.compress(shard(5000))[:3000]),
        ("posts2.json.gz", damaged(gzip.compress(shard(5000)))),
        ("posts2.json.zst", b"no zst at all"),
        ("more.parquet", b"PAR1 and no more"),
    ],
    ids=["cut in the header", "cut", "damaged", "of another kind", "parquet"],
)
def test_a_dump_of_which_a_part_is_broken_is_refused(
    name: str, data: bytes, tmp_path: Path, connection: Any
) -> None:
    """The rest would look like all of it."""
    if name.endswith("parquet"):
        parquet.write_table(pa.table({"id": [1], "tags": [["a"]]}), tmp_path / "one.parquet")
    else:
        (tmp_path / "posts1.json").write_bytes(shard(0))
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DatasetError, match="expected"):
        read_source(connection, tmp_path, 0)


def test_a_shard_that_is_no_json_is_counted(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """A server's page of regret under a shard's name: each of its lines is no post."""
    (tmp_path / "posts1.json").write_bytes(shard(0))
    (tmp_path / "posts2.json").write_text("<html>\n<p>Come back later.\n")
    (tmp_path / "posts3.json").write_text("")
    reading = read_source(connection, tmp_path, 0)
    assert (reading.posts, reading.unreadable) == (2000, 2)
    assert rows_of("unreadable", "file", "line") == [
        {"file": "posts2.json", "line": 1}, {"file": "posts2.json", "line": 2},
    ]  # fmt: skip


def test_a_table_with_an_endless_first_line_is_none(tmp_path: Path, connection: Any) -> None:
    """Longer than Python's own reader takes a field."""
    (tmp_path / "posts.csv").write_text('"' + "x" * 300_000)
    with pytest.raises(DatasetError, match="expected a source of posts, got none"):
        read_source(connection, tmp_path, 0)


@pytest.mark.parametrize("form", ["list", "objects", "text", "by category", "parquet"])
def test_what_nobody_sees_is_a_space(
    form: str, tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """In tags, and what is nothing else is no tag."""
    names = ["red\thair", "nul\0tag", None, "", "  ", "\x01", "solo"]
    made: dict[str, Any] = {
        "list": names,
        "objects": [{"name": name, "category": 0} for name in names],
        "text": " ".join(name or "" for name in names),
        "by category": {"general": names},
        "parquet": names,
    }
    if form == "parquet":
        parquet.write_table(pa.table({"id": [1], "tags": [names]}), tmp_path / "x.parquet")
    else:
        (tmp_path / "posts.json").write_text(json.dumps({"id": 1, "tags": made[form]}))
    read_source(connection, tmp_path, 0)
    (row,) = rows_of("posts", "tags")
    words = ["hair", "nul", "red", "solo", "tag"]
    assert row["tags"] == (words if form == "text" else ["nul tag", "red hair", "solo"])


def test_a_first_line_that_duckdb_reads_otherwise_is_refused(
    tmp_path: Path, connection: Any
) -> None:
    """It leaves out a line that is no UTF-8, and the next one would name the columns."""
    (tmp_path / "posts.csv").write_bytes(b"id,tag_string,rat\xffing\n" + b"1,a,s\n" * 9)
    with pytest.raises(DatasetError, match="got a table without ids, of the columns 1, a, s"):
        read_source(connection, tmp_path, 0)


@pytest.mark.parametrize("text", ["id;tag_string\n1;a\n", "1,a b\n2,c\n"])
def test_a_table_of_posts_without_their_columns_is_refused(
    text: str, tmp_path: Path, connection: Any
) -> None:
    """Other signs between the fields, or a part of a table without its first line."""
    (tmp_path / "posts1.csv").write_text("id,tag_string\n1,a\n")
    (tmp_path / "posts2.csv").write_text(text)
    with pytest.raises(DatasetError, match=r"posts2\.csv: expected columns of posts"):
        read_source(connection, tmp_path, 0)
