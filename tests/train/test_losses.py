"""Every loss against its formula, written out in float64, one label after the other."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tagger.train import losses  # noqa: E402
from tagger.train.config import LossOptions  # noqa: E402

Slow = Callable[[float, float], float]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def slow_bce(x: float, t: float) -> float:
    return -t * math.log(sigmoid(x)) - (1 - t) * math.log(1 - sigmoid(x))


def slow_asl(x: float, t: float, negative: float = 4, positive: float = 0) -> float:
    """Ridnik 2021, equations 4 to 7: p_m = max(p - m, 0)."""
    p = sigmoid(x)
    if t:
        return -((1 - p) ** positive) * math.log(p)
    shifted = max(p - 0.05, 0)
    return -(shifted**negative) * math.log(1 - shifted)


def slow_focal(x: float, t: float) -> float:
    """Lin 2017, equation 5: -alpha_t (1 - p_t)^gamma log p_t."""
    p = sigmoid(x) if t else 1 - sigmoid(x)
    return -(0.25 if t else 0.75) * (1 - p) ** 2 * math.log(p)


def slow_hill(x: float, t: float) -> float:
    """Zhang 2021, equations 6 and 8."""
    p, q = sigmoid(x), sigmoid(x - 1)
    return -((1 - q) ** 2) * math.log(q) if t else (1.5 - p) * p**2


def slow_splc(x: float, t: float) -> float:
    """Zhang 2021, equation 12: negatives over .6 are positives; those have had no margin."""
    if t:
        q = sigmoid(x - 1)
        return -((1 - q) ** 2) * math.log(q)
    p = sigmoid(x)
    if p > 0.6:
        return -((1 - p) ** 2) * math.log(p)
    return -(p**2) * math.log(1 - p)


def slow_mse(x: float, t: float) -> float:
    return (sigmoid(x) - t) ** 2


BY_LABEL: dict[str, Slow] = {
    "bce": slow_bce,
    "asl": slow_asl,
    "focal": slow_focal,
    "hill": slow_hill,
    "splc": slow_splc,
    "mse": slow_mse,
}


def some_batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.normal(0, 4, (6, 9)), rng.random((6, 9)) < 0.3


def computed(kind: str, logits: np.ndarray, truth: np.ndarray, epoch: int = 9) -> np.ndarray:
    """By its defaults, which are the published constants."""
    loss = losses.make_loss(kind, LossOptions(), epoch)
    found = loss(torch.from_numpy(logits), torch.from_numpy(truth).float())
    assert found.dtype == torch.float32
    return found.numpy()


@pytest.mark.parametrize("kind", sorted(BY_LABEL))
def test_a_loss_is_its_authors_formula(kind: str) -> None:
    logits, truth = some_batch()
    wanted = np.vectorize(BY_LABEL[kind])(logits, truth.astype(float))
    np.testing.assert_allclose(computed(kind, logits, truth), wanted, rtol=2e-5, atol=2e-6)


def test_asl_for_thousands_of_labels_takes_its_authors_constants() -> None:
    """7, 0 and .05 (Ridnik 2021, appendix F, Open Images)."""
    logits, truth = some_batch()
    own = losses.asl(torch.from_numpy(logits), torch.from_numpy(truth).float(), 7)
    wanted = np.vectorize(lambda x, t: slow_asl(x, t, 7))(logits, truth)
    np.testing.assert_allclose(own.numpy(), wanted, rtol=1e-4, atol=1e-6)


def test_asl_is_timms_gradient_included() -> None:
    """Which sends none through the focusing weight, as the authors train."""
    timm_loss = pytest.importorskip("timm.loss")
    logits, truth = some_batch()
    gradients, values = [], []
    theirs = timm_loss.AsymmetricLossMultiLabel(4, 1, 0.05, disable_torch_grad_focal_loss=True)
    for loss in (lambda x, y: losses.asl(x, y, 4, 1).sum(), theirs):
        x = torch.from_numpy(logits).float().requires_grad_()
        value = loss(x, torch.from_numpy(truth).float())
        value.backward()
        assert x.grad is not None
        values.append(value.item())
        gradients.append(x.grad / value.item())  # timm's newer releases average over pictures
    assert torch.allclose(gradients[0], gradients[1], atol=1e-6)
    assert values[0] / values[1] == pytest.approx(round(values[0] / values[1]), rel=1e-5)


def test_splc_corrects_nothing_in_its_first_epoch() -> None:
    """The authors begin with the second."""
    logits, truth = np.array([[3.0]]), np.array([[False]])
    p = sigmoid(3)
    wanted = -(p**2) * math.log(1 - p)
    assert computed("splc", logits, truth, epoch=0)[0, 0] == pytest.approx(wanted, rel=1e-5)
    assert computed("splc", logits, truth, epoch=1)[0, 0] < wanted / 50


def test_hill_forgives_a_negative_that_is_surely_positive() -> None:
    """Its gradient grows up to p = 1/2 and is zero at p = 1, where bce's is largest."""
    x = torch.tensor([[0.0, 8.0]], requires_grad=True)
    losses.hill(x, torch.zeros(1, 2)).sum().backward()
    assert x.grad is not None
    assert x.grad[0, 0] > 0.15
    assert abs(float(x.grad[0, 1])) < 1e-3


def test_cross_entropy_is_of_pictures_with_exactly_one_label() -> None:
    """-log of a softmax; two characters, or none, teach nothing here."""
    logits = np.array([[1.0, 2.0, -1.0]] * 3)
    truth = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 0]], bool)
    wanted = -math.log(math.exp(2) / sum(math.exp(x) for x in logits[0]))
    assert computed("cross_entropy", logits, truth).sum(1) == pytest.approx([wanted, 0, 0])


def test_softmax_shares_one_over_k() -> None:
    """dipofi's target is uniform over a picture's labels."""
    logits = np.array([[1.0, 2.0, -1.0]] * 3)
    truth = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 0]], bool)
    logs = logits[0] - math.log(sum(math.exp(x) for x in logits[0]))
    wanted = [-logs[1], -(logs[0] + logs[1]) / 2, 0]
    assert computed("softmax", logits, truth).sum(1) == pytest.approx(wanted)


def test_an_ordinal_answer_asks_at_each_cut_whether_it_is_above() -> None:
    logits, level = np.array([[2.0, 0.5, -1.0]] * 4), np.arange(4)
    found = losses.ordinal(torch.from_numpy(logits), torch.from_numpy(level))
    wanted = [
        sum(slow_bce(x, float(own > cut)) for cut, x in enumerate(logits[own])) for own in level
    ]
    assert found.sum(1).tolist() == pytest.approx(wanted, rel=1e-5)


def test_exclusion_is_the_divergence_between_layers_apart() -> None:
    """T^2 sum KL(later || earlier), a mean over pictures."""
    rng = np.random.default_rng(0)
    layers = rng.normal(size=(4, 3, 5))
    total = 0.0
    for one, later in ((0, 2), (1, 3)):
        for row in range(3):
            a, b = (np.exp(layers[n, row] / 2) for n in (one, later))
            a, b = a / a.sum(), b / b.sum()
            total += float((b * np.log(b / a)).sum()) / 3 * 4
    found = losses.exclusion([torch.from_numpy(each) for each in layers], 2.0, 2)
    assert float(found) == pytest.approx(total, rel=1e-5)


def test_distillation_is_least_at_the_teachers_own_probabilities() -> None:
    """And is the textbook's binary cross-entropy at a temperature of 1."""
    teacher = np.array([[0.9, 0.2, 0.5]])
    logits = np.log(teacher / (1 - teacher))
    aim = torch.from_numpy(teacher)
    found = losses.distillation(torch.from_numpy(logits), aim)
    wanted = [slow_bce(x, t) for x, t in zip(logits[0], teacher[0], strict=True)]
    assert found[0].tolist() == pytest.approx(wanted, rel=1e-4)
    for temperature in (1.0, 3.0):
        x = torch.from_numpy(logits).requires_grad_()
        losses.distillation(x, aim, temperature).sum().backward()
        assert x.grad is not None
        assert float(x.grad.abs().max()) < 1e-5


def test_half_precision_logits_are_counted_in_float32() -> None:
    """Thousands of small terms would vanish in a bfloat16 sum."""
    logits = torch.full((1, 20_000), -7.0, dtype=torch.bfloat16)
    found = losses.bce(logits, torch.zeros(1, 20_000))
    assert float(found.sum()) == pytest.approx(20_000 * math.log1p(math.exp(-7)), rel=1e-3)


@pytest.mark.parametrize("kind", sorted(BY_LABEL))
def test_extreme_logits_cost_a_finite_price(kind: str) -> None:
    """A network that has run away is brought back by its gradient, not by NaN."""
    x = torch.tensor([[-90.0, 90.0, 90.0, -90.0]], requires_grad=True)
    loss = losses.make_loss(kind, LossOptions(), 9)(x, torch.tensor([[1.0, 0.0, 1.0, 0.0]]))
    loss.sum().backward()
    assert loss.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_smoothing_of_a_fifth_makes_nine_tenths() -> None:
    """The published targets of the anime-art-tagger."""
    found = losses.smoothed(torch.tensor([1.0, 0.0]), LossOptions().mse_smoothing)
    assert found.tolist() == pytest.approx([0.9, 0.1])


def test_the_published_constants_are_the_defaults() -> None:
    options = LossOptions()
    assert (options.asl_gamma_negative, options.asl_gamma_positive, options.asl_clip) == (
        4,
        0,
        0.05,
    )
    assert (options.exclusion_temperature, options.exclusion_distance) == (1, 2)
    assert (options.splc_tau, options.splc_from) == (0.6, 1)
