"""Thresholds baked into scores: what tools with one threshold of 0.35 then pick."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tagger.export.baking import bake

UNIT = st.floats(0, 1, width=32)


def baked(score: float, limit: float) -> np.float32:
    return bake(np.float32([score]), np.float32([limit]))[0]


@given(UNIT, UNIT)
def test_035_parts_baked_scores_where_the_own_threshold_parted_them(
    score: float, limit: float
) -> None:
    """By >= and by >, in float32 and in float64."""
    value = baked(score, limit)
    picked = score >= limit
    assert (value >= np.float32(0.35)) == (value > np.float32(0.35)) == picked
    assert (float(value) >= 0.35) == (float(value) > 0.35) == picked
    assert 0 <= value <= 1


@given(UNIT, UNIT, UNIT)
def test_a_higher_score_is_never_baked_lower(one: float, other: float, limit: float) -> None:
    """So that an order by score stays one."""
    low, high = sorted((one, other))
    assert baked(low, limit) <= baked(high, limit)


INNER = UNIT.filter(lambda value: 0.01 < value < 0.99)


@given(INNER, INNER)
def test_baking_is_a_shift_of_the_logit(score: float, limit: float) -> None:
    """By logit(0.35) - logit(t), but for what keeps scores off 0.35 itself."""
    logit = math.log(score / (1 - score)) + math.log(0.35 / 0.65) - math.log(limit / (1 - limit))
    np.testing.assert_allclose(baked(score, limit), 1 / (1 + math.exp(-logit)), atol=3e-6)
