"""Posts as CSV and parquet become the posts table: e621's exports, and tables of any columns."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tagger.booru.formats import read_source
from tagger.errors import DatasetError

pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

Rows = Callable[..., list[dict[str, Any]]]
CLASSIC = """id uploader_id created_at md5 source rating image_width image_height tag_string
locked_tags fav_count file_ext parent_id change_seq approver_id file_size comment_count description
duration updated_at is_deleted is_pending is_flagged score up_score down_score is_rating_locked
is_status_locked is_note_locked""".split()  # noqa: SIM905
"""The 29 columns of e621's posts.csv; today's has three more."""
NEWER = [*CLASSIC[:4], "bg_color", *CLASSIC[4:], "last_noted_at", "last_commented_at"]


def post(**fields: str) -> dict[str, str]:
    """A post of e621's export, with Postgres' booleans."""
    states = dict.fromkeys(("is_deleted", "is_pending", "is_flagged"), "f")
    return {"created_at": "2016-04-23 14:32:09.52181", "rating": "s", "file_ext": "png",
            "image_width": "10", "image_height": "20", **states, **fields}  # fmt: skip


def written(rows: Iterable[Mapping[str, str]], columns: list[str]) -> str:
    text = io.StringIO()
    out = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    out.writeheader()
    out.writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("columns", [CLASSIC, NEWER], ids=["29", "32"])
def test_the_exports_of_e621_are_read(
    columns: list[str], tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """Both widths; `t` and `f`, long descriptions over lines, categories from tags.csv."""
    rows = [
        post(id="1", tag_string="wolf solo", md5="AB", parent_id="7", score="-2",
             description='long\n"text", ' + "x" * 200_000),
        post(id="2", tag_string="solo", is_deleted="t", rating="q"),
    ]  # fmt: skip
    (tmp_path / "posts-2026-01-01.csv.gz").write_bytes(
        gzip.compress(written(rows, columns).encode())
    )
    tags = "id,name,category,post_count\n1,wolf,5,10\n2,solo,0,20\n3,ghost,8,0\n"
    (tmp_path / "tags-2026-01-01.csv").write_text(tags)
    head = "id,antecedent_name,consequent_name,created_at,status\n"
    aliases = head + "1,lupine,wolf,,active\n2,a,b,,deleted\n"
    (tmp_path / "tag_aliases-2026-01-01.csv").write_text(aliases)
    implications = head + "1,wolf,canine,,active\n"
    (tmp_path / "tag_implications-2026-01-01.csv").write_text(implications)
    reading = read_source(connection, tmp_path, 0)
    assert (reading.format, reading.posts, reading.unreadable) == ("e621", 2, 0)
    first, second = rows_of("posts", "id", "md5", "rating", "parent", "deleted", "score", "tags")
    assert first == {"id": 1, "md5": "ab", "rating": "safe", "parent": 7, "deleted": False,
                     "score": -2, "tags": ["solo", "wolf"]}  # fmt: skip
    assert (second["deleted"], second["rating"]) == (True, "q")
    assert "the site has three ratings" in reading.rating_s
    assert rows_of("tags", "name", "category") == [
        {"name": "ghost", "category": "lore"}, {"name": "solo", "category": "general"},
        {"name": "wolf", "category": "species"},
    ]  # fmt: skip
    assert rows_of("aliases", "name", "meaning") == [{"name": "lupine", "meaning": "wolf"}]
    assert rows_of("implications", "name", "implied") == [{"name": "wolf", "implied": "canine"}]


def test_rows_that_are_no_posts_are_counted_and_named(
    tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """Rows of too many fields, and ids that are no whole number; a row over two lines counts once.

    A table that was made with floats writes 3 as 3.0, which is one.
    """
    text = 'id,tag_string,rating\n1,"a\nb",s\n2,b,s,too,many\nx,c,s\n3.0,d,q\n4.5,"e\nf",q\n,g,q\n'
    (tmp_path / "posts.csv").write_text(text)
    reading = read_source(connection, tmp_path, 0)
    assert (reading.posts, reading.unreadable) == (3, 3)
    assert [row["id"] for row in rows_of("posts", "id")] == [None, 1, 3]
    assert [row["line"] for row in rows_of("unreadable", "line")] == [3, 4, 6]


def test_two_sources_do_not_share_their_faults(
    tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """What was rejected of one is not counted for the next."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "posts.csv").write_text("id,tags,rating\n1,a,s\n2,b,s,x\n")
    readings = [
        read_source(connection, tmp_path / name, n) for n, name in enumerate(("one", "two"))
    ]
    assert [reading.unreadable for reading in readings] == [1, 1]
    assert len(rows_of("unreadable")) == 2


def test_parquet_with_text_by_category(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """The columns say the category, whatever prefix they have."""
    table = {"id": [5, 6], "rating": ["g", "s"], "general": ["a b", ""],
             "character": ["mira", None]}  # fmt: skip
    parquet.write_table(pa.table(table), tmp_path / "danbooru.parquet")
    assert read_source(connection, tmp_path / "danbooru.parquet", 0).posts == 2
    assert rows_of("posts", "id", "tags") == [{"id": 5, "tags": ["a", "b", "mira"]},
                                              {"id": 6, "tags": []}]  # fmt: skip
    assert {"name": "mira", "category": "character"} in rows_of("tags", "name", "category")


def test_parquet_with_lists(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """Lists are taken as they are; empty names and nulls in them are none."""
    table = {"id": [5], "tags": [["b", "a", "", None, "b"]]}
    parquet.write_table(pa.table(table), tmp_path / "x.parquet")
    read_source(connection, tmp_path, 0)
    assert rows_of("posts", "tags") == [{"tags": ["a", "b"]}]


def test_what_breaks_off_is_refused(tmp_path: Path, connection: Any) -> None:
    """Half a CSV in a gz, and half a parquet, name the file's folder."""
    text = "id,tag_string\n" + "".join(f"{n},tag_{n * n}\n" for n in range(9999))
    (tmp_path / "posts.csv.gz").write_bytes(gzip.compress(text.encode())[:9000])
    with pytest.raises(DatasetError, match="expected whole files of metadata"):
        read_source(connection, tmp_path, 0)


def test_two_formats_in_one_folder_are_refused(tmp_path: Path, connection: Any) -> None:
    """The sentence names both, and the way out; with a format named, one is read."""
    (tmp_path / "posts.csv").write_text("id,tag_string\n1,a\n")
    (tmp_path / "posts.json").write_text('{"id": 2, "tag_string": "b"}\n')
    with pytest.raises(DatasetError, match="got json, table: name one with --format"):
        read_source(connection, tmp_path, 0)
    assert read_source(connection, tmp_path, 0, "table").posts == 1


def test_what_is_no_source_is_refused(tmp_path: Path, connection: Any) -> None:
    """Nothing there, and nothing of posts in it."""
    with pytest.raises(DatasetError, match="expected a source of posts, got none"):
        read_source(connection, tmp_path, 0)
    with pytest.raises(DatasetError, match="got nothing there"):
        read_source(connection, tmp_path / "nowhere", 0)


def test_duckdb_draws_no_bar_of_its_own(connection: Any) -> None:
    """It would stand in the output of a command, which has a bar already."""
    shown = connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()
    assert shown == [(False,)]
