"""Dumps become a DATASET: whole, honest about what it left out, the same every time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.dataset.build import build
from tagger.dataset.buildoptions import BuildOptions
from tagger.dataset.index import Dataset
from tagger.errors import DatasetError, OptionError
from tagger.options import from_dict
from tagger.recipes import read_recipe

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

WriteDump = Callable[..., Path]
GENERAL, COPYRIGHT, CHARACTER, META = 0, 3, 4, 5


def made(out: Path, *sources: Path, **options: Any) -> Dataset:
    """Build without leaving out what is on every post, and open the result."""
    settings = {"maximum_share": 1.0, **options}
    build(BuildOptions(sources=sources, out=out, **settings))
    return Dataset.open(out)


def captions(dataset: Dataset) -> dict[tuple[str, int], tuple[set[str], set[str]]]:
    """What each picture has and what is unknown of it, by source and id."""
    truth, known = dataset.targets(np.arange(len(dataset)))
    names = np.array(dataset.vocabulary.names)
    keys = zip(dataset.column("source"), dataset.column("id"), strict=True)
    return {
        (source, int(post)): (set(names[has]), set(names[~sure]))
        for (source, post), has, sure in zip(keys, truth, known, strict=True)
    }


def test_rows_carry_tags_size_and_path(tmp_path: Path, write_dump: WriteDump) -> None:
    """A row says where its picture lies, how large it is and which labels it has."""
    dump = write_dump("drawn", {2: "1girl", 1005: "1girl solo"}, {"1girl": 0, "solo": 0})
    dataset = made(tmp_path / "out", dump)
    assert dataset.vocabulary.names == ("1girl", "solo")
    assert [label.count for label in dataset.vocabulary] == [2, 1]
    assert dataset.index["tags"].to_pylist() == [[0], [0, 1]]
    assert dataset.index["path"].to_pylist() == ["images/0002/2.png", "images/0005/1005.png"]
    assert dataset.image_path(1) == dump / "images" / "0005" / "1005.png"
    assert (dataset.column("width")[0], dataset.column("height")[0]) == (3, 2)
    assert set(dataset.column("source")) == {"drawn"}


def test_aliases_are_resolved_and_implications_closed(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """Old names count for the new one, and a tag brings all it implies, over aliases too."""
    dump = write_dump(
        "drawn",
        {1: "gray_hair", 2: "grey_hair holding_sword", 3: "weapon"},
        {"grey_hair": 0, "holding_sword": 0, "sword": 0, "weapon": 0},
        aliases={"gray_hair": "grey_hair", "blade": "sword"},
        implications={"holding_sword": "blade", "sword": "weapon"},
    )
    dataset = made(tmp_path / "out", dump)
    assert captions(dataset) == {
        ("drawn", 1): ({"grey_hair"}, set()),
        ("drawn", 2): ({"grey_hair", "holding_sword", "sword", "weapon"}, set()),
        ("drawn", 3): ({"weapon"}, set()),
    }


def test_a_tag_that_a_source_cannot_label_is_unknown_there(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """A tag on a source's list but not on a post is a no; one that is not on the list, unknown."""
    left = write_dump("left", {1: "hat", 2: "shirt"}, {"hat": 0, "shirt": 0})
    right = write_dump("right", {1: "wings", 2: "shirt"}, {"wings": 0, "shirt": 0})
    assert captions(made(tmp_path / "out", left, right)) == {
        ("left", 1): ({"hat"}, {"wings"}),
        ("left", 2): ({"shirt"}, {"wings"}),
        ("right", 1): ({"wings"}, {"hat"}),
        ("right", 2): ({"shirt"}, {"hat"}),
    }


def test_another_sources_characters_are_absent_not_unknown(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """A source names all the characters it shows; without closed categories that is not assumed."""
    left = write_dump("left", {1: "mira"}, {"mira": CHARACTER})
    right = write_dump("right", {1: "ulric"}, {"ulric": CHARACTER})
    closed = captions(made(tmp_path / "closed", left, right))
    assert closed["left", 1] == ({"mira"}, set())
    opened = captions(made(tmp_path / "open", left, right, closed_categories=()))
    assert opened["left", 1] == ({"mira"}, {"ulric"})


def test_what_another_sources_implication_adds_is_yes_but_never_no(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """`cat` means `mammal` by the other's graph; a picture without `cat` may still show one."""
    left = write_dump("left", {1: "cat", 2: "dress"}, {"cat": 0, "dress": 0})
    right = write_dump("right", {1: "cat"}, {"cat": 0, "mammal": 0}, implications={"cat": "mammal"})
    found = captions(made(tmp_path / "out", left, right))
    assert found["left", 1] == ({"cat", "mammal"}, set())
    assert found["left", 2] == ({"dress"}, {"mammal"})


def test_a_source_knows_what_its_own_implications_reach(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """An implied tag that the list lacks is known there, as its posts will have it."""
    left = write_dump("left", {1: "sword", 2: "hat"}, {"sword": 0, "hat": 0},
                      implications={"sword": "weapon"})  # fmt: skip
    assert captions(made(tmp_path / "out", left))["left", 2] == ({"hat"}, set())


def test_relations_that_contradict_are_left_out_and_named(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """An earlier source is believed; the other's row is in dataset.json."""
    left = write_dump("left", {1: "a"}, {"a": 0, "b": 0}, implications={"a": "b"})
    right = write_dump("right", {1: "b"}, {"a": 0, "b": 0}, implications={"b": "a"})
    dataset = made(tmp_path / "out", left, right)
    assert dataset.about["relations_not_used"] == [["b", "a"]]
    assert captions(dataset)["left", 1][0] == {"a", "b"}
    assert captions(dataset)["right", 1][0] == {"b"}


def test_every_post_left_out_is_counted_under_its_first_reason(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """What is read is what is kept and what was dropped, picture faults included."""
    posts: list[dict[str, Any]] = [
        {"id": 1, "tag_string": "a"},
        {"id": 2, "tag_string": "a", "is_deleted": True, "is_banned": True},
        {"id": 3, "tag_string": "a", "is_banned": True},
        {"id": 4, "tag_string": "a", "is_pending": True},
        {"id": 5, "tag_string": "a", "is_flagged": True},
        {"tag_string": "a"},
        {"id": 1, "tag_string": "a b"},
        {"id": 7, "tag_string": "a", "rating": "e"},
        {"id": 8, "tag_string": "a", "file_ext": None},
        {"id": 9, "tag_string": "a"},
        {"id": 10, "tag_string": "a"},
        {"id": 11, "tag_string": "b"},
        {"id": 12, "tag_string": "a c"},
        {"id": 90, "tag_string": "a"},
    ]
    dump = write_dump("drawn", posts, {"a": 0, "b": 0, "c": 0}, aliases={"see": "c"})
    (dump / "images" / "0009" / "9.png").unlink()
    (dump / "images" / "0010" / "10.png").write_bytes(b"no picture")
    summary = build(
        BuildOptions(
            sources=(dump,), out=tmp_path / "out", ratings=("g",), max_id=50,
            required_tags=("A",), excluded_tags=("see",), maximum_share=1,
        )
    )  # fmt: skip
    assert summary.dropped == {
        "no id": 1, "id given again": 1, "deleted": 1, "banned": 1, "pending": 1, "flagged": 1,
        "no file extension": 1, "rating": 1, "id over the highest": 1,
        "required tag missing": 1, "excluded tag": 1, "picture missing": 1, "picture broken": 1,
    }  # fmt: skip
    assert summary.posts == sum(summary.dropped.values()) + sum(summary.rows.values()) == 14
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["dropped"] == summary.dropped


def test_states_can_be_taken_in(tmp_path: Path, write_dump: WriteDump) -> None:
    """Deleted posts are taken when asked for."""
    dump = write_dump("drawn", [{"id": 1, "tag_string": "a", "is_deleted": True}], {"a": 0})
    assert len(made(tmp_path / "out", dump, include=("deleted",))) == 1


def test_the_vocabulary_is_chosen_inside_the_filtered_posts(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """Counts leave out dropped posts; categories have minimums of their own; the rest is named."""
    posts: list[dict[str, Any]] = [
        {"id": 1, "tag_string": "solo hat mira"},
        {"id": 2, "tag_string": "solo hat blue_hat sketch"},
        {"id": 3, "tag_string": "solo hat rare", "is_deleted": True},
        {"id": 4, "tag_string": "solo rare"},
    ]
    tags = {"solo": 0, "hat": 0, "blue_hat": 0, "rare": 0, "mira": CHARACTER, "sketch": META}
    options = BuildOptions(
        sources=(write_dump("drawn", posts, tags),), out=tmp_path / "out", minimum_count=2,
        category_minimum_counts={"character": 1}, excluded_labels=("blue *",),
    )  # fmt: skip
    summary = build(options)
    assert summary.vocabulary.names == ("hat", "mira")
    assert summary.left_out == {
        "excluded": ("blue_hat",),
        "on nearly every post": ("solo",),
        "too few posts": ("rare",),
    }


def test_a_tag_on_every_post_that_knows_it_says_nothing(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """`chibi` is on all of one source and unknown of the other: nothing can be learned of it."""
    left = write_dump("left", {1: "chibi hat", 2: "chibi"}, {"chibi": 0, "hat": 0})
    right = write_dump("right", {1: "hat", 2: ""}, {"hat": 0})
    assert made(tmp_path / "out", left, right, maximum_share=0.99).vocabulary.names == ("hat",)


def test_no_group_is_in_two_splits(tmp_path: Path, write_dump: WriteDump) -> None:
    """Parents, children, siblings of an absent or dropped parent, and equal md5 stay together."""
    posts: list[dict[str, Any]] = [
        {"id": post, "tag_string": "a", "parent_id": post - 1 if post % 4 else None}
        for post in range(100, 400)
    ]
    posts += [{"id": post, "tag_string": "a", "md5": f"{post % 7}"} for post in range(500, 600)]
    posts += [{"id": 700 + n, "tag_string": "a", "parent_id": 5} for n in range(9)]
    posts[4]["is_deleted"] = True
    dump = write_dump("drawn", posts, {"a": 0})
    dataset = made(tmp_path / "out", dump, calibration=0.3, validation=0.3)
    split = dict(zip(dataset.column("id"), dataset.column("split"), strict=True))
    group = dict(zip(dataset.column("id"), dataset.column("group"), strict=True))
    families = [list(range(start, start + 4)) for start in range(108, 400, 4)]
    families += [[post for post in range(500, 600) if post % 7 == rest] for rest in range(7)]
    families += [[105, 106, 107], [700 + n for n in range(9)]]
    for family in families:
        assert len({split[post] for post in family}) == 1
        assert len({group[post] for post in family}) == 1
    assert len(set(group.values())) == len(families) + 1
    assert len(set(split.values())) == 3
    row = {int(post): number for number, post in enumerate(dataset.column("id"))}
    assert all(group[family[0]] == row[family[0]] for family in families)


def test_the_same_picture_in_two_sources_is_one_group(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """Two boorus have the same file under two ids."""
    posts = [{"id": 1, "tag_string": "a", "md5": "AB"}, {"id": 2, "tag_string": "a"}]
    left = write_dump("left", posts, {"a": 0})
    right = write_dump("right", [{"id": 2, "tag_string": "a", "md5": "ab"}], {"a": 0})
    assert made(tmp_path / "out", left, right).column("group").tolist() == [0, 1, 0]


def test_the_same_inputs_give_the_same_rows(tmp_path: Path, write_dump: WriteDump) -> None:
    """Neither the place nor the order of the lines changes rows, splits or content hash."""
    posts = [{"id": n, "tag_string": f"a t{n % 3}", "parent_id": n // 5} for n in range(1, 60)]
    tags = {"a": 0, "t0": 0, "t1": 0, "t2": 0}
    first = made(tmp_path / "one", write_dump("drawn", posts, tags))
    second = made(tmp_path / "two", write_dump("moved", posts[::-1], tags))
    other = made(tmp_path / "three", tmp_path / "drawn", seed=1)
    same = [name for name in first.index.column_names if name != "source"]
    assert first.index.select(same).equals(second.index.select(same))
    assert first.content == second.content != other.content


def test_a_split_does_not_depend_on_the_other_posts(tmp_path: Path, write_dump: WriteDump) -> None:
    """More posts, or another filter, leave every post where it was."""
    few = dict.fromkeys(range(1, 40), "a")
    many = dict.fromkeys(range(1, 80), "a")
    splits = [
        dict(zip(dataset.column("id"), dataset.column("split"), strict=True))
        for dataset in (
            made(tmp_path / "one", write_dump("few", few, {"a": 0}), validation=0.5),
            made(tmp_path / "two", write_dump("many", many, {"a": 0}), validation=0.5),
        )
    ]
    assert splits[0].items() <= splits[1].items()


def test_an_empty_result_says_where_the_posts_went(tmp_path: Path, write_dump: WriteDump) -> None:
    """Nothing is written, and the sentence counts the reasons."""
    posts: list[dict[str, Any]] = [
        {"id": 1, "tag_string": "a", "is_deleted": True},
        {"id": 2, "tag_string": "a", "rating": "q"},
        {"id": 3, "tag_string": "a", "rating": "q"},
    ]
    dump = write_dump("drawn", posts, {"a": 0})
    with pytest.raises(DatasetError, match="0 posts left of 3: 1 deleted, 2 rating"):
        made(tmp_path / "out", dump, ratings=("g",))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drawn"]


def test_no_labels_left_is_refused(tmp_path: Path, write_dump: WriteDump) -> None:
    """A dataset without labels could train nothing."""
    dump = write_dump("drawn", {1: "a"}, {"a": 0})
    with pytest.raises(DatasetError, match="0 tags left as labels: 1 too few posts"):
        made(tmp_path / "out", dump, minimum_count=5)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path, write_dump: WriteDump) -> None:
    """An empty folder is taken; any other is refused before anything is read."""
    dump = write_dump("drawn", {1: "a"}, {"a": 0})
    out = tmp_path / "out"
    out.mkdir()
    assert len(made(out, dump)) == 1
    with pytest.raises(DatasetError, match="expected a new or empty folder"):
        made(out, dump)
    shutil.rmtree(out)
    out.write_text("a file")
    with pytest.raises(DatasetError, match="expected a new or empty folder"):
        made(out, dump)


def test_a_failure_leaves_nothing_behind(
    tmp_path: Path, write_dump: WriteDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even the last step's failure leaves no half of a dataset, beside the folder either."""
    dump = write_dump("drawn", {1: "a"}, {"a": 0})
    monkeypatch.setattr("tagger.dataset.index.write_vocabulary", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        made(tmp_path / "out", dump)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drawn"]


def test_a_source_that_is_no_dump_is_refused(tmp_path: Path, write_dump: WriteDump) -> None:
    """One of several is enough."""
    dump = write_dump("drawn", {1: "a"}, {"a": 0})
    with pytest.raises(DatasetError, match="expected a folder or file of metadata"):
        made(tmp_path / "out", dump, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"sources": []}, "sources: expected at least one source"),
        ({"categories": ["generl"]}, "expected a category out of"),
        ({"closed_categories": ["x"]}, "expected a category out of"),
        ({"calibration": 0.6, "validation": 0.6}, "at most 1 together"),
        ({"excluded_labels": ["/(/"]}, "expected a regular expression"),
        ({"minimun_count": 3}, "did you mean 'minimum_count'"),
        ({"include": ["gone"]}, "expected"),
    ],
)
def test_wrong_options_are_refused_in_a_sentence(wrong: dict[str, Any], sentence: str) -> None:
    """Each names the setting and what was expected."""
    with pytest.raises(OptionError, match=sentence):
        from_dict(BuildOptions, {"sources": ["a"], "out": "b", **wrong})


def test_progress_is_told(tmp_path: Path, write_dump: WriteDump) -> None:
    """Each stage is named, in order."""
    stages: list[str] = []
    dump = write_dump("drawn", {1: "a"}, {"a": 0})
    options = BuildOptions(sources=(dump,), out=tmp_path / "out", maximum_share=1)
    build(options, lambda stage, done, total: stages.append(stage))
    assert list(dict.fromkeys(stages)) == [
        "reading posts", "filtering", "listing pictures", "looking at pictures", "choosing labels",
        "writing",
    ]  # fmt: skip


def test_the_demo_recipe_builds_the_sprites(tmp_path: Path, test_data: Path) -> None:
    """Groups are whole, characters are labels, and the tags of their README are in the counts."""
    section = read_recipe("demo")["dataset"]
    options = from_dict(
        BuildOptions, {**section, "sources": [test_data / "sprites"], "out": tmp_path / "out"}
    )
    summary = build(options)
    assert summary.posts == 10000
    assert len(summary.vocabulary.of("character")) == 60
    assert "solo" in summary.left_out["on nearly every post"]
    dataset = Dataset.open(tmp_path / "out")
    pairs = set(zip(dataset.column("group"), dataset.column("split"), strict=True))
    assert len(pairs) == len({group for group, _ in pairs})
    truth, known = dataset.targets(dataset.rows("validation"))
    assert known.all()
    assert truth.any(axis=1).all()
    assert dataset.image_path(0).is_file()


def test_a_dataset_keeps_the_relations_among_its_labels(
    write_dump: Callable[..., Path], tmp_path: Path
) -> None:
    """For the model that is trained on it; what leads out of the vocabulary is left out."""
    dump = write_dump(
        "dump",
        {1: "katana", 2: "sword", 3: "katana", 4: "hat"},
        {"katana": 0, "sword": 0, "tachi": 0, "hat": 0},
        aliases={"tachi": "katana"},
        implications={"katana": "sword", "bow": "weapon"},
    )
    build(BuildOptions(sources=(dump,), out=tmp_path / "out", minimum_count=1))
    known = Dataset.open(tmp_path / "out").relations
    assert known.aliases == {"tachi": "katana"}
    assert known.implications == {"katana": ("sword",)}


def test_the_index_tells_when_and_the_hash_does_not(tmp_path: Path, write_dump: WriteDump) -> None:
    """A date is told, null where there is none, and older DATASETs without dates load."""
    days = {1: "2020-01-02T03:04:05.678-05:00", 2: None, 3: "9999999-01-01", 4: "1969-12-31"}
    posts = [{"id": n, "tag_string": "a", "created_at": day} for n, day in days.items()]
    dated = made(tmp_path / "dated", write_dump("drawn", posts, {"a": 0}))
    found = dated.column("created").astype("M8[D]").astype(str).tolist()
    assert found == ["2020-01-02", "NaT", "NaT", "1969-12-31"]
    undated = [{**post, "created_at": None} for post in posts]
    other = made(tmp_path / "undated", write_dump("drawn", undated, {"a": 0}))
    assert other.content == dated.content

    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "dated" / "index.parquet"
    parquet.write_table(dated.index.drop_columns(["created"]), path)
    assert Dataset.open(tmp_path / "dated").column("id").tolist() == [1, 2, 3, 4]
