from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger import counts
from tagger.counts import count
from tagger.errors import DatasetError

LABELS = 6
pictures = st.lists(st.lists(st.integers(0, LABELS - 1), max_size=8), max_size=12)
FOUR = [[0, 1, 2], [0, 1], [0, 3], [1, 2]]


def slow_together(rows: list[list[int]], a: int, b: int) -> int:
    return sum(a in row and b in row for row in rows)


def slow_ppmi(rows: list[list[int]], a: int, b: int) -> float:
    """The definition in probabilities: ln(p(a, b) / (p(a) p(b))), at least 0."""
    if a == b or not slow_together(rows, a, b):
        return 0.0
    both = slow_together(rows, a, b) / len(rows)
    alone = [sum(one in row for row in rows) / len(rows) for one in (a, b)]
    return max(0.0, math.log(both / (alone[0] * alone[1])))


def slow_cosine(one: list[float], other: list[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(x * y for x, y in zip(one, other, strict=True)) / lengths if lengths else 0.0


@given(pictures)
def test_counts_are_what_counting_by_hand_gives(rows: list[list[int]]) -> None:
    """A label named twice in one picture counts once."""
    found = count(rows, LABELS)
    assert found.pictures == len(rows)
    assert found.frequency.tolist() == [slow_together(rows, a, a) for a in range(LABELS)]
    table = {
        (a, b): slow_together(rows, a, b)
        for a, b in combinations(range(LABELS), 2)
        if slow_together(rows, a, b)
    }
    pairs = [(int(a), int(b)) for a, b in found.pairs]
    assert dict(zip(pairs, found.together.tolist(), strict=True)) == table
    assert pairs == sorted(table)


@given(pictures, st.lists(st.integers(0, LABELS - 1)))
def test_cooccurrence_is_a_row_of_the_full_table(rows: list[list[int]], wanted: list[int]) -> None:
    expected = [[slow_together(rows, a, b) for b in range(LABELS)] for a in wanted]
    table = count(rows, LABELS).cooccurrence(wanted)
    np.testing.assert_array_equal(table, np.array(expected, np.int64).reshape(-1, LABELS))


@given(pictures)
def test_ppmi_follows_its_definition(rows: list[list[int]]) -> None:
    expected = [[slow_ppmi(rows, a, b) for b in range(LABELS)] for a in range(LABELS)]
    ppmi = count(rows, LABELS).ppmi(range(LABELS))
    assert ppmi.dtype == np.float32
    np.testing.assert_allclose(ppmi, expected, atol=1e-6)


@given(pictures)
def test_similarity_is_the_cosine_of_ppmi_rows(rows: list[list[int]]) -> None:
    ppmi = [[slow_ppmi(rows, a, b) for b in range(LABELS)] for a in range(LABELS)]
    expected = [[slow_cosine(one, other) for other in ppmi] for one in ppmi]
    similarity = count(rows, LABELS).similarity(range(LABELS))
    assert similarity.dtype == np.float32
    np.testing.assert_allclose(similarity, expected, atol=1e-5)


def test_ppmi_of_four_pictures_by_hand() -> None:
    """Labels 1 and 2 meet in 2 of 4 pictures, alone in 3 and 2: ln(2 * 4 / (3 * 2))."""
    ppmi = count(FOUR, 4).ppmi([1])
    np.testing.assert_allclose(ppmi, [[0.0, 0.0, math.log(8 / 6), 0.0]], rtol=1e-6)


def test_labels_of_the_same_company_are_similar_although_they_never_meet() -> None:
    """Two hair colours beside the same face; a third label in other company."""
    rows = [[0, 2], [1, 2], [0, 2], [1, 2], [3, 4], [4]]
    similarity = count(rows, 5).similarity([0, 1, 3])
    assert similarity[0, 1] == pytest.approx(1)
    assert similarity[0, 2] == 0


@given(pictures, st.integers(1, 5))
def test_counting_in_pieces_changes_nothing(rows: list[list[int]], chunk: int) -> None:
    """Chunks and the sparse way, used for large vocabularies, give the same counts."""
    whole = count(rows, LABELS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "CHUNK", chunk)
        patch.setattr(counts, "DENSE", 0)
        parts = count(iter(rows), LABELS)
    np.testing.assert_array_equal(parts.frequency, whole.frequency, strict=True)
    np.testing.assert_array_equal(parts.pairs, whole.pairs, strict=True)
    np.testing.assert_array_equal(parts.together, whole.together, strict=True)


def test_pictures_may_be_arrays() -> None:
    arrays = [np.array(row, np.int32) for row in FOUR]
    assert count(arrays, 4).together.tolist() == count(FOUR, 4).together.tolist()


@pytest.mark.parametrize("rows", [[], [[]], [[], []]])
def test_nothing_to_count_is_all_zeros(rows: list[list[int]]) -> None:
    found = count(rows, 3)
    assert found.frequency.tolist() == [0, 0, 0]
    assert not found.ppmi([0, 1, 2]).any()
    assert not found.similarity([0, 1, 2]).any()


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_that_is_no_label_is_refused_with_its_picture(index: int) -> None:
    with pytest.raises(
        DatasetError, match=f"picture 1: expected label indices from 0 to 2, got {index}"
    ):
        count([[0], [1, index]], 3)
