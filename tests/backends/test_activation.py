"""From outputs to probabilities, against the formulas in Python's own floats."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tagger.backends.activation import activate, sigmoid
from tagger.labels import DANBOORU, Label, LabelSet, category
from tagger.models.spec import Contract

LOGITS = [[-120.0, -3.5, 0.0, 2.0, 90.0], [1.0, 1.0, -1.0, 0.25, 5.0]]
RATED = LabelSet(
    tuple(
        Label(name, category(DANBOORU, kind))
        for name, kind in (
            ("general", "rating"),
            ("1girl", "general"),
            ("explicit", "rating"),
            ("hat", "general"),
            ("smile", "general"),
        )
    )
)


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_nothing_is_done_to_probabilities() -> None:
    """Only the type: a half-precision graph puts out float16."""
    given = np.array([[0.25, 1.0]], np.float16)
    result = activate(given, Contract(), RATED)
    assert result.dtype == np.float32
    assert result.tolist() == [[0.25, 1.0]]


def test_a_sigmoid_is_right_to_its_ends() -> None:
    """No overflow, no warning, float32 all the way."""
    result = activate(np.array(LOGITS, np.float32), Contract(activation="sigmoid"), RATED)
    wanted = [[logistic(x) for x in row] for row in LOGITS]
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, wanted, rtol=1e-6, atol=1e-7)
    assert sigmoid(np.array([-200.0, 200.0], np.float32)).tolist() == [0.0, 1.0]


def test_labels_that_exclude_each_other_share_one() -> None:
    """Softmax over the ratings, a sigmoid for each of the rest."""
    contract = Contract(activation="softmax", softmax=("rating", "artist"))
    result = activate(np.array(LOGITS, np.float32), contract, RATED)
    for row, logits in zip(result, LOGITS, strict=True):
        powers = math.exp(logits[0]), math.exp(logits[2])
        assert row[0] == pytest.approx(powers[0] / sum(powers), abs=1e-7)
        assert row[2] == pytest.approx(powers[1] / sum(powers), abs=1e-7)
        assert row[[1, 3, 4]].tolist() == [
            pytest.approx(logistic(logits[i]), abs=1e-7) for i in (1, 3, 4)
        ]


def test_a_gate_multiplies() -> None:
    """Twice the columns: sigmoid of the first half times sigmoid of the second (JTP PILOT2)."""
    given = np.array([[*LOGITS[0], *LOGITS[1]]], np.float32)
    result = activate(given, Contract(activation="gated"), RATED)
    wanted = [logistic(a) * logistic(b) for a, b in zip(*LOGITS, strict=True)]
    np.testing.assert_allclose(result, [wanted], rtol=1e-6, atol=1e-7)
