"""Histograms say what all the scores would, to the width of a bin."""

from __future__ import annotations

import numpy as np
import pytest

from tagger.evaluate import metrics
from tagger.evaluate.confusion import tag_counts
from tagger.evaluate.histograms import Histograms
from tagger.evaluate.predictions import Predictions


def tagged(seed: int, pictures: int = 3000, labels: int = 60, known: float = 0.9) -> Predictions:
    """A tagger of middling quality: most scores near 0, as they are."""
    rng = np.random.default_rng(seed)
    truth = rng.random((pictures, labels)) < rng.random(labels) * 0.2
    logits = rng.normal(-4, 2, truth.shape) + truth * rng.normal(4, 2, truth.shape)
    scores = np.round(1 / (1 + np.exp(-logits)), 6).astype(np.float32)
    return Predictions(scores, truth, rng.random(truth.shape) < known)


def counted(predictions: Predictions, bins: int = 0) -> Histograms:
    """Histograms, filled a lot at a time."""
    made = Histograms(predictions.scores.shape[1], bins)
    for at in range(0, len(predictions.scores), 700):
        made.add(predictions.rows(np.arange(at, min(at + 700, len(predictions.scores)))))
    return made


def test_mean_average_precision_is_exact_to_a_thousandth() -> None:
    """Over tags as they are; and of each tag with some pictures to a hundredth."""
    answers = tagged(0)
    exact, found = metrics.average_precision(answers), counted(answers).average_precision()

    assert np.nanmean(found) == pytest.approx(np.nanmean(exact), abs=1e-3)
    assert np.nanmax(np.abs(found - exact)) < 1e-2


def test_scores_that_are_bins_give_exact_figures() -> None:
    """Where rounding changes nothing there is no difference at all, ties included."""
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    truth = rng.random((400, 5)) < 0.3
    scores = rng.choice([0.0, 0.01, 0.2, 0.5, 0.9, 1.0], truth.shape).astype(np.float32)
    answers = Predictions(scores, truth, np.ones_like(truth))
    expected = [sklearn.average_precision_score(truth[:, at], scores[:, at]) for at in range(5)]

    assert counted(answers).average_precision() == pytest.approx(expected, abs=1e-12)


def test_a_sweep_counts_as_a_threshold_does() -> None:
    """Micro counts at thresholds, to the few scores that share a bin with one."""
    answers = tagged(2)
    swept = counted(answers).sweep([0.2, 0.5, 0.8])
    total = int(answers.known.sum())

    for at, threshold in enumerate((0.2, 0.5, 0.8)):
        counts = tag_counts(answers, threshold).total()
        assert swept.tp[at] == pytest.approx(counts.tp.item(), abs=total / 1000)
        assert swept.fp[at] == pytest.approx(counts.fp.item(), abs=total / 1000)
        assert swept.tp[at] + swept.fn[at] == answers.positives.sum()


def test_precision_and_recall_meet_where_all_scores_say() -> None:
    """And the best threshold is as good as the exact one, all but for a bin."""
    answers = tagged(3)
    found = counted(answers)
    equal, exact = found.equal_point(), metrics.equal_point(answers)

    assert equal.threshold == pytest.approx(exact.threshold, abs=2e-3)
    assert equal.rates.precision == pytest.approx(equal.rates.recall, abs=2e-3)
    best = metrics.micro(tag_counts(answers, found.best())).f1
    assert best == pytest.approx(metrics.best_point(answers).rates.f1, abs=1e-3)


def test_the_curve_is_scikit_learns() -> None:
    """Precision at a recall, read off both curves."""
    sklearn = pytest.importorskip("sklearn.metrics")
    answers = tagged(4, known=1.0)
    recall, precision = counted(answers).curve()
    own, theirs, _ = sklearn.precision_recall_curve(
        answers.truth.reshape(-1), answers.scores.reshape(-1)
    )

    at = np.linspace(0.05, 0.95, 10)
    assert np.interp(at, recall, precision) == pytest.approx(
        np.interp(at, theirs[::-1], own[::-1]), abs=2e-3
    )


def test_a_tagger_that_is_as_sure_as_it_should_be_has_no_calibration_error() -> None:
    """Truth drawn from the scores themselves; one that halves its scores is off by the half."""
    rng = np.random.default_rng(5)
    scores = rng.random((40_000, 1)).astype(np.float32)
    truth = rng.random(scores.shape) < scores

    def error(said: np.ndarray) -> float:
        made = Histograms(1)
        made.add(Predictions(said.astype(np.float32), truth, np.ones_like(truth)))
        return made.reliability().error

    assert error(scores) < 0.01
    assert error(scores / 2) == pytest.approx(0.25, abs=0.01)


def test_what_has_no_positives_has_no_figure() -> None:
    """Nothing known, nothing true, no picture at all."""
    none = np.zeros((3, 2), np.bool_)
    scores = np.full((3, 2), 0.4, np.float32)

    for answers in (
        Predictions(scores, none, ~none),
        Predictions(scores, ~none, none),
        Predictions(scores[:0], none[:0], none[:0]),
    ):
        found = counted(answers)
        assert np.isnan(found.average_precision()).all()
        assert np.isnan(found.best())
        assert np.isnan(found.equal_point().threshold)
        assert found.reliability().error >= 0


def test_what_is_always_true_is_always_found() -> None:
    """All positives, one picture, constant scores."""
    for pictures in (1, 5):
        truth = np.ones((pictures, 2), np.bool_)
        found = counted(Predictions(np.full(truth.shape, 0.3, np.float32), truth, truth))
        assert found.average_precision() == pytest.approx([1.0, 1.0])
        assert found.equal_point().rates == metrics.Rates(1.0, 1.0, 1.0)


def test_many_labels_have_fewer_bins() -> None:
    """So that a vocabulary of any size fits into memory."""
    few, many = Histograms(10), Histograms(20_000)

    assert few.bins > many.bins >= 512
    assert many.positives.nbytes + many.negatives.nbytes < 300 << 20
