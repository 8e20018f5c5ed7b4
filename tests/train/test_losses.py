"""The loss against its formula, written out in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tagger.train.losses import bce  # noqa: E402


def slow_bce(logits: np.ndarray, truth: np.ndarray, known: np.ndarray, smoothing: float) -> float:
    """-(t log p + (1 - t) log(1 - p)), one label after the other, as the textbook has it."""
    total = 0.0
    for row in range(len(logits)):
        for label in range(logits.shape[1]):
            if not known[row, label]:
                continue
            p = 1 / (1 + math.exp(-float(logits[row, label])))
            t = (1 - smoothing) if truth[row, label] else 0.0
            t += smoothing / 2
            total -= t * math.log(p) + (1 - t) * math.log(1 - p)
    return total / len(logits)


def some_batch() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 4, (6, 9))
    return logits, rng.random((6, 9)) < 0.3, rng.random((6, 9)) < 0.7


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_bce_is_the_textbooks_summed_over_known_labels(smoothing: float) -> None:
    """Summed over labels, averaged over pictures, whatever is not known left out."""
    logits, truth, known = some_batch()
    found = bce(
        torch.from_numpy(logits), torch.from_numpy(truth), torch.from_numpy(known), smoothing
    )
    assert found.dtype == torch.float32
    assert float(found) == pytest.approx(slow_bce(logits, truth, known, smoothing), rel=1e-6)


def test_an_unknown_label_gives_no_gradient() -> None:
    """And a known one gives (sigmoid - target) / pictures."""
    logits, truth, known = some_batch()
    own = torch.from_numpy(logits).requires_grad_()
    bce(own, torch.from_numpy(truth), torch.from_numpy(known)).backward()
    wanted = np.where(known, 1 / (1 + np.exp(-logits)) - truth, 0) / len(logits)
    np.testing.assert_allclose(own.grad.numpy(), wanted, atol=1e-7)


def test_half_precision_logits_are_summed_in_float32() -> None:
    """Thousands of small terms would vanish in a bfloat16 sum."""
    logits = torch.full((1, 20_000), -7.0, dtype=torch.bfloat16)
    truth = torch.zeros((1, 20_000), dtype=torch.bool)
    wanted = 20_000 * math.log1p(math.exp(-7))
    assert float(bce(logits, truth, ~truth)) == pytest.approx(wanted, rel=1e-3)
