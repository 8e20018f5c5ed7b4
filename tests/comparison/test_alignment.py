"""Everybody's tags under the same names, and which of them all are judged by."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from tagger.errors import StoreError
from tagger.evaluate.alignment import Align, frame, rating_name, tags_in_common
from tagger.evaluate.answers import Answers, Said
from tagger.evaluate.contestants.contestant import About
from tagger.relations import Relations
from tagger.selection import Thresholds

from .conftest import MakeTruth

RELATIONS = Relations(
    {"kitty_ears": "cat_ears"}, {"cat_ears": ("animal_ears",), "animal_ears": ("ears",)}
)


def aligned(make_truth: MakeTruth, implications: str, about: About, **tags: float):
    """What a contestant that says so of one picture has said, by tag."""
    truth = make_truth({"one": "cat_ears hat"}, RELATIONS)
    answers = Answers()
    answers.keep([("k", Said(tags))])
    into = frame(truth.pictures, ("animal_ears", "cat_ears", "ears", "hat"))
    found = Align(truth, implications)(answers, ["k"], into, about.limits)  # pyright: ignore
    columns = zip(into.tags, found.scores[0].tolist(), found.own[0].tolist(), strict=True)
    return {tag: (score, said) for tag, score, said in columns if score}


def test_an_old_name_in_another_spelling_is_the_tag_and_says_what_it_implies(
    make_truth: MakeTruth,
) -> None:
    """`kitty ears` is cat_ears; of what it implies the greater score counts."""
    about = About("x", "x", "model", thresholds=Thresholds(0.5))
    found = aligned(make_truth, "both", about, **{"kitty ears": 0.75, "ears": 0.875})

    assert found == {
        "cat_ears": (0.75, True),
        "animal_ears": (0.75, True),
        "ears": (0.875, True),
    }


def test_the_truth_alone_is_completed_where_that_is_asked(make_truth: MakeTruth) -> None:
    """Then who leaves out what is implied has not said it."""
    about = About("x", "x", "model", thresholds=Thresholds(0.5))

    assert aligned(make_truth, "truth", about, kitty_ears=0.75) == {"cat_ears": (0.75, True)}


def test_each_name_has_its_own_threshold(make_truth: MakeTruth) -> None:
    """The parent of a tag that is said is said, though its own score would not do."""
    own = Thresholds(0.5, tags={"animal_ears": 0.9, "cat_ears": 0.1})
    about = About("x", "x", "model", thresholds=own)

    found = aligned(make_truth, "both", about, cat_ears=0.25, animal_ears=0.5, hat=0.25)

    assert found["animal_ears"] == (0.5, True)
    assert found["hat"] == (0.25, False)


def test_where_the_authors_threshold_is_not_known_nothing_is_said(make_truth: MakeTruth) -> None:
    """So that nobody is judged by a threshold that somebody made up."""
    found = aligned(make_truth, "both", About("x", "x", "server"), hat=1.0)

    assert found == {"hat": (1.0, False)}


def test_common_are_the_tags_that_the_truth_and_all_know(make_truth: MakeTruth) -> None:
    """One without a list knows any; meta tags are no matter of pictures."""
    truth = make_truth({"one": "hat sky night"}, vocabulary=["hat", "sky", "night", "sun"])
    lists = [frozenset({"hat", "sky", "highres"}), None, frozenset({"sky", "hat", "sun", "tree"})]

    assert tags_in_common(truth, lists, ["tree"]) == ("hat", "sky")
    assert tags_in_common(truth, [None], ["tree"]) == ("hat", "night", "sky", "sun")
    open_truth = make_truth({"one": "hat sky"})
    assert tags_in_common(open_truth, [None], ["tree"]) == ("hat", "sky", "tree")
    kinds = {"highres": "meta", "sun": "general"}
    known = [frozenset({"highres", "sun"})]
    assert tags_in_common(open_truth, known, [], kinds=kinds) == ("sun",)
    assert tags_in_common(open_truth, known, [], ["meta"], kinds) == ("highres",)


@pytest.mark.parametrize(("three", "expected"), [(False, "sensitive"), (True, "safe")])
def test_two_of_four_ratings_are_safe_where_somebody_knows_three(
    make_truth: MakeTruth, three: bool, expected: str
) -> None:
    """On both sides."""
    truth = make_truth({"one": "hat rating:sensitive"})
    answers = Answers()
    answers.keep([("k", Said({"hat": 1.0}, {"general": 0.2, "rating:sensitive": 0.7}))])
    into = frame(truth.pictures, ("hat",), three=three)

    found = Align(truth, "both")(answers, ["k"], into, About("x", "x", "model").limits)

    assert into.ratings == found.ratings == (expected,)
    assert rating_name("rating:Safe") == "safe"


def test_what_is_not_known_of_a_picture_is_not_true_of_it_either(make_truth: MakeTruth) -> None:
    """In the truth of a frame, and marked."""
    from dataclasses import replace

    truth = make_truth({"one": "hat sky"})
    dark = replace(truth.pictures[0], unknown=frozenset({"sky"}))

    into = frame([dark], ("hat", "sky", "sun"))

    assert into.truth.tolist() == [[True, False, False]]
    assert into.known.tolist() == [[True, False, True]]


def test_answers_are_kept_and_gone_on_with(tmp_path: Path) -> None:
    """What was said is there again, rounded as everywhere; a fault is no answer."""
    path = tmp_path / "kept" / "answers.sqlite"
    answers = Answers(path)
    answers.know({"hat": "general", "sky": "general"})
    answers.keep([("a", Said({"sun": 0.1234567, "hat": 1e-9}, {"safe": 0.75, "explicit": 0.25}))])
    answers.keep([("b", Said(fault="truncated file"))])
    answers.say("timing", [1.5])
    answers.close()

    again = Answers(path)
    assert again.names == ("hat", "sky", "sun")
    assert again.done(["a", "b", "c"]) == {"a"}
    assert again.faults(["a", "b", "c"]) == {"b": "truncated file", "c": "never asked"}
    assert again.ratings(["a", "b"]) == ["safe", ""]
    assert again.said("timing") == [1.5]
    first, second = again.scores(["a", "b"])
    np.testing.assert_array_equal(first, np.array([0, 0, 0.123457], np.float32))
    assert not second.any()
    again.forget()
    assert again.done(["a"]) == set()
    again.close()

    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreError, match="another version of Tagger, 99: name another folder"):
        Answers(path)
    path.write_bytes(b"no database" * 99)
    with pytest.raises(StoreError, match="not a database"):
        Answers(path)
