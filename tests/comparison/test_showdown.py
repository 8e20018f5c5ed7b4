"""The showdown's score, against the sentence it is written as."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.evaluate.showdown import score, tally

TAGS = ["1girl", "solo", "hat", "sky", "night"]
SETS = st.lists(st.sets(st.sampled_from(TAGS)), min_size=1, max_size=6)
RATING = st.sampled_from(["", "general", "explicit"])


def table(rows: list[set[str]]) -> np.ndarray:
    """bool[N, n] of sets."""
    return np.array([[tag in row for tag in TAGS] for row in rows], bool)


@settings(max_examples=50)
@given(SETS, st.data())
def test_it_is_right_less_wrong_by_what_is_true(true: list[set[str]], data: st.DataObject) -> None:
    """Python's own sets say the same, the rating as one tag more."""
    several = st.lists(RATING, min_size=len(true), max_size=len(true))
    said = data.draw(
        st.lists(st.sets(st.sampled_from(TAGS)), min_size=len(true), max_size=len(true))
    )
    ratings, told = data.draw(several), data.draw(several)
    expected: list[float] = []
    for d, p, rating, guess in zip(true, said, ratings, told, strict=True):
        d, p = set(d), set(p)
        if rating:
            d.add(f"rating:{rating}")
            p |= {f"rating:{guess}"} if guess else set()
        expected.append((len(p & d) - len(p - d)) / len(d) if d else np.nan)

    of = tally(table(said), table(true), np.ones((len(true), 5), bool), told, ratings)

    np.testing.assert_allclose(score(of), expected)
    assert (of.true == [len(d) + bool(r) for d, r in zip(true, ratings, strict=True)]).all()


def test_where_nothing_is_known_nothing_counts() -> None:
    """A wrong tag, a right one and a missed one, each unknown, change nothing."""
    true, said = table([{"1girl", "hat", "sky"}]), table([{"1girl", "hat", "night"}])
    known = table([{"1girl", "solo"}])

    of = tally(said, true, known, ["general"], [""])

    assert score(of).tolist() == [1.0]
    assert (of.errors.tolist(), of.missed.tolist(), of.true.tolist()) == ([0], [0], [1])


def test_who_answers_all_there_is_falls_below_zero() -> None:
    """More is wrong than right: one of five is true."""
    of = tally(table([set(TAGS)]), table([{"hat"}]), np.ones((1, 5), bool), [""], [""])

    assert score(of).tolist() == [(1 - 4) / 1]
