"""Selection: which scores become tags."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.errors import OptionError
from tagger.labels import DANBOORU, E621, Label, LabelSet, category
from tagger.options import from_dict, to_dict
from tagger.thresholds import Selection, Selector, Tag, Thresholds, rating

CATEGORIES = ("rating", "general", "character", "copyright", "meta")

LABELS = LabelSet(
    tuple(
        Label(name, category(DANBOORU, kind), threshold=own)
        for name, kind, own in (
            ("general", "rating", None),
            ("explicit", "rating", None),
            ("1girl", "general", None),
            ("long_hair", "general", 0.6),
            ("smile", "general", None),
            ("saber_(fate)", "character", None),
            ("miku", "character", None),
            ("highres", "meta", None),
            ("", "general", None),
        )
    )
)
OWN = Thresholds(0.35, {"character": 0.85}, {"smile": 0.2})


def chosen(
    values: dict[str, float], selection: Selection, thresholds: Thresholds = OWN
) -> list[str]:
    """The names taken, scores by name, 0 for the others; the unnamed label always has 0.99."""
    row = [values.get(name, 0.0) for name in LABELS.names]
    row[-1] = 0.99
    indices = Selector(selection, LABELS, thresholds)(np.float32(row))
    return [LABELS[int(i)].name for i in indices]


def everything(value: float) -> dict[str, float]:
    return dict.fromkeys(LABELS.names, value)


# ---------------------------------------------------------------- fixed


def test_a_score_equal_to_the_threshold_is_taken() -> None:
    """`>=`, on the very edge of float32."""
    edge = np.float32(0.35)
    below = np.nextafter(edge, np.float32(0))

    assert chosen({"1girl": float(edge)}, Selection()) == ["1girl"]
    assert chosen({"1girl": float(below)}, Selection()) == []


@given(st.integers(0, 1_000_000))
def test_a_typed_threshold_equals_the_same_score(millionths: int) -> None:
    """For every number of six decimals: score N passes --threshold N."""
    score = millionths / 1_000_000

    assert "1girl" in chosen({"1girl": score}, Selection(threshold=score))


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        # the model's: tag 0.2, label file 0.6, category 0.85, overall 0.35
        (Selection(), {"1girl": 0.35, "long_hair": 0.6, "smile": 0.2, "miku": 0.85}),
        # one number from a person replaces all of them
        (Selection(threshold=0.5), {"1girl": 0.5, "long_hair": 0.5, "smile": 0.5, "miku": 0.5}),
        # a category leaves the other categories to the model
        (
            Selection(category_thresholds={"general": 0.4}),
            {"1girl": 0.4, "long_hair": 0.4, "smile": 0.4, "miku": 0.85},
        ),
        # the narrowest wins, in any spelling
        (
            Selection(
                threshold=0.9,
                category_thresholds={"character": 0.7},
                tag_thresholds={"long hair": 0.3, r"saber \(fate\)": 0.1},
            ),
            {"1girl": 0.9, "long_hair": 0.3, "smile": 0.9, "miku": 0.7, "saber_(fate)": 0.1},
        ),
    ],
)
def test_the_narrowest_threshold_holds(selection: Selection, expected: dict[str, float]) -> None:
    """A person's tag, category, overall; then the model's tag, label, category, overall."""
    for name, threshold in expected.items():
        edge = np.float32(threshold)
        assert chosen({name: float(edge)}, selection) == [name]
        assert chosen({name: float(np.nextafter(edge, np.float32(0)))}, selection) == []


def test_ratings_meta_and_unnamed_labels_are_not_taken_by_themselves() -> None:
    """All but rating and meta; a slot without a name is never a tag."""
    taken = chosen(everything(0.99), Selection())

    assert set(taken) == {"1girl", "long_hair", "smile", "saber_(fate)", "miku"}


def test_categories_asked_for_are_the_only_ones() -> None:
    """`meta` comes when named, `general` goes when not."""
    taken = chosen(everything(0.99), Selection(categories=("meta", "character")))

    assert set(taken) == {"highres", "miku", "saber_(fate)"}


def test_a_furry_models_species_are_taken_by_themselves() -> None:
    """Categories are the model's own, and its 5 is no meta."""
    labels = LabelSet(tuple(Label(c.name, c) for c in E621))

    taken = Selector(Selection(), labels)(np.full(len(labels), 0.9, np.float32))

    assert {labels[int(i)].name for i in taken} == {
        "general", "artist", "copyright", "character", "species", "lore",
    }  # fmt: skip


def test_tags_come_in_descending_score_and_equal_ones_in_the_models_order() -> None:
    """The order is that of the scores, whatever their category."""
    values = {"smile": 0.9, "1girl": 0.7, "miku": 0.9, "long_hair": 0.8}

    assert chosen(values, Selection()) == ["smile", "miku", "long_hair", "1girl"]


def test_a_tag_says_its_category_score_and_place() -> None:
    """The score is the number a person reads."""
    values = np.float32([0, 0, 0.35, 0, 0, 0, 0, 0, 0])

    assert Selector(Selection(), LABELS).tags(values) == [Tag("1girl", "general", 0.35, 2)]


def test_unknown_tags_and_categories_are_told_not_refused() -> None:
    """A preset made for another model still works."""
    selection = Selection(
        category_thresholds={"species": 0.4},
        tag_thresholds={"long hair": 0.3, "lnog hair": 0.3},
        categories=("general", "charcter"),
    )

    selector = Selector(selection, LABELS)

    assert selector.unknown == ("lnog hair",)
    assert selector.unknown_categories == ("charcter", "species")


def test_the_wrong_number_of_scores_is_refused() -> None:
    """Never a caption from somebody else's labels."""
    with pytest.raises(ValueError, match="expected 9 scores"):
        Selector(Selection(), LABELS)([0.5])


# ---------------------------------------------------------------- exclude, keep, only


@pytest.mark.parametrize("spelling", ["long_hair", "long hair", r"long\_hair", "LONG HAIR"])
def test_exclude_works_in_any_spelling(spelling: str) -> None:
    """As it is written in the prompt, the caption or on the booru."""
    values = {"long_hair": 0.9, "1girl": 0.9}

    assert chosen(values, Selection(exclude=(spelling,))) == ["1girl"]


@pytest.mark.parametrize("pattern", ["*hair", "long*", "*(fate)", r"*\(fate\)", "/^(long|saber)/"])
def test_exclude_takes_wildcards_and_regexes(pattern: str) -> None:
    """What the pattern means is gone, the rest stays."""
    taken = chosen({"long_hair": 0.9, "saber_(fate)": 0.9, "1girl": 0.8}, Selection(
        exclude=(pattern,)
    ))  # fmt: skip

    assert "1girl" in taken
    assert len(taken) < 3


def test_keep_takes_a_tag_from_the_floor_up() -> None:
    """0.01 is enough, less is not; the category does not matter."""
    selection = Selection(keep=("long hair", "highres"))

    assert chosen({"long_hair": 0.01, "highres": 0.5}, selection) == ["highres", "long_hair"]
    assert chosen({"long_hair": 0.009999}, selection) == []


def test_only_leaves_nothing_else_and_still_needs_the_threshold() -> None:
    """A white list is no wish list."""
    selection = Selection(only=("*hair", "miku"))

    assert chosen(everything(0.99), selection) == ["long_hair", "miku"]
    assert chosen({"long_hair": 0.5, "miku": 0.84}, selection) == []


def test_keep_never_takes_a_tag_away() -> None:
    """A threshold of 0 lets everything through, also a tag to keep that is below the floor."""
    selection = Selection(threshold=0.0, categories=("general",), keep=("long hair",))
    assert "long_hair" in chosen({"1girl": 0.9, "long_hair": 0.004}, selection)


def test_keep_comes_on_top_of_only() -> None:
    """Named tags are named tags."""
    assert chosen(everything(0.9), Selection(only=("miku",), keep=("smile",))) == ["smile", "miku"]


@pytest.mark.parametrize("method", ["fixed", "mcut", "topk"])
def test_exclude_wins_over_keep_and_only(method: str) -> None:
    """However the rest is chosen."""
    selection = Selection(
        method=method,
        exclude=("smile",), keep=("smile", "highres"), only=("smile",),
    )  # fmt: skip

    assert chosen(everything(0.9), selection) == ["highres"]


def test_keep_and_only_leave_ratings_and_unnamed_labels_alone() -> None:
    """`*` means every tag, and a rating is none."""
    taken = chosen(everything(0.5), Selection(keep=("*",)))

    assert set(taken) == set(LABELS.names[2:-1])


@pytest.mark.parametrize("field", ["exclude", "keep", "only"])
def test_a_pattern_that_does_not_compile_is_refused_by_name(field: str) -> None:
    """Before anything runs."""
    with pytest.raises(OptionError, match=rf"^{field}: /\(/: expected a regular expression"):
        Selection(**{field: ("/(/",)})


# ---------------------------------------------------------------- ratings


def test_the_rating_is_the_highest_and_the_first_of_equal_ones() -> None:
    """By arg-max, however low."""
    values = np.zeros(9, np.float32)
    values[:2] = (0.2, 0.3)
    assert rating(values, LABELS) == Tag("explicit", "rating", 0.3, 1)

    values[:2] = 0.3
    assert rating(values, LABELS) == Tag("general", "rating", 0.3, 0)


def test_a_model_without_ratings_has_none() -> None:
    """Not the first four rows of whatever there is."""
    labels = LabelSet(LABELS.labels[2:])

    assert rating(np.zeros(7), labels) is None


def test_where_the_rating_is_asked_for_one_comes_along() -> None:
    """Not each that is over the threshold, and not none."""
    selection = Selection(categories=("rating", "general"))

    assert chosen({"general": 0.6, "explicit": 0.5, "1girl": 0.9}, selection) == [
        "1girl",
        "general",
    ]
    assert chosen({"explicit": 0.02}, selection) == ["explicit"]
    assert chosen({"general": 0.6}, Selection(categories=("rating",), exclude=("general",))) == [
        "explicit"
    ]


# ---------------------------------------------------------------- mcut, topk


def by_mcut(values: np.ndarray, labels: LabelSet) -> set[int]:
    """The slow way: each category sorted whole; the floor and the 0.15 of characters on top."""
    taken: set[int] = set()
    for name in ("general", "character", "copyright"):
        members = [i for i, x in enumerate(labels) if x.category.name == name and x.name]
        falling = sorted((float(values[i]) for i in members), reverse=True)
        gaps = [a - b for a, b in pairwise(falling)]
        at = gaps.index(max(gaps))
        least = max(
            (falling[at] + falling[at + 1]) / 2,
            float(np.float32(0.15 if name == "character" else 0.01)),
        )
        taken |= {i for i in members if float(values[i]) >= least}
    return taken


def by_topk(values: np.ndarray, labels: LabelSet, k: int) -> list[int]:
    """The slow way: one stable sort of everything that may be a tag."""
    able = [
        i
        for i, x in enumerate(labels)
        if x.name and x.category.name not in ("rating", "meta") and values[i] >= np.float32(0.01)
    ]
    return sorted(able, key=lambda i: -float(values[i]))[:k]


def vocabulary(size: int) -> LabelSet:
    """Labels of all categories, mixed up so that no category stands in one block."""
    return LabelSet(
        tuple(Label(f"t{i}", category(DANBOORU, CATEGORIES[i % 5])) for i in range(size))
    )


MIXED = vocabulary(200)
values_of = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def drawn(random: np.random.Generator, size: int) -> np.ndarray:
    """Scores of six decimals: as taggers give them, or uniform, or with many equal ones."""
    kind = random.integers(4)
    if kind == 0:
        values = random.random(size)
    elif kind == 1:
        values = random.beta(0.05, 1.0, size)
    elif kind == 2:
        values = random.integers(0, 8, size) / 8
    else:
        values = random.random(size) * 0.03
    return np.round(values, 6).astype(np.float32)


@settings(deadline=None)
@given(values_of)
def test_mcut_is_what_sorting_everything_gives(random: np.random.Generator) -> None:
    """Each category apart; a character needs 0.15."""
    values = drawn(random, len(MIXED))

    taken = Selector(Selection("mcut"), MIXED)(values)

    assert set(taken.tolist()) == by_mcut(values, MIXED)


@settings(deadline=None)
@given(values_of, st.integers(1, 100))
def test_topk_is_what_sorting_everything_gives(random: np.random.Generator, k: int) -> None:
    """All categories together, of equal scores the earlier labels."""
    values = drawn(random, len(MIXED))

    taken = Selector(Selection("topk", top_k=k), MIXED)(values)

    assert taken.tolist() == by_topk(values, MIXED, k)


def test_excluding_a_tag_does_not_move_mcuts_gap() -> None:
    """The gap is that of the model's scores; what is not wanted only goes."""
    values = {"1girl": 0.9, "long_hair": 0.4, "smile": 0.1}  # without 1girl it would be the second

    assert chosen(values, Selection("mcut")) == ["1girl"]
    assert chosen(values, Selection("mcut", exclude=("1girl",))) == []


def test_mcut_needs_the_thresholds_a_person_names_besides() -> None:
    """The model's own play no part; an explicit one stands in for the characters' 0.15."""
    values = {"1girl": 0.3, "smile": 0.02, "miku": 0.12}

    assert chosen(values, Selection("mcut")) == ["1girl"]
    assert chosen(values, Selection("mcut", threshold=0.1)) == ["1girl", "miku"]
    assert chosen(values, Selection("mcut", threshold=0.31)) == []


def test_in_a_category_of_one_label_mcut_goes_by_the_fixed_threshold() -> None:
    """One score has no gap."""
    values = everything(0.0) | {"highres": 0.4}
    selection = Selection("mcut", categories=("meta",))

    assert chosen(values, selection) == ["highres"]
    assert chosen(values, selection, Thresholds(0.41)) == []


def test_an_unnamed_slot_makes_no_second_label_of_a_category() -> None:
    """Beside it a category's one label still goes by the fixed threshold."""
    kind = category(DANBOORU, "copyright")
    labels = LabelSet((Label("touhou", kind), Label("", kind)))
    select = Selector(Selection("mcut"), labels, Thresholds(0.35))

    assert select(np.float32([0.3, 0.0])).tolist() == []
    assert select(np.float32([0.4, 0.0])).tolist() == [0]


def test_topk_counts_what_is_left_after_excluding_and_keeps_on_top() -> None:
    """Two tags are two tags."""
    values = {"1girl": 0.9, "long_hair": 0.8, "smile": 0.7, "miku": 0.02}
    selection = Selection("topk", top_k=2, exclude=("1girl",), keep=("miku",))

    assert chosen(values, selection) == ["long_hair", "smile", "miku"]


def test_topk_needs_the_thresholds_a_person_names_besides() -> None:
    """`--select topk --threshold 0.75`: at most K, and none below."""
    values = {"1girl": 0.9, "long_hair": 0.8, "smile": 0.7}

    assert chosen(values, Selection("topk", threshold=0.75)) == ["1girl", "long_hair"]


# ---------------------------------------------------------------- stored scores


@settings(deadline=None)
@given(
    values_of,
    st.sampled_from(["fixed", "mcut", "topk"]),
    st.integers(0, 30).map(lambda n: n / 1000),
)
def test_stored_scores_that_decide_give_what_fresh_ones_give(
    random: np.random.Generator, method: str, thousandths: int
) -> None:
    """Scores below 0.01 are lost in the store; where that matters, `decides` says no."""
    values = drawn(random, len(MIXED))
    ratings = np.array([label.category.name == "rating" for label in MIXED])
    stored = np.where((values >= np.float32(0.01)) | ratings, values, np.float32(0))
    selection = Selection(method, threshold=thousandths / 1000, keep=("t1", "t2"))
    selector = Selector(selection, MIXED)

    if selector.decides(stored, 0.01):
        assert selector(stored).tolist() == selector(values).tolist()
    assert selector.decides(values, 0.0)


def test_a_threshold_below_the_floor_is_not_decided_by_stored_scores() -> None:
    """So the picture is inferred again; at the floor it is not."""
    zeros = np.zeros(len(LABELS), np.float32)

    assert not Selector(Selection(threshold=0.009), LABELS).decides(zeros, 0.01)
    assert Selector(Selection(threshold=0.01), LABELS).decides(zeros, 0.01)
    assert Selector(Selection(threshold=0.009, only=()), LABELS).decides(zeros, 0.0)


def test_a_low_threshold_of_a_tag_that_is_not_written_does_not_matter() -> None:
    """The excluded one's does not, the kept one's is the floor."""
    zeros = np.zeros(len(LABELS), np.float32)
    selection = Selection(tag_thresholds={"smile": 0.001}, exclude=("smile",), keep=("1girl",))

    assert Selector(selection, LABELS).decides(zeros, 0.01)


# ---------------------------------------------------------------- values


@pytest.mark.parametrize("threshold", [-0.01, 1.01, math.nan, math.inf])
def test_a_threshold_outside_0_to_1_is_refused(threshold: float) -> None:
    """Wherever it stands."""
    with pytest.raises(OptionError, match=r"^threshold: expected a number from 0 to 1"):
        Selection(threshold=threshold)
    with pytest.raises(OptionError, match=r"^categories\[general\]: expected a number from 0 to 1"):
        Thresholds(categories={"general": threshold})


def test_a_selection_survives_json() -> None:
    """Every field."""
    selection = Selection(
        "topk", 0.4, {"character": 0.8}, {"smile": 0.1}, 12, ("general",), ("a",), ("b",), ("c",)
    )

    assert from_dict(Selection, to_dict(selection)) == selection
