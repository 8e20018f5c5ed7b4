"""Intervals are those of pictures drawn again, and pairing cancels what is common."""

from __future__ import annotations

import numpy as np
import pytest

from tagger.errors import OptionError
from tagger.evaluate import intervals, metrics
from tagger.evaluate.intervals import Bootstrap
from tagger.evaluate.predictions import Predictions


def answers(seed: int, pictures: int = 200, noise: float = 0.5) -> Predictions:
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(0).random((pictures, 5)) < 0.4
    scores = truth * 0.4 + rng.random(truth.shape) * noise
    return Predictions(scores.astype(np.float32), truth, np.ones(truth.shape, bool))


def test_a_figure_is_that_of_the_sums_over_each_draw() -> None:
    """The same draws, each evaluated as a set of pictures of its own."""
    found = answers(1)
    options = Bootstrap(draws=100, seed=7)
    rng = np.random.default_rng(7)
    slow: list[float] = []
    for _ in range(100):
        drawn = found.rows(rng.integers(0, 200, 200))
        slow.append(metrics.micro(metrics.tag_counts(drawn, 0.5)).f1)
    counts = metrics.image_counts(found, 0.5)
    interval = intervals.interval(intervals.by_picture(counts), intervals.f1, options)
    assert interval.value == pytest.approx(metrics.micro(counts).f1)
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])))


def test_micro_figures_of_sums_are_those_of_counts() -> None:
    """Precision, recall and F1 of the sums are the micro rates."""
    counts = metrics.image_counts(answers(2), 0.5)
    rates = metrics.micro(counts)
    sums = intervals.by_picture(counts).sum(axis=0)
    figures = (intervals.precision, intervals.recall, intervals.f1)
    assert [float(figure(sums)) for figure in figures] == pytest.approx(
        [rates.precision, rates.recall, rates.f1]
    )


def test_a_shares_interval_is_the_binomial_one() -> None:
    """Of 1,000 pictures, 800 right: the normal interval is 0.8 ± 1.96 sqrt(0.8 · 0.2 / 1000)."""
    hits = np.repeat([1.0, 0.0, np.nan], [800, 200, 50])
    found = intervals.interval(intervals.of_means(hits), intervals.share)
    half = 1.96 * (0.8 * 0.2 / 1000) ** 0.5
    assert found.value == 0.8
    assert found.low == pytest.approx(0.8 - half, abs=0.004)
    assert found.high == pytest.approx(0.8 + half, abs=0.004)


def test_it_is_scipys_percentile_bootstrap() -> None:
    """Another implementation gives the same ends, but for chance."""
    pytest.importorskip("scipy", minversion="1.15")
    from scipy import stats

    values = np.random.default_rng(3).gamma(2.0, size=300)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    found = intervals.interval(intervals.of_means(values), intervals.share, Bootstrap(draws=4000))
    width = expected.high - expected.low
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.1 * width)


def test_a_difference_is_paired() -> None:
    """A tagger against itself differs by exactly 0; two apart less than their own intervals say."""
    hard = np.random.default_rng(4).random((300, 1))
    truth = np.random.default_rng(5).random((300, 5)) < 0.4

    def said(seed: int, help_given: float) -> np.ndarray:
        noise = np.random.default_rng(seed).random(truth.shape)
        wrong = noise * 0.2 + 0.8 * hard > 0.6 + help_given
        known = np.ones(truth.shape, bool)
        scores = (truth ^ wrong).astype(np.float32)
        counts = metrics.image_counts(Predictions(scores, truth, known), 0.5)
        return intervals.by_picture(counts)

    first, second = said(1, 0), said(2, 0.05)
    same = intervals.difference(first, first, intervals.f1)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    gain = intervals.difference(first, second, intervals.f1)
    alone = intervals.interval(second, intervals.f1)
    assert gain.value == pytest.approx(alone.value - intervals.interval(first, intervals.f1).value)
    assert gain.low > 0
    assert gain.high - gain.low < 0.7 * (alone.high - alone.low)


def test_a_group_is_drawn_as_one() -> None:
    """Ten copies of each picture are no more evidence than one."""
    counts = intervals.by_picture(metrics.image_counts(answers(6, 100), 0.5))
    groups = np.random.default_rng(0).permutation(np.repeat(np.arange(100) * 7, 10))
    copies = counts[groups // 7]
    summed = intervals.by_group(copies, groups)
    np.testing.assert_array_equal(summed, counts * 10)
    alone = intervals.interval(counts, intervals.f1)
    together = intervals.interval(summed, intervals.f1)
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))
    naive = intervals.interval(copies, intervals.f1)
    assert naive.high - naive.low < 0.5 * (together.high - together.low)


def test_the_same_seed_draws_the_same() -> None:
    """And the number of draws held at once does not show."""
    values = intervals.by_picture(metrics.image_counts(answers(8), 0.5))
    first, again, other = (
        intervals.interval(values, intervals.f1, Bootstrap(draws=300, seed=seed))
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert first.value == other.value


def test_no_pictures_and_other_pictures_are_refused() -> None:
    """An interval of nothing, or of two sets that are not the same pictures."""
    with pytest.raises(ValueError, match="at least one picture"):
        intervals.interval(np.zeros((0, 3)), intervals.f1)
    with pytest.raises(ValueError, match="expected the pictures of the first"):
        intervals.difference(np.zeros((2, 3)), np.zeros((3, 3)), intervals.f1)
    with pytest.raises(OptionError, match="draws"):
        Bootstrap(draws=3)
