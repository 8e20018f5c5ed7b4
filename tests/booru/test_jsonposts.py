"""Posts as JSON become the posts table, whatever a dump leaves out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tagger.booru import posts
from tagger.booru.formats import read_source
from tagger.errors import DatasetError

pytest.importorskip("duckdb")

Rows = Callable[..., list[dict[str, Any]]]
TAGS = [{"id": 1, "name": "1girl", "post_count": 5, "category": 0}]
OLD = {
    "id": "263162", "created_at": "2008-06-10 03:08:07.34205 UTC", "score": "1", "md5": "9A0F",
    "last_commented_at": "1970-01-01 00:00:00 UTC", "rating": "s", "image_width": "797",
    "image_height": "794", "file_ext": "jpg", "parent_id": "0", "file_size": "110256",
    "is_pending": False, "is_flagged": False, "is_deleted": False, "is_banned": False,
    "tags": [{"id": "5", "name": "1boy", "category": "0"}, {"id": "6", "name": "mira",
    "category": "4"}], "pools": [], "favs": ["1"],
}  # fmt: skip
"""A post as the dumps of 2017 to 2020 have it."""
PAGED = {
    "id": 4777148, "created_at": "2021-09-13T10:29:43.281-04:00", "score": 12, "rating": "g",
    "image_width": 402, "image_height": 1283, "fav_count": 9, "file_ext": "jpg",
    "parent_id": None, "is_deleted": False, "tag_string": "4koma highres mira",
    "tag_string_general": "4koma", "tag_string_character": "mira", "tag_string_meta": "highres",
    "media_asset": {"variants": []},
}  # fmt: skip
"""A post as /posts.json has it."""
E621 = {
    "id": 9, "created_at": "2024-01-02T03:04:05.000-05:00", "rating": "s", "fav_count": 1,
    "file": {"width": 3, "height": 4, "ext": "png", "size": 99, "md5": "AB", "url": None},
    "score": {"up": 3, "down": -1, "total": 2}, "tags": {"general": ["solo", "hat"],
    "species": ["wolf"], "artist": []}, "relationships": {"parent_id": 3},
    "flags": {"pending": True, "flagged": False, "deleted": False},
}  # fmt: skip


def metadata(folder: Path, **tables: list[dict[str, Any]] | str) -> Path:
    """Write tables as JSON lines, `posts__1` as `posts1.json`; text goes in as it is."""
    (folder / "metadata").mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
        path = folder / "metadata" / (name.replace("__", "") + ".json")
        path.write_text(text, encoding="utf-8")
    return folder


def read(connection: Any, folder: Path, number: int = 0) -> posts.Reading:
    return read_source(connection, folder, number, "json")


def one(rows: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = rows
    return row


def test_a_post_fills_the_documented_columns(
    tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """Every field of a post lands in the column that the posts table documents."""
    post = {
        "id": 1013, "md5": "7B48", "rating": "g", "file_ext": "PNG", "parent_id": 7,
        "is_deleted": True, "is_banned": False, "is_pending": False, "is_flagged": True,
        "tag_string": "solo 1girl solo", "tag_string_general": "1girl", "score": -3,
        "image_width": 30, "image_height": 20, "file_size": 999, "fav_count": 4,
        "created_at": "2023-02-01T10:00:00.000+00:00",
    }  # fmt: skip
    reading = read(connection, metadata(tmp_path, posts=[post]), 3)
    assert (reading.posts, reading.unreadable) == (1, 0)
    found = one(rows_of())
    assert str(found.pop("created")) == "2023-02-01 10:00:00"
    assert found == {
        "source": 3, "id": 1013, "md5": "7b48", "rating": "g", "extension": "png",
        "width": 30, "height": 20, "size": 999, "score": -3, "favourites": 4,
        "parent": 7, "deleted": True, "banned": False, "pending": False, "flagged": True,
        "url": None, "path": None, "split": None, "tags": ["1girl", "solo"],
    }  # fmt: skip
    assert [*posts.COLUMNS] == [*one(rows_of())]


def test_the_dumps_of_the_older_years_are_read(
    tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """Numbers are text, "0" and 1970 are none, tags are objects, and s was safe."""
    (tmp_path / "2018000000000016").write_text(json.dumps(OLD) + "\n")
    reading = read_source(connection, tmp_path, 0)
    found = one(rows_of())
    assert (found["id"], found["parent"], found["size"]) == (263162, None, 110256)
    assert (found["md5"], found["score"], found["width"]) == ("9a0f", 1, 797)
    assert str(found["created"]) == "2008-06-10 03:08:07.342050"
    assert found["tags"] == ["1boy", "mira"]
    assert (found["rating"], "rating s is safe" in reading.rating_s) == ("safe", True)
    assert rows_of("tags", "name", "category", "count") == [
        {"name": "1boy", "category": "general", "count": 1},
        {"name": "mira", "category": "character", "count": 1},
    ]


@pytest.mark.parametrize(
    "place",
    ["danbooru-metadata/danbooru-metadata/2017{:02d}.json", "metadata/2020/a/2020{:02d}.json",
     "metadata/20180000000000{:02d}", "20180000000000{:02d}.gz"],
)  # fmt: skip
def test_copies_of_the_dumps_have_folders_of_their_own(
    place: str, tmp_path: Path, connection: Any
) -> None:
    """Kaggle's two, and the dump itself, beside thousands of pictures that are not looked into."""
    for number in range(3):
        path = tmp_path / place.format(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        line = (json.dumps({**OLD, "id": str(number + 1)}) + "\n").encode()
        path.write_bytes(gzip.compress(line) if path.suffix == ".gz" else line)
    hidden = tmp_path / "danbooru-images" / "0005" / "notes.json"
    hidden.parent.mkdir(parents=True)
    hidden.write_text(json.dumps({**OLD, "id": "9"}))
    assert read_source(connection, tmp_path, 0).posts == 3


def test_the_epoch_is_no_date(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """A post that says 1970 says nothing."""
    epoch = {**OLD, "created_at": "1970-01-01 00:00:00 UTC"}
    read(connection, metadata(tmp_path, posts=[epoch]))
    assert one(rows_of())["created"] is None


def test_pages_of_posts_are_arrays(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """As a site answers /posts.json, indented or not, in any number of files."""
    (tmp_path / "page1.json").write_text(json.dumps([PAGED, {**PAGED, "id": 2}], indent=1))
    (tmp_path / "page2.json").write_text(json.dumps([{**PAGED, "id": 3}]))
    assert read_source(connection, tmp_path, 0).posts == 3
    assert [row["id"] for row in rows_of("posts", "id")] == [2, 3, 4777148]
    assert {row["name"]: row["category"] for row in rows_of("tags", "name", "category")} == {
        "4koma": "general", "mira": "character", "highres": "meta",
    }  # fmt: skip


def test_pages_of_e621_nest_their_fields(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """File, flags and relationships are objects, tags lists by category, and s is safe."""
    (tmp_path / "posts.json").write_text(json.dumps([E621]))
    reading = read_source(connection, tmp_path, 0)
    found = one(rows_of())
    assert (found["md5"], found["extension"], found["width"], found["size"]) == ("ab", "png", 3, 99)
    assert (found["score"], found["parent"], found["pending"]) == (2, 3, True)
    assert found["tags"] == ["hat", "solo", "wolf"]
    assert (found["rating"], reading.format) == ("safe", "e621 pages")
    assert {"name": "wolf", "category": "species"} in rows_of("tags", "name", "category")


@pytest.mark.parametrize(
    ("others", "rating", "sentence"),
    [
        ([{"rating": "g", "created_at": "2020-01-01"}], "s", "some posts are rated g"),
        ([{"rating": "e", "created_at": "2021-12-31"}], "safe", "the newest is of 2021-12-31"),
        ([{"rating": "e", "created_at": "2024-05-06"}], "s", "the newest post is of 2024-05-06"),
        ([{"rating": "e"}], "s", "none has a date"),
    ],
)
def test_what_s_means_is_found_out_and_said(
    others: list[dict[str, Any]], rating: str, sentence: str,
    tmp_path: Path, connection: Any, rows_of: Rows,
) -> None:  # fmt: skip
    """By the ratings that a source has, else by its newest post."""
    rows = [{"id": 1, "rating": "s"}, *({"id": 2 + n, **row} for n, row in enumerate(others))]
    reading = read(connection, metadata(tmp_path, posts=rows))
    assert sentence in reading.rating_s
    assert rows_of("posts", "id", "rating")[0] == {"id": 1, "rating": rating}


def test_a_rating_in_words_is_a_letter(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """And one that nobody knows is none."""
    rows = [{"id": n, "rating": word} for n, word in enumerate(("general", "Explicit", "x", None))]
    read(connection, metadata(tmp_path, posts=rows))
    assert [row["rating"] for row in rows_of("posts", "id", "rating")] == ["g", "e", None, None]


def test_missing_keys_are_tolerated(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """A hidden post lacks id, md5 and file_ext; what is not said of a state is no."""
    folder = metadata(tmp_path, posts=[{"rating": "e", "tag_string": "x"}, {"id": 5}])
    assert read(connection, folder).posts == 2
    bare, hidden = sorted(rows_of(), key=lambda row: row["id"] is None)
    assert hidden["id"] is None
    assert hidden["md5"] is None
    assert hidden["extension"] is None
    assert hidden["tags"] == ["x"]
    assert (bare["id"], bare["tags"], bare["deleted"]) == (5, [], False)


def test_tags_come_from_the_categories_where_there_is_no_whole(
    tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """Without tag_string the strings by category are joined."""
    post = {"id": 1, "tag_string_general": "1girl  solo", "tag_string_meta": "highres"}
    read(connection, metadata(tmp_path, posts=[post]))
    assert one(rows_of())["tags"] == ["1girl", "highres", "solo"]


@pytest.mark.parametrize("extension", ["../x", "p/ng", "a" * 20, "", None, "png\n"])
def test_an_extension_that_could_leave_the_folder_is_none(
    extension: str | None, tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """The extension becomes part of a path, so only letters and digits are taken."""
    read(connection, metadata(tmp_path, posts=[{"id": 1, "file_ext": extension}]))
    assert one(rows_of())["extension"] is None


def test_unreadable_lines_are_counted_and_named(
    tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """Broken lines cost only themselves; file and line say where they are."""
    text = '{"id": 1}\n{"id": 2\n\n[1, 2]\n{"id": 3}\nnull\n{"id": "x", "score": 3}\n'
    reading = read(connection, metadata(tmp_path, posts=text))
    assert (reading.posts, reading.unreadable) == (2, 4)
    assert [row["line"] for row in rows_of("unreadable", "file", "line")] == [2, 4, 6, 7]
    assert [row["id"] for row in rows_of("posts", "id")] == [1, 3]


@pytest.mark.parametrize("array", [False, True], ids=["lines", "array"])
def test_each_record_that_is_no_post_is_named(
    array: bool, tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """Those that are counted, by line or by place in the array, whatever stands for the id."""
    good = [{"id": 1}, {"id": "2"}, {"id": 3.0}, {"id": None, "md5": "a"}, {"id": "", "score": 1}]
    bad: list[dict[str, Any]] = [
        {"id": "x"}, {"id": 1.5}, {"id": True}, {"id": [4]}, {"id": {"a": 1}}, {"id": 10**30},
        {"id": -1}, {"id": None}, {}, {"ID": 7, "Rating": "s"}, {"id": "0x10"}, {"id": "1_0"},
    ]  # fmt: skip
    records = [record for pair in zip([*good, *good, *good], bad) for record in pair]  # noqa: B905
    rows = [{**one, "rating": "g"} if one in good else one for one in records]
    text = json.dumps(rows) if array else "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "posts.json").write_text(text)
    reading = read(connection, tmp_path)
    assert (reading.posts, reading.unreadable) == (len(bad), len(bad))
    named = [row["line"] for row in rows_of("unreadable", "line")]
    assert named == [2 * number + 2 for number in range(len(bad))]
    assert {row["id"] for row in rows_of("posts", "id")} == {1, 2, 3, None}


def test_a_field_of_the_wrong_type_is_none(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """The rest of the post is worth keeping."""
    post = {"id": 1, "score": "many", "image_width": {}, "is_deleted": "x", "created_at": 5}
    read(connection, metadata(tmp_path, posts=[{**post, "tag_string": ["a", None]}]))
    found = one(rows_of())
    assert (found["score"], found["width"], found["deleted"]) == (None, None, False)
    assert found["tags"] == ["a"]


def test_shards_plain_gz_and_zst_are_one_dump(
    tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """Numbered shards are read together; a file of another name is not theirs."""
    pa = pytest.importorskip("pyarrow")
    folder = metadata(
        tmp_path, posts__000000000000=[{"id": 1}], posts_old=[{"id": 9}], postscript=[{"id": 8}]
    )
    with gzip.open(folder / "metadata" / "posts000000000001.json.gz", "wt") as file:
        file.write('{"id": 2}\n')
    with pa.CompressedOutputStream(str(folder / "metadata" / "posts2.json.zst"), "zstd") as file:
        file.write(b'{"id": 3}\n')
    assert read(connection, folder).posts == 3
    assert [row["id"] for row in rows_of("posts", "id")] == [1, 2, 3]


def test_brackets_and_stars_in_a_folder_are_no_wildcards(
    tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """A folder is read as it is called."""
    metadata(tmp_path / "a", posts=[{"id": 1}])
    folder = metadata(tmp_path / "[a] *?'", posts=[{"id": 2}], tags=TAGS)
    read(connection, folder)
    assert [row["id"] for row in rows_of("posts", "id")] == [2]
    assert rows_of("tags") == [{"source": 0, "name": "1girl", "category": "general", "count": 5}]


def test_a_gz_that_breaks_off_is_refused(tmp_path: Path, connection: Any) -> None:
    """Half a dump would look like a whole one."""
    (tmp_path / "metadata").mkdir()
    whole = gzip.compress(b"".join(b'{"id": %d, "md5": "%x"}\n' % (i, i * i) for i in range(9999)))
    (tmp_path / "metadata" / "posts.json.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="expected whole files of metadata"):
        read(connection, tmp_path)


def test_only_active_relations_count(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """Deleted and pending ones are left out; where no status is given a row counts."""
    rows = [
        {"antecedent_name": "a", "consequent_name": "b", "status": "active"},
        {"antecedent_name": "c", "consequent_name": "d", "status": "deleted"},
        {"antecedent_name": "e", "consequent_name": "f"},
        {"antecedent_name": "g", "consequent_name": "g", "status": "active"},
    ]
    read(connection, metadata(tmp_path, posts=[{"id": 1}], tag_aliases=rows,
                              tag_implications=rows[:1]))  # fmt: skip
    pairs = [(row["name"], row["meaning"]) for row in rows_of("aliases", "name", "meaning")]
    assert pairs == [("a", "b"), ("e", "f")]
    assert rows_of("implications", "name", "implied") == [{"name": "a", "implied": "b"}]


def test_a_category_that_nobody_knows_keeps_its_number(
    tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """And one in words is its word."""
    listed = [{"name": "a", "category": 77}, {"name": "b", "category": "artist"}]
    read(connection, metadata(tmp_path, posts=[{"id": 1}], tags=listed))
    assert [row["category"] for row in rows_of("tags", "name", "category")] == [
        "category 77", "artist",
    ]  # fmt: skip


def test_the_sprites_are_read(test_data: Path, connection: Any, rows_of: Rows) -> None:
    """The trying-out dump has the figures that its README states."""
    reading = read_source(connection, test_data / "sprites", 0)
    assert (reading.posts, reading.unreadable) == (10000, 0)
    tags = rows_of("tags")
    assert (len(tags), sum(tag["count"] >= 100 for tag in tags)) == (281, 186)
    used = {name for row in rows_of("posts", "tags") for name in row["tags"]}
    assert used == {tag["name"] for tag in tags}
