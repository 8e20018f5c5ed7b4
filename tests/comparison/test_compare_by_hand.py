"""The comparison on truth written by hand, each figure worked out on paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.evaluate.comparison import CompareOptions, compare
from tagger.evaluate.comparison.furry import furry
from tagger.evaluate.comparison.result import Result
from tagger.evaluate.contestants import find_contestants
from tagger.evaluate.truth import Truth
from tagger.settings import Runtime

from .conftest import MakeTruth, write_captions

Judge = Callable[..., Result]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Compare captions, by name, on a truth."""

    def judge_all(truth: Truth, said: dict[str, dict[str, list[str]]], **options: object) -> Result:
        words = [
            f"{name}={write_captions(tmp_path / name, captions)}" for name, captions in said.items()
        ]
        settings = {"draws": 100, "support": 1, **options}
        asked = CompareOptions(dataset=tmp_path, contestant=tuple(words), **settings)  # pyright: ignore
        return compare(find_contestants(words, Runtime()), asked, truth=truth)

    return judge_all


WOLVES = {
    "a": "wolf fur sitting rating:safe",
    "b": "wolf scarf rating:explicit",
    "c": "fox rating:questionable",
}
HEADS = {
    "wolf": "species",
    "fox": "species",
    "fur": "body",
    "scarf": "clothing",
    "sitting": "action",
}
SAID = {
    "one": {
        "a": ["wolf", "fur", "rating:general"],  # sitting is missed
        "b": ["fox", "scarf", "rating:explicit"],  # fox for wolf
        "c": ["fox", "rating:explicit"],  # another rating
    },
    "all": {name: ["wolf", "fox", "rating:safe"] for name in "abc"},
}


def test_the_figures_are_those_worked_out_on_paper(make_truth: MakeTruth, judge: Judge) -> None:
    """Scores, errors by kind, rates; four ratings are three, since the truth knows no more."""
    result = judge(make_truth(WOLVES), SAID)

    one = next(entry for entry in result.entries if entry.name == "one").at("own")
    # a: 2 tags and the rating of 4; b: scarf and the rating, less fox, of 3; c: fox, less a rating
    assert one.scores.tolist() == pytest.approx([3 / 4, 1 / 3, 0.0])
    assert one.figures.score.value == pytest.approx((3 / 4 + 1 / 3) / 3)
    errors = one.figures.errors
    assert (errors.wrong, errors.wrong_ratings) == pytest.approx((2 / 3, 1 / 3))
    assert (errors.practical, errors.missed) == pytest.approx((1 / 3, 2 / 3))
    assert (one.figures.rating.value, one.figures.rating.of) == (pytest.approx(2 / 3), 3)
    # wolf: 1 of 2 found; fox: found, 1 of 2 right; fur and scarf right; sitting never said
    assert one.figures.tags.recall == pytest.approx((1 / 2 + 1 + 1 + 1 + 0) / 5)
    assert one.figures.tags.precision == pytest.approx((1 + 1 / 2 + 1 + 1 + 0) / 5)
    assert one.figures.tag_accuracy == pytest.approx(1 - 3 / 15)
    assert [entry.name for entry in result.ranked()] == ["one", "all"]
    assert any("three ratings" in note for note in result.notes)


def test_a_table_for_each_head_and_the_list_of_models(make_truth: MakeTruth, judge: Judge) -> None:
    """furry-image-model's: heads in its order, rating last; captions have no size."""
    truth = replace(make_truth(WOLVES), heads=HEADS)

    grids = {grid.title: grid for grid in furry(judge(truth, SAID, recipe="furry"))}

    assert list(grids) == [
        "Models", "Head species", "Head body", "Head clothing", "Head action", "Head rating",
    ]  # fmt: skip
    species = dict(zip(grids["Head species"].head, grids["Head species"].rows[0], strict=True))
    # of three true species two are found, one is wrong
    assert (species["name"], species["tags"]) == ("one", "2")
    assert (species["F1"], species["recall"], species["precision"]) == ("0.667",) * 3
    models = dict(zip(grids["Models"].head, grids["Models"].rows[0], strict=True))
    assert (models["rating accuracy"], models["size"], models["normalised"]) == (
        "0.667", "n/a", "n/a",
    )  # fmt: skip
    assert grids["Head rating"].rows[1] == ["all", "0.333", "3"]


def test_versions_of_a_picture_are_drawn_together(make_truth: MakeTruth, judge: Judge) -> None:
    """Twenty copies of one picture are one picture's worth of evidence: the interval is a point."""
    truth = make_truth({f"p{n}": "hat" if n % 2 else "hat sky" for n in range(20)})
    said = {"half": {f"p{n}": ["hat"] for n in range(20)}}
    together = replace(truth, pictures=tuple(replace(each, group=7) for each in truth.pictures))

    apart, one = (judge(each, said).entries[0].at("own").figures for each in (truth, together))

    assert apart.score.value == one.score.value == pytest.approx(0.75)
    assert apart.score.low < 0.75 < apart.score.high
    assert one.score.low == one.score.high == pytest.approx(0.75)


def test_pictures_of_which_nothing_is_true_are_counted_and_left_out(
    make_truth: MakeTruth, judge: Judge
) -> None:
    """Whatever is said of them; and with no other picture there is nothing to compare."""
    truth = make_truth({"a": "hat", "b": "", "c": ""})

    result = judge(truth, {"x": {name: ["hat"] for name in "abc"}})

    assert result.empty == 2
    assert result.entries[0].at("own").figures.score.value == 1.0
    with pytest.raises(UsageError, match="of which something is true"):
        judge(make_truth({"a": "", "b": ""}), {"y": {name: ["hat"] for name in "ab"}})


def test_unknown_tags_count_for_nobody(make_truth: MakeTruth, judge: Judge) -> None:
    """Neither said nor missed."""
    truth = make_truth({"a": "hat", "b": "hat sky"})
    dark = tuple(replace(each, unknown=frozenset({"sky"}), tags=frozenset({"hat"}))
                 for each in truth.pictures)  # fmt: skip

    result = judge(replace(truth, pictures=dark), {"x": {name: ["hat", "sky"] for name in "ab"}})

    assert result.entries[0].at("own").scores.tolist() == [1.0, 1.0]
