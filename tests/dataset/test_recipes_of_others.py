"""The recipes' `dataset:` parts build what their authors' rules give."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
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


PUBLISHED = """long_hair looking_at_viewer smile blush short_hair open_mouth skirt
simple_background blue_eyes white_background dress hair_ornament blonde_hair red_eyes brown_hair
ribbon gloves hat long_sleeves bow shirt very_long_hair bare_shoulders black_hair holding
hair_between_eyes twintails sitting brown_eyes animal_ears standing jewelry full_body school_uniform
closed_mouth green_eyes collarbone hair_ribbon upper_body flower purple_eyes weapon blue_hair
hair_bow cowboy_shot pleated_skirt""".split()  # noqa: SIM905
"""46 of the 56 labels that anime-art-tagger lists as its vocabulary, in its order."""


def danbooru2020(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Posts as that dump has them: numbers as text, none as "0", tags as objects.

    The published tags are frequent, the commoner ones more so. Some posts break each of the rules,
    and what breaks the rating's has a tag that is nowhere else, more often than any.
    """
    names = [*PUBLISHED, "breasts", *(f"rare_{n}" for n in range(20)), "some_series", "some_artist"]
    often = [*np.linspace(0.75, 0.35, len(PUBLISHED)), 0.8, *[0.1] * 20, 0.7, 0.9]
    kinds = {"some_series": "3", "some_artist": "1"}
    posts: list[dict[str, Any]] = []
    for number in range(1, 701):
        own = [name for name, share in zip(names, often, strict=True) if rng.random() < share]
        own += ["1girl", "solo"] if number % 7 else ["1girl"]
        own += ["questionable_only"] if number % 3 == 0 else []
        posts.append({
            "id": str(number), "rating": "q" if number % 3 == 0 else "s", "file_ext": "jpg",
            "created_at": f"20{8 + number % 14:02d}-12-31 23:59:59.5 UTC", "md5": f"{number:032x}",
            "parent_id": "3" if number % 17 == 0 else "0", "is_pending": number % 11 == 0,
            "is_deleted": number % 13 == 0, "is_banned": number % 29 == 0, "is_flagged": False,
            "tags": [{"id": "1", "name": name, "category": kinds.get(name, "0")} for name in own],
        })  # fmt: skip
    return posts


def anime_art_tagger(posts: list[dict[str, Any]], least: int) -> tuple[list[str], dict[int, str]]:
    """The author's own rules, a post at a time: rows A2 to A12 of its script."""
    kept: list[dict[str, Any]] = []
    for post in posts:
        tags = {tag["name"] for tag in post["tags"]}
        year = int(post["created_at"][2:4])
        meant = 10 <= year <= 20 and post["rating"] == "s" and {"1girl", "solo"} <= tags
        alone = not bool(int(post["parent_id"]))
        if meant and alone and not post["is_deleted"] and not post["is_banned"]:
            general = {tag["name"] for tag in post["tags"] if tag["category"] == "0"}
            kept.append({**post, "tags": general - {"1girl", "solo", "breasts"}})
    counts: dict[str, int] = {}
    for post in kept:
        for tag in post["tags"]:
            counts[tag] = counts.get(tag, 0) + 1
    top = sorted((tag for tag in counts if counts[tag] > least), key=lambda t: (-counts[t], t))
    rich = [int(post["id"]) for post in kept if len(post["tags"] & set(top)) > 10]
    split = {
        post: "validation" if at % 10 == 0 else "calibration" if at % 5 == 0 else "train"
        for at, post in enumerate(sorted(rich))
    }
    return top, split


@pytest.fixture(scope="module")
def kaggles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The folders of Kaggle's copy: `metadata/**/*.json` and `all-images/**/<id>.jpg`."""
    folder = tmp_path_factory.mktemp("danbooru2020")
    posts = danbooru2020(np.random.default_rng(1))
    for part in (0, 1):
        path = folder / "metadata" / "metadata" / f"20200000000000{part}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(post) + "\n" for post in posts[part::2]))
    for post in posts:
        path = folder / "all-images" / f"{int(post['id']) % 100:04d}" / f"{post['id']}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(path)
    return folder, posts


def test_anime_art_tagger_follows_its_authors_rules(
    kaggles: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """The same labels in the same order, the same pictures in the same parts.

    Where the published tags are those of more than N pictures inside the filtered set, they are the
    vocabulary, whatever is frequent outside it.
    """
    folder, posts = kaggles
    least = 80
    recipe = options_of("anime-art-tagger", sources=[folder], out=tmp_path / "out")
    assert recipe.minimum_count == 100_001
    build(replace(recipe, minimum_count=least + 1))
    dataset = Dataset.open(tmp_path / "out")
    labels, split = anime_art_tagger(posts, least)
    assert set(labels) == set(PUBLISHED)
    assert dataset.vocabulary.names == tuple(labels)
    found = dict(zip(dataset.column("id").tolist(), dataset.column("split"), strict=True))
    assert found == split
    assert set(found.values()) == {"train", "calibration", "validation"}


def test_the_published_labels_are_still_danboorus(test_data: Path) -> None:
    """General tags today, and no alias gives one of them another name."""
    rows = csv.reader((test_data / "meta" / "danbooru_tags_sfw.csv").read_text().splitlines())
    kinds = {name: kind for name, kind, *_ in rows}
    assert [kinds[name] for name in PUBLISHED] == ["0"] * 46
    aliases = (test_data / "meta" / "danbooru_tag_aliases_sfw.csv").read_text().splitlines()
    assert not {line.split(",")[0] for line in aliases if line.endswith(",active")} & {*PUBLISHED}


def test_dipofi_has_general_tags_of_safe_pictures(
    kaggles: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """The most used, as counted on them."""
    folder, posts = kaggles
    build(options_of("dipofi", sources=[folder], out=tmp_path / "out", maximum_labels=5))
    counts = Counter(
        tag["name"]
        for post in posts
        if post["rating"] == "s"
        and not any(post[f"is_{state}"] for state in ("deleted", "banned", "pending"))
        for tag in post["tags"]
        if tag["category"] == "0"
    )
    wanted = sorted(counts, key=lambda name: (-counts[name], name))[:5]
    found = Dataset.open(tmp_path / "out").vocabulary
    assert list(found.names) == wanted
    assert [label.count for label in found] == [counts[name] for name in wanted]


def test_rf5_has_the_most_used_of_all_and_pseudo_tags(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """Files of other kinds, the tag without a meaning, and scores of two digits are left out."""
    posts = [
        {"id": 9, "tag_string": "a", "rating": "q", "score": 12, "is_deleted": True},
        {"id": 1, "tag_string": "a mira ?", "rating": "g", "score": 3, "file_ext": "png"},
        {"id": 2, "tag_string": "a", "rating": "g", "score": 3, "file_ext": "gif"},
        {"id": 3, "tag_string": "a b", "rating": "q", "score": 3, "file_ext": "png"},
    ]
    dump = write_dump("drawn", posts, {"a": 0, "b": 0, "mira": 4, "?": 0})
    build(options_of("rf5", sources=[dump], out=tmp_path / "out", maximum_labels=3))
    dataset = Dataset.open(tmp_path / "out")
    assert dataset.vocabulary.names == ("a", "age_rating_q", "meta_score_3")
    assert dataset.column("id").tolist() == [1, 3, 9]


def test_wd_keeps_the_last_hundred_ids_back(tmp_path: Path, write_dump: WriteDump) -> None:
    """And leaves out pictures with fewer than ten general tags."""
    words = " ".join(f"t{n}" for n in range(10))
    posts = {899: words, 901: words, 999: words, 5: f"mira {words[3:]}"}
    dump = write_dump("drawn", posts, {**{f"t{n}": 0 for n in range(10)}, "mira": 4})
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


@pytest.mark.parametrize("pictures", ["faces", "fullMin256"])
def test_dafre_is_made_of_sure_faces_in_colour(pictures: str, tmp_path: Path) -> None:
    """From its own layout of faces or of whole pictures: classes of 20, .7 .1 .2, and no grey."""
    source = tmp_path / "dafre"
    lines: list[str] = []
    for number in range(194_900, 194_950):
        place = f"{number % 1000:04d}/{number}.jpg"
        sure, known = number % 25 != 3, number % 2 == 0 or number > 194_913
        lines += [f"{place}\t{5 if known else 6}\t1,2,30,40,{0.85 if sure else 0.849}\n"]
        path = source / pictures / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L" if number == 194_933 else "RGB", (2, 2)).save(path)
    (source / "faces.tsv").write_text("".join(lines))
    (source / "classid_classname.csv").write_text("5,morrigan_aensland\n6,rare\n")
    summary = build(options_of("dafre", sources=[source], out=tmp_path / "out"))
    dataset = Dataset.open(tmp_path / "out")
    assert summary.posts == 42  # 43 of the class, one of them not sure
    assert summary.dropped == {"picture in another mode": 1}
    assert dataset.vocabulary.names == ("morrigan_aensland",)
    assert dataset.column("path")[0] == f"{pictures}/0900/194900.jpg"
    splits = dataset.column("split").tolist()
    assert [splits.count(part) for part in ("train", "calibration", "validation")] == [29, 4, 8]
