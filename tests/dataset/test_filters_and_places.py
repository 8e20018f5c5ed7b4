"""Filters, conditions in SQL, pictures in any layout, splits by other rules, pseudo-tags."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tagger.dataset.build import BuildSummary, build
from tagger.dataset.buildoptions import BuildOptions
from tagger.dataset.index import Dataset
from tagger.errors import DatasetError, OptionError

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

WriteDump = Callable[..., Path]


def built(out: Path, *sources: Path, **options: Any) -> tuple[BuildSummary, Dataset]:
    summary = build(BuildOptions(sources=sources, out=out, **{"maximum_share": 1.0, **options}))
    return summary, Dataset.open(out)


POSTS: list[dict[str, Any]] = [
    {"id": 1, "rating": "g", "score": 5, "created_at": "2020-05-01", "image_width": 100,
     "image_height": 100, "file_size": 10, "tag_string": "a"},
    {"id": 2, "rating": "s", "score": -1, "created_at": "2021-12-31T23:00:00", "image_width": 100,
     "image_height": 900, "file_size": 99, "tag_string": "a b", "parent_id": 1},
    {"id": 3, "rating": "q", "score": 50, "created_at": "2022-06-01", "image_width": 20,
     "image_height": 20, "tag_string": "a b c"},
    {"id": 4, "rating": "e", "tag_string": "a b c d"},
]  # fmt: skip
TAGS = {"a": 0, "b": 0, "c": 3, "d": 4}


@pytest.mark.parametrize(
    ("options", "ids", "reason"),
    [
        ({"ratings": ("g", "sensitive")}, [1, 2], "rating"),
        ({"ratings": ("safe",)}, [1, 2], "rating"),
        ({"created_from": "2021-01-01"}, [2, 3, 4], "too old"),
        ({"created_to": "2021-12-31"}, [1, 2, 4], "too new"),
        ({"min_score": 0}, [1, 3, 4], "score under the lowest"),
        ({"max_score": 5}, [1, 2, 4], "score over the highest"),
        ({"min_side": 50}, [1, 2, 4], "too small"),
        ({"max_bytes": 50}, [1, 3, 4], "file too large"),
        ({"max_aspect": 2}, [1, 3, 4], "too long and thin"),
        ({"min_tags": 3}, [3, 4], "too few tags"),
        ({"max_tags": 2}, [1, 2], "too many tags"),
        ({"family": "no-children"}, [1, 3, 4], "has a parent"),
        ({"family": "no-parents"}, [2, 3, 4], "is a parent"),
        ({"extensions": (".jpg",)}, [], "file extension"),
        ({"min_category_tags": {"character": 1}}, [4], "too few character tags"),
        ({"min_category_tags": {"general": 1, "copyright": 1}}, [3, 4], "too few copyright tags"),
        ({"min_category_tags": {"general": 2}}, [2, 3, 4], "too few general tags"),
        ({"every": 2}, [1, 3], "thinned out"),
        ({"sql": "score > 0 AND len(tags) < 3"}, [1], "sql"),
        ({"sql": "list_contains(tags, 'c') OR id = 1", "every": 2}, [1, 4], "sql"),
    ],
)
def test_each_filter_leaves_out_what_it_says(
    options: dict[str, Any], ids: list[int], reason: str, tmp_path: Path, write_dump: WriteDump
) -> None:
    """Where a post does not say, it is taken; every post left out is counted under a reason."""
    dump = write_dump("drawn", POSTS, TAGS)
    if not ids:
        with pytest.raises(DatasetError, match=f"0 posts left of 4: 4 {reason}"):
            built(tmp_path / "out", dump, **options)
        return
    summary, dataset = built(tmp_path / "out", dump, **options)
    assert dataset.column("id").tolist() == ids
    assert reason in summary.dropped
    assert sum(summary.dropped.values()) == 4 - len(ids)


@pytest.mark.parametrize(
    "condition",
    [
        "nonsense >",
        "no_such_column > 1",
        "id > 1; DROP TABLE posts",
        "1) ; DROP TABLE posts; --",
        "EXISTS (SELECT * FROM read_csv('/etc/passwd'))",
        "id IN (SELECT id FROM read_json('{dump}/metadata/posts.json'))",
        "EXISTS (SELECT * FROM '{dump}/metadata/posts.json')",
    ],
)
def test_a_condition_can_neither_write_nor_read_files(
    condition: str, tmp_path: Path, write_dump: WriteDump
) -> None:
    """One sentence that names the setting, and nothing in the output folder."""
    dump = write_dump("drawn", POSTS, TAGS)
    with pytest.raises(OptionError, match="sql: expected a condition over the posts table"):
        built(tmp_path / "out", dump, sql=condition.replace("{dump}", str(dump)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drawn"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"ratings": ("x",)}, "ratings: expected g, s, q, e or safe"),
        ({"created_from": "2021"}, "created_from: expected a day"),
        ({"min_category_tags": {"charakter": 1}}, "expected a category out of"),
        ({"modes": ("rgb",)}, "modes: expected"),
        ({"max_aspect": 0.5}, "max_aspect: expected 1 or more"),
        ({"format": "jsn"}, "did you mean 'json'"),
        ({"images": (Path("a"), Path("b"), Path("c"))}, "images: expected one folder"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], sentence: str) -> None:
    """Before anything is read."""
    with pytest.raises(OptionError, match=sentence):
        BuildOptions(sources=(Path("a"), Path("b")), out=Path("out"), **wrong)


LAYOUTS = {
    "by the last three digits": "images/{bucket:04d}/{id}.png",
    "flat": "{id}.png",
    "zeros in front": "x/{id:08d}.png",
    "by md5": "original/{md5:.2}/{md5}.png",
    "another ending": "512px/{bucket:04d}/{id}.jpg",
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_pictures_are_found_in_any_layout(
    layout: str, tmp_path: Path, write_dump: WriteDump
) -> None:
    """By the post's number or md5 in the file's name, in a folder of their own or the dump's."""
    md5 = "{:032x}".format
    posts = [{"id": n, "tag_string": "a", "md5": md5(n * 7**20)} for n in (5, 1234)]
    dump = write_dump("drawn", posts, TAGS)
    shutil.rmtree(dump / "images")
    pictures = tmp_path / "pictures"
    for post in posts:
        path = pictures / layout.format(**post, bucket=post["id"] % 1000)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3, 2)).save(path)
    (pictures / "stray.png").write_bytes(b"")
    summary, dataset = built(tmp_path / "out", dump, images=(pictures,))
    assert dataset.column("id").tolist() == [5, 1234]
    assert all(dataset.image_path(row).is_file() for row in range(2))
    assert summary.strays == 1
    summary, _ = built(tmp_path / "fewer", dump, images=(pictures,), max_id=9)
    assert summary.strays == 1  # the picture of a post that is filtered out is none


def test_a_preferred_folder_goes_first(tmp_path: Path, write_dump: WriteDump) -> None:
    """Of two files of one post: the post's own ending, then images, original, 512px."""
    dump = write_dump("drawn", [{"id": 1, "tag_string": "a"}], TAGS)
    for name in ("512px/0001/1.png", "aaa/1.png", "images/1.jpg"):
        (dump / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9)).save(dump / name)
    _, dataset = built(tmp_path / "out", dump)
    assert dataset.index["path"].to_pylist() == ["images/0001/1.png"]


def test_without_a_look_paths_follow_the_rule(tmp_path: Path, write_dump: WriteDump) -> None:
    """For a machine without the pictures; sizes are what the source says."""
    dump = write_dump("drawn", POSTS, TAGS)
    shutil.rmtree(dump / "images")
    _, dataset = built(tmp_path / "out", dump, unseen=True, images=(tmp_path / "later",))
    assert dataset.index["path"].to_pylist()[0] == "0001/1.png"
    assert dataset.column("width").tolist() == [100, 100, 20, 0]


def test_a_source_that_says_no_endings_has_pictures_too(tmp_path: Path) -> None:
    """They are found by their names; without a look they can't be."""
    source = tmp_path / "mine"
    source.mkdir()
    (source / "posts.csv").write_text("id,tag_string\n1,a b\n2,a\n")
    for name in ("1.jpg", "2.png"):
        Image.new("RGB", (3, 2)).save(source / name)
    _, dataset = built(tmp_path / "out", source)
    assert dataset.index["path"].to_pylist() == ["1.jpg", "2.png"]
    with pytest.raises(DatasetError, match="0 posts left of 2: 2 no file extension"):
        built(tmp_path / "unseen", source, unseen=True)


def test_small_and_half_pictures_are_counted(tmp_path: Path, write_dump: WriteDump) -> None:
    """A header may be whole where the rest is not: only a whole look finds that."""
    dump = write_dump("drawn", dict.fromkeys((1, 2, 3), "a"), TAGS)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    half = dump / "images" / "0002" / "2.png"
    Image.fromarray(noise).save(half)
    half.write_bytes(half.read_bytes()[:3000])
    Image.new("RGB", (64, 64)).save(dump / "images" / "0003" / "3.png")
    summary, _ = built(tmp_path / "header", dump, min_picture_side=10)
    assert summary.dropped == {"picture too small": 1}
    summary, dataset = built(tmp_path / "whole", dump, min_picture_side=10, whole_pictures=True)
    assert summary.dropped == {"picture too small": 1, "picture broken": 1}
    assert dataset.column("id").tolist() == [3]
    named = (dataset.path / "broken.txt").read_text()
    assert named == "drawn\timages/0002/2.png\tpicture broken\n"


def test_pictures_stored_otherwise_are_left_out(tmp_path: Path, write_dump: WriteDump) -> None:
    """DAF:re took RGB alone: nothing grey, with a palette or an alpha channel."""
    dump = write_dump("drawn", dict.fromkeys((1, 2, 3, 4), "a"), TAGS)
    for number, mode in enumerate(("RGB", "L", "P", "RGBA"), 1):
        Image.new(mode, (3, 2)).save(dump / "images" / f"{number:04d}" / f"{number}.png")
    summary, dataset = built(tmp_path / "out", dump, modes=("RGB",))
    assert dataset.column("id").tolist() == [1]
    assert summary.dropped == {"picture in another mode": 3}
    assert not (dataset.path / "broken.txt").exists()
    _, dataset = built(tmp_path / "two", dump, modes=("RGB", "L"))
    assert dataset.column("id").tolist() == [1, 2]


def test_pictures_that_look_alike_are_one_group(tmp_path: Path, write_dump: WriteDump) -> None:
    """A smaller copy of another format has the same difference hash; another picture has not."""
    dump = write_dump("drawn", dict.fromkeys((1, 2, 3), "a"), TAGS)
    big = Image.radial_gradient("L").resize((128, 96))
    big.save(dump / "images" / "0001" / "1.png")
    big.resize((64, 48)).save(dump / "images" / "0002" / "2.png")
    big.rotate(90).save(dump / "images" / "0003" / "3.png")
    _, apart = built(tmp_path / "apart", dump)
    assert len(set(apart.column("group"))) == 3
    _, alike = built(tmp_path / "alike", dump, alike=True)
    assert alike.column("group").tolist() == [0, 0, 2]


def test_by_modulo_the_last_hundred_ids_are_kept_back(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """WD's rule: 0 to 899 train, 900 to 949 calibrate, 950 to 999 validate."""
    dump = write_dump("drawn", dict.fromkeys((899, 900, 949, 950, 1999, 2000), "a"), TAGS)
    _, dataset = built(tmp_path / "out", dump, split_by="modulo")
    assert dataset.column("split").tolist() == [
        "train", "calibration", "calibration", "validation", "validation", "train",
    ]  # fmt: skip


def test_by_order_every_tenth_validates(tmp_path: Path, write_dump: WriteDump) -> None:
    """Of the rest every fifth calibrates; a family goes with its first."""
    posts = [{"id": n, "tag_string": "a", "parent_id": 1 if n == 3 else None} for n in range(1, 13)]
    _, dataset = built(tmp_path / "out", write_dump("drawn", posts, TAGS), split_by="order")
    split = dataset.column("split").tolist()
    expected = ["train"] * 12
    expected[0] = expected[2] = expected[10] = "validation"
    expected[5] = "calibration"
    assert split == expected


def test_a_sources_own_parts_are_kept(tmp_path: Path) -> None:
    """What it lacks comes out of its training part, and out of no other."""
    names = [f"{n}.png" for n in range(200)]
    for name in names:
        Image.new("RGB", (2, 2)).save(tmp_path / name)
    (tmp_path / "classid_classname.csv").write_text("0,a\n1,b\n")
    lines = [f"{n % 2},{name}\n" for n, name in enumerate(names)]
    (tmp_path / "train.csv").write_text("".join(lines[:150]))
    (tmp_path / "test.csv").write_text("".join(lines[150:]))
    _, dataset = built(tmp_path / "out", tmp_path, split_by="source", calibration=0.2)
    parts = dict(zip(dataset.column("id"), dataset.column("split"), strict=True))
    assert {parts[n] for n in range(150, 200)} == {"validation"}
    counts = Counter(parts[n] for n in range(150))
    assert set(counts) == {"train", "calibration"}
    assert 15 < counts["calibration"] < 45


def test_rare_labels_are_moved_to_where_they_lack(tmp_path: Path, write_dump: WriteDump) -> None:
    """Each part gets the floor, families stay whole, and the training keeps half."""
    posts = [{"id": n, "tag_string": "a b" if n % 25 == 0 else "a", "parent_id": n - 1 if n % 25
              == 1 else None} for n in range(1, 501)]  # fmt: skip
    dump = write_dump("drawn", posts, TAGS)
    options = {"calibration": 0.02, "validation": 0.02, "minimum_count": 1}
    _, dataset = built(tmp_path / "out", dump, split_floor=4, **options)
    truth, _ = dataset.targets(np.arange(len(dataset)))
    rare = truth[:, dataset.vocabulary.names.index("b")]
    counts = Counter(dataset.column("split")[rare])
    assert counts["calibration"] >= 4
    assert counts["validation"] >= 4
    assert counts["train"] >= 10
    pairs = set(zip(dataset.column("group"), dataset.column("split"), strict=True))
    assert len(pairs) == len({group for group, _ in pairs})


def test_pseudo_tags_are_labels(tmp_path: Path, write_dump: WriteDump) -> None:
    """Ratings and scores of one digit as tags, beside those of the posts."""
    dump = write_dump("drawn", POSTS, TAGS)
    kinds = ("rating", "age_rating", "meta_score")
    _, dataset = built(tmp_path / "out", dump, pseudo_tags=kinds)
    truth, _ = dataset.targets(np.arange(len(dataset)))
    names = np.array(dataset.vocabulary.names)
    assert set(names[truth[0]]) == {"a", "rating:general", "age_rating_s", "meta_score_5"}
    assert set(names[truth[1]]) == {"a", "b", "rating:sensitive", "age_rating_s"}
    assert set(names[truth[3]]) == {"a", "b", "c", "d", "rating:explicit", "age_rating_e"}


def test_the_most_labels_and_a_denylist(tmp_path: Path, write_dump: WriteDump) -> None:
    """Denied names never become labels, whatever their spelling; then the most used."""
    (tmp_path / "deny.txt").write_text("\ufeffA\n\n", encoding="utf-8")
    dump = write_dump("drawn", POSTS, TAGS)
    summary, dataset = built(
        tmp_path / "out", dump, maximum_labels=2, denylist=tmp_path / "deny.txt"
    )
    assert dataset.vocabulary.names == ("b", "c")
    assert summary.left_out == {"excluded": ("a",), "over the most labels": ("d",)}


def test_danbooru_and_e621_join(tmp_path: Path, write_dump: WriteDump) -> None:
    """Through aliases, with species among the categories; s is safe on one and not on the other."""
    left = write_dump("left", [{"id": 1, "tag_string": "wolf_girl solo", "rating": "s"},
                               {"id": 2, "tag_string": "solo", "rating": "g"}],
                      {"wolf_girl": 0, "solo": 0}, aliases={"canis": "wolf"})  # fmt: skip
    right = tmp_path / "right"
    right.mkdir()
    (right / "posts.csv").write_text(
        "id,md5,rating,tag_string,locked_tags,file_ext,change_seq,is_rating_locked,is_deleted\n"
        "7,ab,s,canis solo,,png,1,f,f\n"
    )
    (right / "tags.csv").write_text("id,name,category,post_count\n1,canis,5,3\n2,solo,0,9\n")
    Image.new("RGB", (2, 2)).save(right / "7.png")
    summary, dataset = built(
        tmp_path / "out", left, right, categories=("general", "species"), closed_categories=()
    )
    assert dataset.vocabulary.names == ("solo", "wolf_girl", "wolf")
    assert [label.category.name for label in dataset.vocabulary] == [
        "general", "general", "species",
    ]  # fmt: skip
    assert dataset.column("rating").tolist() == ["s", "g", "safe"]
    assert len(summary.said) == 2
    assert Dataset.open(tmp_path / "out").vocabulary == dataset.vocabulary


def test_unreadable_lines_stand_in_a_side_file(tmp_path: Path, write_dump: WriteDump) -> None:
    """With their source, file and number."""
    dump = write_dump("drawn", {1: "a"}, TAGS)
    posts = dump / "metadata" / "posts.json"
    posts.write_text(posts.read_text() + "{broken\n")
    summary, dataset = built(tmp_path / "out", dump)
    assert summary.unreadable == 1
    assert (dataset.path / "unreadable.txt").read_text() == "drawn\tposts.json:2\n"


def test_corrected_captions_become_a_dataset(tmp_path: Path) -> None:
    """The way back: what people corrected in captions trains the next model."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for number, text in enumerate(("1girl, red hair", "1girl", "hat, red hair")):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(text)
    _, dataset = built(tmp_path / "out", folder)
    assert dataset.vocabulary.names == ("1girl", "red_hair", "hat")
    assert dataset.image_path(0).parent == folder


def test_pictures_with_too_few_labels_go_once_labels_are_chosen(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """What is counted are labels, not the post's tags; the vocabulary was chosen before."""
    dump = write_dump("drawn", POSTS, TAGS)
    summary, dataset = built(tmp_path / "out", dump, min_labels=2, excluded_labels=("d",))
    assert dataset.column("id").tolist() == [2, 3, 4]
    assert summary.dropped == {"too few labels": 1}
    assert [label.count for label in dataset.vocabulary] == [4, 3, 2]
    assert dataset.index["tags"].to_pylist() == [[0, 1], [0, 1, 2], [0, 1, 2]]
    with pytest.raises(DatasetError, match="none has 9 of the 4 labels"):
        built(tmp_path / "none", dump, min_labels=9)
    summary, dataset = built(tmp_path / "few", dump, min_labels=2, max_picture_labels=3)
    assert dataset.column("id").tolist() == [2, 3]
    assert summary.dropped == {"too few labels": 1, "too many labels": 1}


def test_only_named_tags_become_labels(tmp_path: Path, write_dump: WriteDump) -> None:
    """In any spelling; the others are counted."""
    summary, dataset = built(tmp_path / "out", write_dump("drawn", POSTS, TAGS), only_labels=("B",))
    assert dataset.vocabulary.names == ("b",)
    assert summary.left_out == {"not asked for": ("a", "c", "d")}
