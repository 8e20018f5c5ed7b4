"""MCut, quick and slow."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagger.mcut import cut, mcut, surely_cut

FLOOR = np.float32(0.01)


def by_the_paper(scores: list[float]) -> float:
    """Definition 1 of Largeron 2012, in plain Python: sort, the widest gap, its middle."""
    falling = sorted(map(float, scores), reverse=True)
    gaps = [a - b for a, b in pairwise(falling)]
    at = gaps.index(max(gaps))
    return (falling[at] + falling[at + 1]) / 2


# scores as taggers give them (many tiny), all sizes, and rows whose gaps are equal
row = st.lists(
    st.one_of(
        st.floats(0, 1, width=32),
        st.floats(0, 0.015625, width=32),
        st.integers(0, 1000).map(lambda n: float(np.float32(n / 1000))),
        st.integers(0, 20).map(lambda n: n / 64),
    ),
    min_size=2,
    max_size=40,
)


def test_the_threshold_stands_in_the_middle_of_the_widest_gap() -> None:
    """0.9, 0.8 | 0.3, 0.1: the widest gap is between 0.8 and 0.3."""
    assert mcut([0.1, 0.8, 0.3, 0.9]) == pytest.approx(0.55)


@given(row)
def test_mcut_is_the_papers(scores: list[float]) -> None:
    """A second implementation agrees, to the last bit."""
    assert mcut(scores) == by_the_paper(scores)


@given(row)
@example([0.5, 0.5])
@example([0.0, 0.0])
@example([0.011, 0.0099, 0.0])
@example([0.012, 0.009, 0.0])
@example([0.02, 0.005, 0.0])
def test_the_quick_cut_takes_what_the_slow_one_takes(scores: list[float]) -> None:
    """Of the scores from 0.01 up, which are all that may become tags."""
    values = np.array(scores, np.float32)
    high = values[values >= FLOOR]

    quick = cut(high, values)

    assert (high >= quick).tolist() == (high >= by_the_paper(values.tolist())).tolist()


@given(row, row)
def test_a_cut_that_is_called_sure_does_not_depend_on_hidden_scores(
    scores: list[float], hidden: list[float]
) -> None:
    """Whatever stood below the floor, the known scores are parted alike."""
    values = np.array(scores, np.float32)
    low = values < FLOOR
    stored = np.where(low, np.float32(0), values)
    # the same known scores over other hidden ones
    other = np.where(low, np.resize(np.float32(hidden) * np.float32(0.0099), len(values)), values)

    if surely_cut(stored, 0.01):
        taken = [(x[~low] >= mcut(x)).tolist() for x in (stored, values, other)]
        assert taken[0] == taken[1] == taken[2]


def test_a_clear_gap_is_sure_and_a_near_tie_is_not() -> None:
    """0.475 and 0.470 to 0.480 can't be told apart with the floor at 0.01."""
    assert surely_cut(np.float32([0.95, 0.90, 0.05, 0.02, 0.0]), 0.01)
    assert not surely_cut(np.float32([0.955, 0.48, 0.0]), 0.01)
