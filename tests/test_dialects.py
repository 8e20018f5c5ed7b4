"""The two dialects of the interrogate route, as their real clients read them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.dialects import (
    EITHER_MODELS,
    FLAT_MODELS,
    NESTED_MODELS,
    answer,
    flat_answer,
    nested_answer,
    parse_request,
    read_answer,
)
from tagger.errors import OptionError, StoreError, TaggerError
from tagger.labels import DANBOORU, Label, LabelSet, category
from tagger.scores import Scores

RATINGS = ("general", "sensitive", "questionable", "explicit")
TAGS = ("1girl", "long_hair", "smile", "^_^", "hat")
LABELS = LabelSet(
    (
        *(Label(name, category(DANBOORU, "rating")) for name in RATINGS),
        *(Label(name, category(DANBOORU, "general")) for name in TAGS),
        Label("", category(DANBOORU, "general")),
        Label("saber_(fate)", category(DANBOORU, "character")),
    )
)


def made(floor: float = 0.0) -> Scores:
    values = [0.001, 0.9, 0.05, 0.0, 0.35, 0.99, 0.2, 0.35, 0.34, 0.97, 0.8]
    return Scores(np.float32(values), LABELS, "m", floor)


# ---------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("fields", "dialect", "threshold"),
    [
        ({"model": "wd14-vit-v2-git"}, "flat", 0.35),
        ({"model": "wd14-convnext", "threshold": 0.5}, "flat", 0.5),
        ({"model": "wd-v1-4-moat-tagger.v2"}, "nested", 0.0),
        ({"model": "Z3D-E621-Convnext", "threshold": 0.3}, "nested", 0.3),
        ({"model": "wd-swinv2-tagger-v3"}, "nested", 0.0),
        ({}, "nested", 0.0),
        ({"model": "wd-swinv2-tagger-v3", "format": "flat"}, "flat", 0.35),
        ({"model": "wd14-vit-v2-git", "format": "nested"}, "nested", 0.0),
        ({"model": "wd14-vit-v2-git", "queue": "", "name_in_queue": ""}, "nested", 0.0),
        ({"model": "wd14-vit-v2-git", "name_in_queue": "a"}, "nested", 0.0),
    ],
)
def test_the_request_tells_which_answer_is_expected(
    fields: dict[str, object], dialect: str, threshold: float
) -> None:
    """By its format, its queue, its model's name; each dialect with its own default threshold."""
    request = parse_request({"image": "AAAA", **fields})

    assert (request.dialect, request.threshold) == (dialect, threshold)


@pytest.mark.parametrize("name", [*EITHER_MODELS, "my-own-model", ""])
def test_a_name_of_neither_kind_leaves_it_to_the_setting(name: str) -> None:
    """One of Akegarasu's names is used by a nested extension too."""
    assert parse_request({"model": name}).dialect == "nested"
    assert parse_request({"model": name}, default="flat").dialect == "flat"


def test_no_name_is_of_both_kinds() -> None:
    """Else it would tell nothing."""
    assert not FLAT_MODELS & NESTED_MODELS
    assert not EITHER_MODELS & (FLAT_MODELS | NESTED_MODELS)


@pytest.mark.parametrize("threshold", ["0.5", " 0.5 ", "5e-1", 0.5])
def test_a_threshold_may_be_text(threshold: object) -> None:
    """As the predecessors' pydantic took it."""
    assert parse_request({"model": "wd14-vit", "threshold": threshold}).threshold == 0.5


@pytest.mark.parametrize("threshold", ["much", "", [], {}, True, math.nan, "inf", 10**400])
@pytest.mark.parametrize("model", ["wd14-vit", "wd14-vit.v2"])
def test_a_threshold_that_is_no_number_is_refused(threshold: object, model: str) -> None:
    """In a sentence that names the field."""
    with pytest.raises(OptionError, match=r"^threshold: expected a number"):
        parse_request({"model": model, "threshold": threshold})


@pytest.mark.parametrize("threshold", [-0.1, 1.5, "2"])
def test_only_the_flat_dialect_minds_the_range(threshold: object) -> None:
    """picobyte's answered 200 with no tags."""
    with pytest.raises(OptionError, match=r"^threshold: expected a number from 0 to 1"):
        parse_request({"model": "wd14-vit", "threshold": threshold})
    nested = parse_request({"model": "wd14-vit.v2", "threshold": threshold})
    assert nested.threshold == float(threshold)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ("text", "body"),
        ({"image": None}, "image"),
        ({"image": 5}, "image"),
        ({"model": ["a"]}, "model"),
        ({"queue": 1}, "queue"),
        ({"name_in_queue": {}}, "name_in_queue"),
        ({"format": "round"}, "format"),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused_by_name(body: object, field: str) -> None:
    """One sentence, for the 422."""
    with pytest.raises(OptionError, match=f"^{field}: expected"):
        parse_request(body)


def test_what_is_missing_or_unknown_does_not_matter() -> None:
    """No image yet, the default model, extra keys of other tools."""
    request = parse_request({"sameless": 1, "tagmax": 2, "threshold": None})

    assert (request.image, request.model, request.queue) == ("", "", None)
    assert not request.queued


def test_the_names_of_a_queue_are_carried() -> None:
    """Either one makes it a part of a batch; empty ones do not."""
    assert parse_request({"queue": "q", "name_in_queue": ""}).queued
    assert parse_request({"queue": "", "name_in_queue": "a"}).queued
    assert not parse_request({"queue": "", "name_in_queue": ""}).queued


# ---------------------------------------------------------------- answers


def test_the_flat_answer_has_ratings_then_tags_by_score() -> None:
    """All ratings whatever their score, then `>=` on the edge, descending, raw names."""
    caption = flat_answer(made(), 0.35)["caption"]

    assert list(caption.items()) == [
        ("general", 0.001),
        ("sensitive", 0.9),
        ("questionable", 0.05),
        ("explicit", 0.0),
        ("long_hair", 0.99),
        ("saber_(fate)", 0.8),
        ("1girl", 0.35),
        ("^_^", 0.35),
    ]


def test_the_nested_answer_has_tags_in_the_models_order() -> None:
    """Strictly greater than the threshold, not sorted, raw names."""
    caption = nested_answer(made(), 0.35)["caption"]

    assert list(caption["tag"].items()) == [("long_hair", 0.99), ("saber_(fate)", 0.8)]
    assert list(caption["rating"]) == list(RATINGS)
    assert list(nested_answer(made(), 0.0)["caption"]["tag"]) == [*TAGS, "saber_(fate)"]


def test_a_model_without_ratings_answers_with_none() -> None:
    """picobyte's gave `{}` for ML-Danbooru and Z3D."""
    labels = LabelSet(LABELS.labels[4:])
    scores = Scores(made().values[4:], labels, "m")

    assert nested_answer(scores, 0.9)["caption"] == {"tag": {"long_hair": 0.99}, "rating": {}}
    assert flat_answer(scores, 0.9) == {"caption": {"long_hair": 0.99}}


def test_a_tag_called_as_a_rating_does_not_hide_the_rating() -> None:
    """One body holds a name once; clients that audit pictures read the rating."""
    labels = LabelSet((LABELS[0], Label("general", category(DANBOORU, "general"))))

    assert flat_answer(Scores(np.float32([0.1, 0.9]), labels, "m"))["caption"] == {"general": 0.1}


def test_the_answer_is_in_the_dialect_of_the_request() -> None:
    """And survives JSON."""
    flat = answer(made(), parse_request({"model": "wd14-vit", "threshold": "0.9"}))
    nested = answer(made(), parse_request({"model": "wd14-vit.v2", "threshold": 0.9}))

    assert json.loads(json.dumps(flat))["caption"]["long_hair"] == 0.99
    assert json.loads(json.dumps(nested))["caption"]["tag"] == {"long_hair": 0.99}


def test_stored_scores_do_not_answer_for_a_threshold_below_their_floor() -> None:
    """At the floor they do."""
    for write in (flat_answer, nested_answer):
        with pytest.raises(StoreError, match="infer the picture again"):
            write(made(floor=0.01), 0.0)
        assert write(made(floor=0.01), 0.01) == write(made(), 0.01)


# ---------------------------------------------------------------- what clients read


def test_the_clients_of_the_flat_dialect_find_what_they_look_for() -> None:
    """Four ratings by name, the rest are tags, each formatted as a percentage."""
    caption = dict(flat_answer(made())["caption"])

    audit = [caption.pop(name) for name in RATINGS]

    assert audit == [0.001, 0.9, 0.05, 0.0]
    assert [f"{score:.2%}" for score in caption.values()][:2] == ["99.00%", "80.00%"]


scores_of = st.lists(st.integers(0, 1_000_000), min_size=len(LABELS), max_size=len(LABELS))


@given(scores_of, st.integers(0, 100), st.sampled_from([flat_answer, nested_answer]))
def test_an_answer_reads_back_from_either_dialect(millionths, hundredths, write) -> None:
    """The tags over the threshold and all ratings, by the shape of the body alone."""
    scores = Scores(np.float32(millionths) / np.float32(1e6), LABELS, "m")
    threshold = hundredths / 100

    tags, ratings = read_answer(json.loads(json.dumps(write(scores, threshold))))

    values = {x.name: round(float(v), 6) for x, v in zip(LABELS, scores.values, strict=True)}
    over = float.__ge__ if write is flat_answer else float.__gt__
    assert ratings == {name: values[name] for name in RATINGS}
    assert tags == {
        name: values[name] for name in (*TAGS, "saber_(fate)") if over(values[name], threshold)
    }


def test_deepdanboorus_ratings_are_read_from_a_flat_answer() -> None:
    """They stand among the tags there."""
    body = {"caption": {"rating:safe": 0.9, "1girl": 0.8}}

    assert read_answer(body) == ({"1girl": 0.8}, {"safe": 0.9})


def test_a_nested_answer_may_lack_a_half() -> None:
    """Told by the half that is there."""
    assert read_answer({"caption": {"tag": {"1girl": 1}}}) == ({"1girl": 1.0}, {})


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"caption": "1girl, solo"},
        {"caption": {"1girl": "0.9"}},
        {"caption": {"1girl": True}},
        {"caption": {"1girl": math.nan}},
        {"caption": {"1girl": 10**400}},
        {"caption": {"tag": {"1girl": None}, "rating": {}}},
        {"caption": {"tag": {}, "rating": 3}},
    ],
)
def test_what_is_no_answer_is_refused_in_a_sentence(body: object) -> None:
    """Whatever stands at that address."""
    with pytest.raises(TaggerError, match=r"^expected the answer of a tagger"):
        read_answer(body)
