"""Scores: rounding, the sparse form, the union of models."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tagger.errors import OptionError, StoreError
from tagger.labels import DANBOORU, Label, LabelSet, category
from tagger.scores import Scores, Sparse, number, numbers, rounded, union

GENERAL, RATING, CHARACTER = (category(DANBOORU, n) for n in ("general", "rating", "character"))


def label_set(*names: str) -> LabelSet:
    """Labels by name; `rating:x` is the rating x."""
    made = [
        Label(name.removeprefix("rating:"), RATING if name.startswith("rating:") else GENERAL)
        for name in names
    ]
    return LabelSet(tuple(made))


def scores(labels: LabelSet, *values: float, model: str = "m", floor: float = 0.0) -> Scores:
    return Scores(np.array(values, np.float32), labels, model, floor)


probabilities = hnp.arrays(np.float32, st.integers(0, 30), elements=st.floats(0, 1, width=32))


@given(probabilities)
def test_rounding_is_what_python_rounds_to(values: np.ndarray) -> None:
    """Six decimals, half to even, of the exact value of each float32."""
    expected = np.array([round(float(v), 6) for v in values], np.float32)

    assert np.array_equal(rounded(values), expected)


@given(probabilities)
def test_rounding_twice_is_rounding_once(values: np.ndarray) -> None:
    """A score read back from a store does not move."""
    assert np.array_equal(rounded(rounded(values)), rounded(values))


def test_a_rounded_score_equals_the_number_a_person_types() -> None:
    """float32(0.35) is what 0.3500001 becomes, and it reads 0.35."""
    value = rounded([0.35000012])[0]

    assert value == np.float32(0.35)
    assert number(value) == 0.35


def test_many_numbers_are_what_python_rounds_one_by_one_to() -> None:
    """Also where the seventh decimal is a five, or near one."""
    grid = np.arange(0, 1_000_001, 37) / 1e6
    halves = np.concatenate([grid, grid + 5e-7, np.random.default_rng(0).random(5000)])
    values = halves.clip(0, 1).astype(np.float32)
    assert numbers(values) == [round(float(value), 6) for value in values]


def test_scores_are_rounded_when_made_and_cannot_be_changed() -> None:
    """There is no other way to make them."""
    made = scores(label_set("a"), 0.12345678)

    assert number(made.values[0]) == 0.123457
    with pytest.raises(ValueError, match="read-only"):
        made.values[0] = 0


def test_scores_of_the_wrong_number_of_labels_are_refused() -> None:
    """One label, two scores: somebody's mistake, named."""
    with pytest.raises(ValueError, match=r"m: expected 1 scores, got shape \(2,\)"):
        scores(label_set("a"), 0.1, 0.2)


# ---------------------------------------------------------------- sparse


def test_the_sparse_form_keeps_what_reaches_the_floor_and_every_rating() -> None:
    """0.01 itself stays; a rating stays however low."""
    labels = label_set("rating:general", "rating:explicit", "a", "b", "c")
    made = scores(labels, 0.9, 0.000001, 0.01, 0.009999, 0.5)

    sparse = made.sparse()

    assert sparse.indices.tolist() == [0, 1, 2, 4]
    assert sparse.indices.dtype == np.uint16
    assert sparse.values.dtype == np.float32
    assert sparse.values.tolist() == np.float32([0.9, 0.000001, 0.01, 0.5]).tolist()


@given(probabilities)
def test_sparse_and_back_changes_only_what_is_below_the_floor(values: np.ndarray) -> None:
    """Known scores are bit for bit the same, unknown ones 0, and the floor says so."""
    labels = label_set(*(f"t{i}" for i in range(len(values))))
    made = scores(labels, *values)

    back = Scores.from_sparse(made.sparse(), labels, "m")

    expected = [v if v >= np.float32(0.01) else 0 for v in made.values]
    assert back.values.tolist() == expected
    assert back.floor == 0.01
    assert made.floor == 0


@pytest.mark.parametrize(("count", "kind"), [(65_535, np.uint16), (65_536, np.uint32)])
def test_more_than_65535_labels_take_wider_indices(count: int, kind: type) -> None:
    """The last index of 65,536 labels would still fit, but the rule is simple."""
    labels = label_set(*(f"t{i}" for i in range(count)))
    values = np.zeros(count, np.float32)
    values[-1] = 0.5

    sparse = Scores(values, labels, "m").sparse()

    assert sparse.indices.dtype == kind
    assert sparse.indices.tolist() == [count - 1]


def test_kept_scores_of_another_model_are_refused() -> None:
    """An index beyond the labels is one sentence, not an IndexError."""
    sparse = Sparse(np.array([7], np.uint16), np.array([0.5], np.float32))

    with pytest.raises(StoreError, match="got one for label 7: infer the picture again"):
        Scores.from_sparse(sparse, label_set("a"), "m")


# ---------------------------------------------------------------- union

A = label_set("rating:general", "long_hair", "smile")
B = label_set("long hair", "hat", "rating:general", "general")


def by_name(made: Scores) -> dict[str, float]:
    return {
        f"{label.category.name}:{label.name}": number(value)
        for label, value in zip(made.labels, made.values, strict=True)
    }


@pytest.mark.parametrize(
    ("how", "weights", "shared", "rating"),
    [
        ("mean", None, 0.5, 0.7),
        ("max", None, 0.8, 0.9),
        ("weighted", (3, 1), 0.65, 0.8),  # (3 × 0.8 + 0.2) / 4; (3 × 0.9 + 0.5) / 4
    ],
)
def test_shared_tags_are_combined_and_others_keep_their_score(
    how: str, weights: tuple[float, ...] | None, shared: float, rating: float
) -> None:
    """`long_hair` and `long hair` are one tag; the rating `general` is not the tag `general`."""
    first = scores(A, 0.9, 0.8, 0.3, model="a")
    second = scores(B, 0.2, 0.6, 0.5, 0.4, model="b")

    both = union([first, second], how, weights)

    assert by_name(both) == {
        "rating:general": rating,
        "general:long_hair": shared,
        "general:smile": 0.3,
        "general:hat": 0.6,
        "general:general": 0.4,
    }
    assert both.model == "a + b"


def test_the_union_of_stored_scores_is_that_of_fresh_ones() -> None:
    """A score below the floor counts as 0 whether or not it was stored."""
    first = scores(A, 0.9, 0.8, 0.009, model="a")
    second = scores(B, 0.004, 0.6, 0.002, 0.4, model="b")
    stored = [Scores.from_sparse(x.sparse(), x.labels, x.model) for x in (first, second)]

    assert union([first, second]).values.tolist() == union(stored).values.tolist()
    assert number(union([first, second]).values[1]) == 0.4


def test_the_first_of_two_equal_labels_counts() -> None:
    """As in LabelSet.find."""
    doubled = label_set("a_b", "a b")

    assert by_name(union([scores(doubled, 0.2, 0.9)])) == {"general:a_b": 0.2}


def test_an_exact_union_takes_scores_below_the_floor_as_they_are() -> None:
    """Of fresh scores; stored ones don't have them."""
    four = label_set("a", "b", "c", "d")
    first, second = scores(four, 0.004, 0.5, 0.2, 0.1), scores(four, 0.008, 0.009, 0.4, 0.1)

    made = union([first, second], exact=True)

    assert [number(value) for value in made.values] == [0.006, 0.2545, 0.3, 0.1]
    assert made.floor == 0
    assert number(union([first, second]).values[1]) == 0.25
    stored = Scores.from_sparse(second.sparse(), four, "b")
    with pytest.raises(ValueError, match="expected fresh scores"):
        union([first, stored], exact=True)


def test_a_label_without_a_name_is_left_out_of_the_union() -> None:
    """It can't be the same tag as anything."""
    made = union([scores(label_set("", "a"), 0.9, 0.4)])

    assert by_name(made) == {"general:a": 0.4}


@pytest.mark.parametrize("weights", [None, (1,), (1, 0), (1, -1), (1, 2, 3)])
def test_weights_that_do_not_fit_are_refused(weights: tuple[float, ...] | None) -> None:
    """One for each model, and each greater than 0."""
    both = [scores(A, 0, 0, 0), scores(A, 0, 0, 0)]

    with pytest.raises(OptionError, match="expected 2 weights greater than 0"):
        union(both, "weighted", weights)


def test_a_union_of_nothing_or_by_an_unknown_rule_is_refused() -> None:
    """Both in a sentence."""
    with pytest.raises(OptionError, match="one model at least"):
        union([])
    with pytest.raises(OptionError, match="expected one of mean, max, weighted, got 'sum'"):
        union([scores(A, 0, 0, 0)], "sum")
