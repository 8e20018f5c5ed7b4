"""Dumps of the Danbooru2021 layout become the posts table, whatever a dump leaves out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tagger.booru import danbooru, posts
from tagger.errors import DatasetError

duckdb = pytest.importorskip("duckdb")

TAGS = [{"id": 1, "name": "1girl", "post_count": 5, "category": 0}]


@pytest.fixture
def connection() -> Iterator[Any]:
    with posts.connect() as made:
        posts.create(made)
        yield made


def metadata(folder: Path, **tables: list[dict[str, Any]] | str) -> Path:
    """Write tables as JSON lines, `posts__1` as `posts1.json`; text goes in as it is."""
    (folder / "metadata").mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
        path = folder / "metadata" / (name.replace("__", "") + ".json")
        path.write_text(text, encoding="utf-8")
    return folder


def table(connection: Any) -> list[dict[str, Any]]:
    found = connection.execute("SELECT * FROM posts ORDER BY source, id NULLS FIRST")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_a_post_fills_the_documented_columns(tmp_path: Path, connection: Any) -> None:
    """Every field of a post lands in the column that the posts table documents."""
    post = {
        "id": 1013, "md5": "7B48", "rating": "g", "file_ext": "PNG", "parent_id": 7,
        "is_deleted": True, "is_banned": False, "is_pending": False, "is_flagged": True,
        "tag_string": "solo 1girl solo", "tag_string_general": "1girl",
    }  # fmt: skip
    reading = danbooru.read_posts(connection, metadata(tmp_path, posts=[post]), 3)
    assert reading == posts.Reading(1)
    assert table(connection) == [
        {
            "source": 3, "id": 1013, "md5": "7b48", "rating": "g", "extension": "png",
            "parent": 7, "deleted": True, "banned": False, "pending": False, "flagged": True,
            "tags": ["1girl", "solo"],
        }
    ]  # fmt: skip
    assert list(posts.COLUMNS) == list(table(connection)[0])


def test_missing_keys_are_tolerated(tmp_path: Path, connection: Any) -> None:
    """A hidden post lacks id, md5 and file_ext; what is not said of a state is no."""
    folder = metadata(tmp_path, posts=[{"rating": "e", "tag_string": "x"}, {"id": 5}])
    assert danbooru.read_posts(connection, folder).posts == 2
    hidden, bare = table(connection)
    assert hidden["id"] is None
    assert hidden["md5"] is None
    assert hidden["extension"] is None
    assert hidden["tags"] == ["x"]
    assert (bare["id"], bare["tags"], bare["deleted"]) == (5, [], False)


def test_numbers_as_text_and_zero_parents_are_read(tmp_path: Path, connection: Any) -> None:
    """The older dumps write every number as text, and "0" for no parent."""
    folder = metadata(tmp_path, posts=[{"id": "263162", "parent_id": "0"}])
    danbooru.read_posts(connection, folder)
    assert (table(connection)[0]["id"], table(connection)[0]["parent"]) == (263162, None)


def test_tags_come_from_the_categories_where_there_is_no_whole(
    tmp_path: Path, connection: Any
) -> None:
    """Without tag_string the five strings by category are joined."""
    post = {"id": 1, "tag_string_general": "1girl  solo", "tag_string_meta": "highres"}
    danbooru.read_posts(connection, metadata(tmp_path, posts=[post]))
    assert table(connection)[0]["tags"] == ["1girl", "highres", "solo"]


@pytest.mark.parametrize("extension", ["../x", "p/ng", "a" * 20, "", None, "png\n"])
def test_an_extension_that_could_leave_the_folder_is_none(
    extension: str | None, tmp_path: Path, connection: Any
) -> None:
    """The extension becomes part of a path, so only letters and digits are taken."""
    folder = metadata(tmp_path, posts=[{"id": 1, "file_ext": extension}])
    danbooru.read_posts(connection, folder)
    assert table(connection)[0]["extension"] is None


def test_unreadable_lines_are_counted_and_named(tmp_path: Path, connection: Any) -> None:
    """Broken lines cost only themselves; file and line say where they are."""
    text = '{"id": 1}\n{"id": 2\n\n[1, 2]\n{"id": 3}\nnull\n'
    folder = metadata(tmp_path, posts=text)
    reading = danbooru.read_posts(connection, folder)
    assert reading == posts.Reading(2, 3, ("posts.json:2", "posts.json:4", "posts.json:6"))
    assert [row["id"] for row in table(connection)] == [1, 3]


def test_shards_plain_and_gz_are_one_dump(tmp_path: Path, connection: Any) -> None:
    """Numbered shards are read together; a file of another name is not theirs."""
    folder = metadata(
        tmp_path, posts__000000000000=[{"id": 1}], posts_old=[{"id": 9}], postscript=[{"id": 8}]
    )
    with gzip.open(folder / "metadata" / "posts000000000001.json.gz", "wt") as file:
        file.write('{"id": 2}\n')
    assert danbooru.read_posts(connection, folder).posts == 2
    assert [row["id"] for row in table(connection)] == [1, 2]


def test_brackets_and_stars_in_a_folder_are_no_wildcards(tmp_path: Path, connection: Any) -> None:
    """A folder is read as it is called."""
    metadata(tmp_path / "a", posts=[{"id": 1}])
    folder = metadata(tmp_path / "[a] *?", posts=[{"id": 2}], tags=TAGS)
    danbooru.read_posts(connection, folder)
    assert [row["id"] for row in table(connection)] == [2]
    assert danbooru.read_tags(folder) == (posts.BooruTag("1girl", 0, 5),)


def test_a_gz_that_breaks_off_is_refused(tmp_path: Path, connection: Any) -> None:
    """Half a dump would look like a whole one."""
    (tmp_path / "metadata").mkdir()
    whole = gzip.compress(b"".join(b'{"id": %d, "md5": "%x"}\n' % (i, i * i) for i in range(9999)))
    (tmp_path / "metadata" / "posts.json.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="expected whole JSON lines"):
        danbooru.read_posts(connection, tmp_path)


def test_a_folder_that_is_no_dump_is_refused(tmp_path: Path, connection: Any) -> None:
    """The sentence names the folder and what it lacks."""
    with pytest.raises(DatasetError, match=r"expected a folder with metadata/posts\*\.json"):
        danbooru.read_posts(connection, tmp_path)
    with pytest.raises(DatasetError, match="no such folder"):
        danbooru.read_posts(connection, tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"expected metadata/tags\*\.json"):
        danbooru.read_tags(metadata(tmp_path, posts=[{"id": 1}]))


def test_only_active_relations_count(tmp_path: Path) -> None:
    """Deleted and pending ones are left out; where no status is given a row counts."""
    rows = [
        {"antecedent_name": "a", "consequent_name": "b", "status": "active"},
        {"antecedent_name": "c", "consequent_name": "d", "status": "deleted"},
        {"antecedent_name": "e", "consequent_name": "f"},
        {"antecedent_name": "g", "consequent_name": "g", "status": "active"},
    ]
    folder = metadata(tmp_path, posts=[], tag_aliases=rows, tag_implications=rows[:1])
    assert danbooru.read_aliases(folder) == (("a", "b"), ("e", "f"))
    assert danbooru.read_implications(folder) == (("a", "b"),)
    assert danbooru.read_implications(tmp_path / "nowhere") == ()


def test_a_picture_lies_under_the_last_three_digits(tmp_path: Path) -> None:
    """The bucket is the id modulo 1000, not its last letters: ids under 100 have one too."""
    assert danbooru.picture("images", 1234001, "png") == "images/0001/1234001.png"
    assert danbooru.picture("512px", 7, "jpg") == "512px/0007/7.jpg"
    assert danbooru.images_folder(tmp_path) == "images"
    (tmp_path / "512px").mkdir()
    assert danbooru.images_folder(tmp_path) == "512px"


def test_the_sprites_are_read(test_data: Path, connection: Any) -> None:
    """The trying-out dump has the figures that its README states."""
    folder = test_data / "sprites"
    assert danbooru.read_posts(connection, folder) == posts.Reading(10000)
    tags = danbooru.read_tags(folder)
    assert (len(tags), sum(tag.count >= 100 for tag in tags)) == (281, 186)
    used = {name for row in table(connection) for name in row["tags"]}
    assert used == {tag.name for tag in tags}
