"""The recipes' `dataset:` parts build what their authors' rules give."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tagger.dataset.build import build
from tagger.dataset.buildoptions import BuildOptions
from tagger.dataset.index import Dataset
from tagger.options import from_dict
from tagger.recipes import read_recipe, recipes

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")
pytest.importorskip("yaml")

WriteDump = Callable[..., Path]


def options_of(name: str, **changed: Any) -> BuildOptions:
    """A recipe's settings, as the command line takes them."""
    given = {**read_recipe(name)["dataset"], **changed}
    if "heads" in given:
        given["heads"] = json.dumps(given["heads"])
    return from_dict(BuildOptions, given)


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_is_made_of_settings(name: str) -> None:
    """Each name is a setting, and each value one that it takes."""
    assert options_of(name, sources=["a"], out="b").sources == (Path("a"),)


def anime_art_tagger(posts: list[dict[str, Any]], least: int) -> tuple[list[str], dict[int, str]]:
    """The author's own rules, a post at a time: rows A2 to A12 of its script."""
    kept: list[dict[str, Any]] = []
    for post in posts:
        tags = set(post["tag_string"].split())
        year = int(post["created_at"][2:4])
        meant = 10 <= year <= 20 and post["rating"] == "s" and {"1girl", "solo"} <= tags
        alone = not post.get("parent_id")
        if meant and alone and not post.get("is_deleted") and not post.get("is_banned"):
            kept.append({**post, "tags": tags - {"1girl", "solo", "breasts"}})
    counts: dict[str, int] = {}
    for post in kept:
        for tag in post["tags"]:
            counts[tag] = counts.get(tag, 0) + 1
    top = sorted((tag for tag in counts if counts[tag] > least), key=lambda t: (-counts[t], t))
    rich = [post for post in kept if len(post["tags"] & set(top)) > 10]
    split = {
        post["id"]: "validation" if at % 10 == 0 else "calibration" if at % 5 == 0 else "train"
        for at, post in enumerate(sorted(rich, key=lambda post: post["id"]))
    }
    return top, split


def test_anime_art_tagger_follows_its_authors_rules(tmp_path: Path, write_dump: WriteDump) -> None:
    """The same labels in the same order, the same pictures in the same parts."""
    rng = np.random.default_rng(1)
    names = np.array([f"tag_{n:02d}" for n in range(30)] + ["breasts"])
    posts: list[dict[str, Any]] = []
    for number in range(1, 401):
        own = names[rng.random(len(names)) < np.linspace(0.7, 0.2, len(names))]
        always = ["1girl", "solo"] if number % 7 else ["1girl"]
        posts.append({
            "id": number, "tag_string": " ".join([*always, *own]),
            "rating": "s" if number % 5 else "q",
            "created_at": f"20{8 + number % 14:02d}-06-01T00:00:00", "is_pending": number % 11 == 0,
            "is_deleted": number % 13 == 0, "parent_id": 3 if number % 17 == 0 else None,
        })  # fmt: skip
    tags = dict.fromkeys([*names, "1girl", "solo"], 0)
    dump = write_dump("drawn", posts, tags)
    options = options_of("anime-art-tagger", sources=[dump], out=tmp_path / "out", minimum_count=91)
    build(options)
    dataset = Dataset.open(tmp_path / "out")
    labels, split = anime_art_tagger(posts, least=90)
    assert len(labels) > 11
    assert dataset.vocabulary.names == tuple(labels)
    found = dict(zip(dataset.column("id").tolist(), dataset.column("split"), strict=True))
    assert found == split


def test_rf5_has_the_most_used_of_all_and_pseudo_tags(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """Files of other kinds, and the tag without a meaning, are left out."""
    posts = [
        {"id": 1, "tag_string": "a mira ?", "rating": "g", "score": 3, "file_ext": "png"},
        {"id": 2, "tag_string": "a", "rating": "g", "score": 3, "file_ext": "gif"},
        {"id": 3, "tag_string": "a b", "rating": "q", "score": 3, "file_ext": "png"},
    ]
    dump = write_dump("drawn", posts, {"a": 0, "b": 0, "mira": 4, "?": 0})
    build(options_of("rf5", sources=[dump], out=tmp_path / "out", maximum_labels=3))
    dataset = Dataset.open(tmp_path / "out")
    assert dataset.vocabulary.names == ("a", "meta_score_3", "age_rating_q")
    assert dataset.column("id").tolist() == [1, 3]


def test_wd_keeps_the_last_hundred_ids_back(tmp_path: Path, write_dump: WriteDump) -> None:
    """And leaves out pictures with fewer than ten labels."""
    words = " ".join(f"t{n}" for n in range(10))
    posts = {899: words, 901: words, 999: words, 5: "t1 t2"}
    dump = write_dump("drawn", posts, {f"t{n}": 0 for n in range(10)})
    build(options_of("wd-v3", sources=[dump], out=tmp_path / "out", minimum_count=3))
    dataset = Dataset.open(tmp_path / "out")
    assert dict(zip(dataset.column("id").tolist(), dataset.column("split"), strict=True)) == {
        899: "train", 901: "calibration", 999: "validation",
    }  # fmt: skip


def test_furry_has_tags_and_species(tmp_path: Path) -> None:
    """On e621's own categories."""
    source = tmp_path / "e621"
    source.mkdir()
    head = "id,md5,rating,tag_string,locked_tags,file_ext,change_seq,is_rating_locked\n"
    rows = "".join(f"{n},,s,wolf anthro some_artist fur,,png,1,f\n" for n in range(1, 5))
    (source / "posts.csv").write_text(head + rows)
    (source / "tags.csv").write_text(
        "id,name,category,post_count\n1,wolf,5,4\n2,anthro,0,4\n3,some_artist,1,4\n4,fur,0,4\n"
    )
    for number in range(1, 5):
        Image.new("RGB", (2, 2)).save(source / f"{number}.png")
    build(options_of("furry", sources=[source], out=tmp_path / "out", minimum_count=1))
    dataset = Dataset.open(tmp_path / "out")
    assert [(label.name, label.category.name) for label in dataset.vocabulary] == [
        ("anthro", "general"), ("fur", "general"), ("wolf", "species"),
    ]  # fmt: skip
    assert set(dataset.column("rating")) == {"safe"}
    assert dataset.about["heads"] == {
        "identity": [], "species": ["wolf"], "body": ["anthro", "fur"], "clothing": [], "action": []
    }  # fmt: skip


@pytest.mark.parametrize(("name", "calibrates"), [("dafre", 2), ("moeimouto", None)])
def test_characters_keep_their_own_parts(name: str, calibrates: int | None, tmp_path: Path) -> None:
    """Where the source has no part to calibrate on, it comes out of the training part."""
    source = tmp_path / "set"
    source.mkdir()
    (source / "classid_classname.csv").write_text("0,mira\n1,ulric\n")
    places = [f"{n}.png" for n in range(60)]
    for place in places:
        Image.new("RGB", (2, 2)).save(source / place)
    lines = [f"{n % 2},{place}\n" for n, place in enumerate(places)]
    parts = {"train": lines[:50], "test": lines[52:]} | (
        {"val": lines[50:52]} if calibrates else {}
    )
    for part, own in parts.items():
        (source / f"{part}.csv").write_text("".join(own))
    build(options_of(name, sources=[source], out=tmp_path / "out"))
    dataset = Dataset.open(tmp_path / "out")
    assert dataset.vocabulary.names == ("mira", "ulric")
    splits = dataset.column("split").tolist()
    assert splits.count("validation") == 8
    calibrating = splits.count("calibration")
    assert calibrating == calibrates if calibrates else 0 < calibrating < 20
