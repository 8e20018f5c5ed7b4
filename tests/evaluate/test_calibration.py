"""Thresholds are fitted with care for rare tags, and never judged where they were fitted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tagger.errors import DatasetError
from tagger.evaluate.calibration import (
    Part,
    by_label,
    calibrate,
    choose_strength,
    fit,
    shrink,
)
from tagger.evaluate.confusion import image_counts
from tagger.evaluate.histograms import Histograms
from tagger.evaluate.intervals import Bootstrap, Interval, by_picture, difference, f1
from tagger.evaluate.metrics import measure
from tagger.evaluate.predictions import Predictions
from tagger.labels import DANBOORU, Label, LabelSet, category
from tagger.thresholds import Thresholds

PICTURES = 6000
RARE, FREQUENT, COMMON = range(30), range(30, 60), range(60, 100)


def labels_of(*kinds: str) -> LabelSet:
    return LabelSet(
        tuple(Label(f"tag_{n}", category(DANBOORU, kind)) for n, kind in enumerate(kinds))
    )


LABELS = labels_of(*["general"] * 100)


def planted(seed: int) -> Part:
    """Tags whose right threshold is known: 0.8 for rare and frequent ones, 0.4 for the common.

    Rare tags have about 3 positives, frequent ones 600, common ones 1,200; a positive scores
    around its tag's threshold plus 0.08, a negative around it minus 0.08, within 0.1.
    """
    rng = np.random.default_rng(seed)
    rates = np.repeat([3 / PICTURES, 0.1, 0.2], [30, 30, 40])
    right = np.repeat([0.8, 0.8, 0.4], [30, 30, 40])
    truth = rng.random((PICTURES, 100)) < rates
    # negatives far off too, so that the overall threshold is the common tags'
    near = rng.random(truth.shape) < 0.3
    noise = rng.uniform(-0.1, 0.1, truth.shape)
    negative = np.where(near, right - 0.08, 0.1) + noise
    scores = np.where(truth, right + 0.08 + noise, negative)
    predictions = Predictions(scores.astype(np.float32), truth, np.ones(truth.shape, bool))
    return Part(predictions, np.arange(PICTURES) + seed * PICTURES)


def test_rare_tags_stay_near_the_wider_threshold_and_frequent_ones_move() -> None:
    """With 3 positives a tag goes an eighth of the way, with 600 nearly all of it."""
    part = planted(1)
    thresholds = fit(part.predictions, LABELS)
    own = by_label(thresholds, LABELS)
    wider = thresholds.categories["general"]
    assert abs(own[FREQUENT] - 0.8).max() < 0.03
    assert abs(own[COMMON] - 0.4).max() < 0.03
    positives = part.predictions.truth.sum(axis=0)
    few = [index for index in RARE if positives[index] <= 5]
    assert len(few) > 20
    assert abs(own[few] - wider).max() < abs(0.8 - wider) / 2


def test_shrinking_is_worth_it_on_other_pictures() -> None:
    """Macro F1 of tags at the level of noise: shrunk beats unshrunk and one for all."""
    rng = np.random.default_rng(0)
    labels = labels_of(*["general"] * 200)

    def sample(first: int) -> Part:
        truth = rng.random((1000, 200)) < 0.004
        scores = 1 / (1 + np.exp(-(truth * 4 - 3 + rng.normal(size=truth.shape) * 1.5)))
        known = np.ones(truth.shape, bool)
        part = Predictions(scores.astype(np.float32), truth, known)
        return Part(part, np.arange(first, first + 1000))

    fitted, judged = sample(0), sample(1000)
    shrunk = calibrate(fitted, judged, labels)
    bare = calibrate(fitted, judged, labels, strength=0)
    assert shrunk.own.macro.f1 > bare.own.macro.f1 + 0.01
    assert shrunk.overall == bare.overall


def test_own_thresholds_beat_one_for_all_where_tags_differ() -> None:
    """The planted tags need two thresholds; judged on pictures that had no part."""
    found = calibrate(planted(1), planted(2), LABELS)
    assert found.own.micro.f1 > found.overall.micro.f1 + 0.02
    assert found.own.pictures == PICTURES


def drawn(rng: np.random.Generator, shift: NDArray[np.float64], first: int) -> Part:
    """A tagger of middling quality, as sure as it should be but for each tag's shift in logits.

    A Bayesian's certainty: scores of true and other tags are normal, four apart, and the logit of
    the posterior is linear in them.
    """
    prior = np.geomspace(0.004, 0.3, len(shift))
    truth = rng.random((3000, len(shift))) < prior
    seen = truth * 3.0 + rng.normal(size=truth.shape) * 1.5
    logits = seen * (3 / 1.5**2) - 4.5 / 1.5**2 + np.log(prior / (1 - prior))
    scores = 1 / (1 + np.exp(-(logits + shift)))
    known = np.ones(truth.shape, np.bool_)
    return Part(
        Predictions(scores.astype(np.float32), truth, known), np.arange(first, first + 3000)
    )


def gain(part: Part, thresholds: Thresholds, labels: LabelSet) -> Interval:
    """What a tag's own thresholds gain in micro F1 over one for all, paired by picture."""
    before, after = (
        by_picture(image_counts(part.predictions, limits))
        for limits in (thresholds.overall, by_label(thresholds, labels))
    )
    return difference(before, after, f1, Bootstrap(draws=300))


@pytest.mark.parametrize("streamed", [False, True])
def test_fitted_thresholds_are_nowhere_worse_than_one_for_all(streamed: bool) -> None:
    """Where scores are as sure as they should be one threshold is best already."""
    rng = np.random.default_rng(5)
    labels, none = labels_of(*["general"] * 60), np.zeros(60)
    fitted, judged = drawn(rng, none, 0), drawn(rng, none, 3000)
    found = gain(judged, fit_of(fitted, labels, streamed), labels)

    assert found.high >= 0
    assert found.value > -0.003


@pytest.mark.parametrize("streamed", [False, True])
def test_fitted_thresholds_are_clearly_better_where_tags_are_off(streamed: bool) -> None:
    """Each tag's scores too high or too low by its own amount, as after an asymmetric loss."""
    rng = np.random.default_rng(6)
    labels, off = labels_of(*["general"] * 60), rng.normal(size=60) * 1.5
    fitted, judged = drawn(rng, off, 0), drawn(rng, off, 3000)
    thresholds = fit_of(fitted, labels, streamed)

    assert gain(judged, thresholds, labels).low > 0.02
    worth = [
        measure(judged.predictions, limits, labels.names).macro.f1
        for limits in (thresholds.overall, by_label(thresholds, labels))
    ]
    assert worth[1] > worth[0] + 0.03


def fit_of(part: Part, labels: LabelSet, streamed: bool) -> Thresholds:
    """Fitted from predictions, or from the histograms of four parts of them."""
    if not streamed:
        return fit(part.predictions, labels)
    parts = [Histograms(len(labels)) for _ in range(4)]
    for at, one in enumerate(parts):
        one.add(part.predictions.rows(np.arange(at, 3000, 4)))
    return fit(parts[0] + parts[1] + parts[2] + parts[3], labels, parts=parts)


def test_what_has_too_few_pictures_goes_by_one_threshold() -> None:
    """Nothing can be said of how tags differ."""
    labels = labels_of("general", "general")
    scores = np.array([[0.9, 0.2], [0.3, 0.1], [0.1, 0.3], [0.2, 0.2]], np.float32)
    truth = np.array([[True, False], [False, False], [True, False], [False, False]])
    found = Predictions(scores, truth, np.ones_like(truth))

    assert choose_strength([found.rows([at]) for at in range(4)], labels) == math.inf
    assert by_label(fit(found, labels), labels).tolist() == pytest.approx(
        [fit(found, labels).overall] * 2, abs=1e-5
    )


def test_judging_where_it_was_fitted_is_refused() -> None:
    """One group in both parts is enough."""
    part = planted(1)
    with pytest.raises(DatasetError, match="got 6000 groups in both"):
        calibrate(part, part, LABELS)
    other = planted(2)
    leaking = Part(other.predictions, np.append(other.groups[1:], part.groups[5]))
    with pytest.raises(DatasetError, match="got 1 groups in both"):
        calibrate(part, leaking, LABELS)


def test_what_has_no_positives_goes_by_the_wider_threshold() -> None:
    """A tag by its category's, a category by the overall; nothing at all is refused."""
    labels = labels_of("general", "general", "character")
    scores = np.array([[0.9, 0.5, 0.4], [0.2, 0.6, 0.3]], np.float32)
    truth = np.array([[True, False, False], [False, False, False]])
    known = np.ones((2, 3), bool)
    found = fit(Predictions(scores, truth, known), labels)
    assert set(found.tags) == {"tag_0"}
    assert set(found.categories) == {"general"}
    assert by_label(found, labels)[2] == np.float32(found.overall)
    assert by_label(found, labels)[1] == np.float32(found.categories["general"])
    with pytest.raises(DatasetError, match="expected pictures with known tags"):
        fit(Predictions(scores, truth, ~known), labels)


def test_unknown_answers_take_no_part_in_fitting() -> None:
    """Other scores and truths at unknown places give the same thresholds."""
    rng = np.random.default_rng(3)
    labels = labels_of("general", "character", "general")
    truth = rng.random((300, 3)) < 0.3
    known = rng.random((300, 3)) < 0.7
    scores = (truth * 0.3 + rng.random((300, 3)) * 0.6).astype(np.float32)
    noise = rng.random((300, 3)).astype(np.float32)
    first = fit(Predictions(scores, truth, known), labels)
    second = fit(
        Predictions(np.where(known, scores, noise), np.where(known, truth, noise > 0.5), known),
        labels,
    )
    assert first == second


def test_a_narrower_threshold_holds() -> None:
    """The tag's, else the category's, else the overall."""
    labels = labels_of("general", "general", "character")
    thresholds = Thresholds(0.1, {"general": 0.2}, {"tag_1": 0.3})
    assert by_label(thresholds, labels).tolist() == pytest.approx([0.2, 0.3, 0.1])


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 10**6), st.floats(0.1, 1000))
def test_shrinking_stays_between(own: float, wider: float, positives: int, strength: float) -> None:
    """The result lies between both, at the ends of 0..1 too; nearer its own with more positives."""
    found = shrink(own, wider, positives, strength)
    assert min(own, wider) - 2e-6 <= found <= max(own, wider) + 2e-6
    more = shrink(own, wider, positives + 1000, strength)
    assert abs(more - own) <= abs(found - own) + 1e-5
    assert shrink(own, wider, 0, strength) == pytest.approx(wider, abs=2e-6)


def test_half_way_is_half_the_evidence() -> None:
    """At `strength` positives the odds are the geometric mean: 4:1 and 1:1 give 2:1."""
    assert shrink(0.8, 0.5, 20, 20) == pytest.approx(2 / 3)


def test_groups_must_fit_the_pictures() -> None:
    """One group for each picture."""
    with pytest.raises(ValueError, match="expected one for each of 6000 pictures"):
        Part(planted(1).predictions, np.arange(3))
