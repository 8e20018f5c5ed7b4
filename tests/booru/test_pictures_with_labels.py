"""Sets of characters and folders with captions become posts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tagger.booru.characters import post_number
from tagger.booru.formats import read_source
from tagger.errors import DatasetError

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

Rows = Callable[..., list[dict[str, Any]]]


def test_dafre_has_three_parts_and_tags(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """Its test part is our validation; lists of tags are Python's text, and are not run."""
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "classid_classname.csv").write_text("0,mira\n1,old ulric\n")
    (labels / "train.csv").write_text("0,0933/194933.jpg\n1,0001/1001.jpg\nbroken\n1,../x.jpg\n")
    (labels / "val.csv").write_text("0,0002/2.jpg\n")
    (labels / "test.csv").write_text("1,0003/3.jpg\n")
    (labels / "train_tags.csv").write_text(
        "id,dir,class_id,tags_cat0,tags_cat3,tags_cat4\n"
        "194933,0933/194933.jpg,0,\"['1girl', 'red hair', '__import__(1)']\",['series'],['mira']\n"
    )
    reading = read_source(connection, tmp_path, 0)
    assert (reading.format, reading.posts, reading.unreadable) == ("characters", 4, 2)
    found = {row["id"]: row for row in rows_of("posts", "id", "path", "split", "tags")}
    assert {post: row["split"] for post, row in found.items()} == {
        194933: "train", 1001: "train", 2: "calibration", 3: "validation",
    }  # fmt: skip
    assert found[194933]["path"] == "0933/194933.jpg"
    assert found[194933]["tags"] == ["1girl", "__import__(1)", "mira", "red_hair", "series"]
    assert found[3]["tags"] == ["old_ulric"]
    kinds = {row["name"]: row["category"] for row in rows_of("tags", "name", "category")}
    assert (kinds["mira"], kinds["series"], kinds["1girl"]) == ("character", "copyright", "general")


def test_dafre_is_built_of_faces(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """Sure faces only, classes with 20 of them, 7 : 1 : 2 by order."""
    lines = [f"0001/{n}.jpg\t5\t0,0,9,9,0.9\n" for n in range(20)]
    lines += [f"0002/{n}.jpg\t6\t0,0,9,9,0.9\n" for n in range(100, 119)]
    lines += ["0003/900.jpg\t5\t0,0,9,9,0.84\n"]
    (tmp_path / "faces.tsv").write_text("".join(lines))
    assert read_source(connection, tmp_path, 0).posts == 20
    splits = Counter(row["split"] for row in rows_of("posts", "id", "split"))
    assert splits == {"train": 14, "calibration": 2, "validation": 4}
    assert {tuple(row["tags"]) for row in rows_of("posts", "tags")} == {("class_5",)}


@pytest.mark.parametrize("labels", ["no folder", "an empty one", "names alone"])
def test_moeimouto_has_no_validation_part(
    labels: str, tmp_path: Path, connection: Any, rows_of: Rows
) -> None:
    """What it lacks is left to the builder; a `labels` without lists hides none beside it."""
    if labels != "no folder":
        (tmp_path / "labels").mkdir()
    if labels == "names alone":
        (tmp_path / "labels" / "classid_classname.csv").write_text("0,a\n")
    (tmp_path / "classid_classname.csv").write_text("0,a\n")
    (tmp_path / "train.csv").write_text("0,a/x.png\n")
    (tmp_path / "test.csv").write_text("0,a/y.png\n")
    read_source(connection, tmp_path, 0)
    assert [row["split"] for row in rows_of("posts", "path", "split")] == ["train", "validation"]


def test_a_picture_without_a_post_has_a_number_of_its_own() -> None:
    """The name's, if it is one; else one that no post has, always the same."""
    assert post_number("0933/194933.jpg") == 194933
    made = post_number("some/folder/mira 01.png")
    assert made == post_number("some/folder/mira 01.png") != post_number("other/mira 01.png")
    assert 2**62 <= made < 2**63


def test_captions_are_posts(tmp_path: Path, connection: Any, rows_of: Rows) -> None:
    """Words become tags as boorus write them; a rating is none; no caption, no post."""
    (tmp_path / "sub").mkdir()
    for name in ("a.png", "b.png", "c.png", "sub/d.png"):
        Image.new("RGB", (2, 2)).save(tmp_path / name)
    (tmp_path / "a.txt").write_text(r"1girl, long hair, saber \(fate\), ^_^, rating:general")
    (tmp_path / "b.txt").write_bytes("caf\xe9".encode("latin-1"))
    (tmp_path / "sub" / "d.txt").write_text("hat")
    (tmp_path / "tags.csv").write_text("name,category\nsaber_(fate),4\n")
    reading = read_source(connection, tmp_path, 0)
    assert (reading.format, reading.posts, reading.unreadable) == ("captions", 2, 1)
    found = {row["path"]: row for row in rows_of("posts", "path", "tags", "rating", "extension")}
    assert found["a.png"]["tags"] == ["1girl", "^_^", "long_hair", "saber_(fate)"]
    assert (found["a.png"]["rating"], found["a.png"]["extension"]) == ("g", "png")
    assert found["sub/d.png"]["tags"] == ["hat"]
    kinds = {row["name"]: row["category"] for row in rows_of("tags", "name", "category")}
    assert (kinds["saber_(fate)"], kinds["hat"]) == ("character", "general")


def test_a_folder_without_captions_is_refused(tmp_path: Path, connection: Any) -> None:
    """Pictures alone say nothing."""
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    with pytest.raises(DatasetError, match="expected pictures with captions beside them"):
        read_source(connection, tmp_path, 0, "captions")
