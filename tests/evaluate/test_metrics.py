"""Metrics agree with scikit-learn and with slow readings of their definitions, masked or not."""

from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tagger.evaluate import metrics
from tagger.evaluate.metrics import Rates
from tagger.evaluate.predictions import Predictions

NAMES = tuple("abcdefgh")


def drawn(seed: int, pictures: int = 40, labels: int = 6, known: float = 1.0) -> Predictions:
    """Scores with ties that have something to do with the truth; some labels without positives."""
    rng = np.random.default_rng(seed)
    truth = rng.random((pictures, labels)) < np.linspace(0, 0.6, labels)
    scores = np.round(np.clip(0.3 * truth + rng.random(truth.shape) * 0.8, 0, 1), 2)
    return Predictions(scores.astype(np.float32), truth, rng.random(truth.shape) < known)


SEEDS = pytest.mark.parametrize("seed", range(5))
THRESHOLD = np.float32(0.5)


def approx(rates: Rates) -> object:
    return pytest.approx((rates.precision, rates.recall, rates.f1))


@SEEDS
def test_rates_are_scikit_learns(seed: int) -> None:
    """Micro, and macro over the labels or pictures that have positives."""
    sklearn = pytest.importorskip("sklearn.metrics")
    answers = drawn(seed)
    said = answers.scores >= THRESHOLD
    by_tag = metrics.tag_counts(answers, THRESHOLD)
    by_picture = metrics.image_counts(answers, THRESHOLD)
    labels, pictures = answers.truth.any(axis=0), answers.truth.any(axis=1)

    def expected(average: str, rows: object, columns: object) -> tuple[float, ...]:
        truth, yes = answers.truth[rows][:, columns], said[rows][:, columns]
        found = sklearn.precision_recall_fscore_support(
            truth, yes, average=average, zero_division=0
        )
        return found[:3]

    every = slice(None)
    assert approx(metrics.micro(by_tag)) == expected("micro", every, every)
    assert approx(metrics.macro(by_tag)) == expected("macro", every, labels)
    assert approx(metrics.macro(by_picture)) == expected("samples", pictures, every)


@SEEDS
def test_counts_are_scikit_learns(seed: int) -> None:
    """True and false positives and false negatives of each label."""
    sklearn = pytest.importorskip("sklearn.metrics")
    answers = drawn(seed)
    counts = metrics.tag_counts(answers, THRESHOLD)
    tables = sklearn.multilabel_confusion_matrix(answers.truth, answers.scores >= THRESHOLD)
    assert counts.tp.tolist() == tables[:, 1, 1].tolist()
    assert counts.fp.tolist() == tables[:, 0, 1].tolist()
    assert counts.fn.tolist() == tables[:, 1, 0].tolist()


@SEEDS
@pytest.mark.parametrize("known", [1.0, 0.5])
def test_average_precision_is_scikit_learns(seed: int, known: float) -> None:
    """On the known answers of each label; a label without positives has none."""
    sklearn = pytest.importorskip("sklearn.metrics")
    answers = drawn(seed, known=known)
    found = metrics.average_precision(answers)
    for index, value in enumerate(found):
        sure = answers.known[:, index]
        truth = answers.truth[sure, index]
        if truth.any():
            expected = sklearn.average_precision_score(truth, answers.scores[sure, index])
            assert value == pytest.approx(expected)
        else:
            assert math.isnan(value)
    assert math.isnan(found[0])


def test_the_usual_figures_name_what_they_leave_out() -> None:
    """A label without positives is named and left out of the means, not counted as 0."""
    answers = Predictions(
        np.array([[0.9, 0.1, 0.8], [0.2, 0.3, 0.7]], np.float32),
        np.array([[True, False, True], [False, False, True]]),
        np.array([[True, True, False], [True, True, True]]),
    )
    found = metrics.measure(answers, 0.75, NAMES[:3])
    assert found.left_out == ("b",)
    assert (found.pictures, found.labels) == (2, 2)
    assert found.mean_average_precision == 1.0
    assert found.micro == Rates(1.0, 0.5, pytest.approx(2 / 3))
    assert found.macro == Rates(0.5, 0.5, 0.5)
    assert found.samples == Rates(0.5, 0.5, 0.5)


def test_a_score_on_its_threshold_says_yes() -> None:
    """float32(0.35) is under 0.35 in double precision, and still a yes at 0.35."""
    answers = Predictions(
        np.array([[0.35]], np.float32), np.ones((1, 1), bool), np.ones((1, 1), bool)
    )
    for threshold in (0.35, np.array([0.35]), np.float32(0.35), [0.35]):
        assert metrics.tag_counts(answers, threshold).tp.tolist() == [1]
    over = np.nextafter(np.float32(0.35), np.float32(1))
    assert metrics.tag_counts(answers, over).fn.tolist() == [1]


@SEEDS
def test_what_is_unknown_is_not_counted(seed: int) -> None:
    """Neither a score nor a truth at an unknown place changes any figure."""
    answers = drawn(seed, known=0.6)
    noise = drawn(seed + 100)
    other = Predictions(
        np.where(answers.known, answers.scores, noise.scores),
        np.where(answers.known, answers.truth, noise.truth),
        answers.known,
    )
    assert metrics.measure(answers, 0.5, NAMES[:6]) == metrics.measure(other, 0.5, NAMES[:6])
    assert metrics.equal_point(answers) == metrics.equal_point(other)
    assert metrics.best_point(answers) == metrics.best_point(other)
    assert metrics.top1(answers) == metrics.top1(other)


@given(st.integers(0, 10**6), st.floats(0, 1, width=32))
def test_the_order_of_pictures_and_labels_does_not_matter(seed: int, threshold: float) -> None:
    """Shuffled pictures and labels give the same figures."""
    answers = drawn(seed % 50, known=0.8)
    rng = np.random.default_rng(seed)
    pictures, labels = rng.permutation(40), rng.permutation(6)
    shuffled = answers.rows(pictures).columns(labels)
    names = [NAMES[index] for index in labels]
    before = metrics.measure(answers, threshold, NAMES[:6])
    after = metrics.measure(shuffled, threshold, names)
    assert before.micro == after.micro
    assert approx(before.macro) == astuple(after.macro)
    assert approx(before.samples) == astuple(after.samples)
    assert before.mean_average_precision == pytest.approx(after.mean_average_precision)
    assert set(before.left_out) == set(after.left_out)
    assert metrics.best_point(answers) == metrics.best_point(shuffled)


@given(st.integers(0, 10**6))
def test_counts_of_batches_add_up(seed: int) -> None:
    """Counting in two batches is counting at once."""
    answers = drawn(seed % 50, known=0.8)
    first = metrics.tag_counts(answers.rows(np.arange(17)), 0.4)
    second = metrics.tag_counts(answers.rows(np.arange(17, 40)), 0.4)
    assert metrics.micro(first + second) == metrics.micro(metrics.tag_counts(answers, 0.4))


@given(st.integers(0, 10**6))
def test_average_precision_sees_only_the_order_of_scores(seed: int) -> None:
    """A rising function of the scores changes nothing."""
    answers = drawn(seed % 50)
    risen = Predictions(answers.scores**3, answers.truth, answers.known)
    np.testing.assert_array_equal(
        metrics.average_precision(answers), metrics.average_precision(risen)
    )


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=30))
def test_no_threshold_is_better_than_the_best(answers: list[tuple[int, bool]]) -> None:
    """Every threshold between scores is tried by hand."""
    assume(any(true for _, true in answers))
    scores = np.array([score / 20 for score, _ in answers], np.float32)
    truth = np.array([true for _, true in answers])

    def f1(threshold: float) -> float:
        said = scores >= np.float32(threshold)
        return 2 * (said & truth).sum() / (said.sum() + truth.sum())

    best = metrics.best_threshold(scores, truth)
    tried = [(f1(threshold), threshold) for threshold in np.arange(-0.025, 1.1, 0.025)]
    assert f1(best) == max(tried)[0]
    assert 0 <= best <= 1


def test_the_best_threshold_lies_between_scores() -> None:
    """Half way from the lowest taken to the highest left; on the former if they touch."""
    truth = np.array([True, True, False])
    assert metrics.best_threshold(np.array([0.9, 0.6, 0.2], np.float32), truth) == np.float32(0.4)
    close = np.nextafter(np.float32(0.6), np.float32(0))
    scores = np.array([0.9, 0.6, close], np.float32)
    assert metrics.best_threshold(scores, truth) == np.float32(0.6)
    assert metrics.best_threshold(np.array([0, 0], np.float32), np.array([True, False])) == 0
    assert math.isnan(metrics.best_threshold(scores, np.zeros(3, bool)))


@SEEDS
def test_precision_meets_recall(seed: int) -> None:
    """Without ties they are equal at the threshold, and the share is found by bisection too."""
    answers = drawn(seed, known=0.7)
    rng = np.random.default_rng(seed)
    spread = (rng.permutation(answers.scores.size) / answers.scores.size).astype(np.float32)
    answers = Predictions(spread.reshape(answers.scores.shape), answers.truth, answers.known)
    point = metrics.equal_point(answers)
    assert point.rates.precision == pytest.approx(point.rates.recall)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        rates = metrics.micro(metrics.tag_counts(answers, middle))
        low, high = (middle, high) if rates.precision < rates.recall else (low, middle)
    assert high == pytest.approx(point.threshold, abs=2e-2)


@SEEDS
def test_top1_is_the_share_of_pictures_named_rightly(seed: int) -> None:
    """Only pictures with a known name count; what is unknown can't be the answer."""
    answers = drawn(seed, known=0.7)
    hits: list[bool] = []
    for scores, truth, known in zip(answers.scores, answers.truth, answers.known, strict=True):
        if (truth & known).any():
            best = max((index for index in range(6) if known[index]), key=lambda at: scores[at])
            hits.append(bool(truth[best]))
    found = metrics.top1(answers)
    assert found.of == len(hits)
    assert found.value == pytest.approx(sum(hits) / len(hits))


def test_nothing_gives_no_figure_but_no_crash() -> None:
    """No pictures, no labels, no positives, nothing known."""
    full = np.ones((3, 2), bool)
    cases = {
        "no pictures": (0, 2, np.ones((0, 2), bool), np.ones((0, 2), bool)),
        "no labels": (3, 0, np.ones((3, 0), bool), np.ones((3, 0), bool)),
        "no positives": (3, 2, ~full, full),
        "nothing known": (3, 2, full, ~full),
    }
    for pictures, labels, truth, known in cases.values():
        answers = Predictions(np.full((pictures, labels), 0.5, np.float32), truth, known)
        found = metrics.measure(answers, 0.5, NAMES[:labels])
        assert found.micro.f1 == 0
        assert math.isnan(found.macro.f1)
        assert math.isnan(found.mean_average_precision)
        assert found.left_out == NAMES[:labels]
        assert math.isnan(metrics.equal_point(answers).threshold)
        assert math.isnan(metrics.best_point(answers).threshold)
        assert metrics.top1(answers).of == 0


@pytest.mark.parametrize(
    ("scores", "truth", "sentence"),
    [
        (np.zeros((2, 2)), np.zeros((2, 2), bool), "scores: expected float32"),
        (np.zeros((2, 2), np.float32), np.zeros((2, 2)), "truth: expected bool"),
        (np.zeros((2, 2), np.float32), np.zeros((2, 3), bool), "truth: expected the shape"),
        (np.zeros(2, np.float32), np.zeros(2, bool), r"scores: expected float32\[N, n\]"),
        (np.full((2, 2), np.nan, np.float32), np.zeros((2, 2), bool), "got NaN"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    scores: np.ndarray, truth: np.ndarray, sentence: str
) -> None:
    """The sentence names the array, what it should be and what it is."""
    with pytest.raises(ValueError, match=sentence):
        Predictions(scores, truth, np.ones(truth.shape, bool))


# ---------------------------------------------------------------- against other libraries


@SEEDS
def test_the_other_rates_are_scikit_learns(seed: int) -> None:
    """F2, Matthews' correlation and accuracy, of each tag and of all answers together."""
    sklearn = pytest.importorskip("sklearn.metrics")
    answers = drawn(seed)
    said = answers.scores >= THRESHOLD
    counts = metrics.tag_counts(answers, THRESHOLD)
    pictures = np.full(said.shape[1], len(said))

    for own, theirs in (
        (metrics.fbeta(counts, 2), lambda t, s: sklearn.fbeta_score(t, s, beta=2, zero_division=0)),
        (metrics.mcc(counts, pictures), sklearn.matthews_corrcoef),
        (metrics.accuracy(counts, pictures), sklearn.accuracy_score),
    ):
        expected = [theirs(answers.truth[:, at], said[:, at]) for at in range(said.shape[1])]
        assert own == pytest.approx(expected)
    whole = metrics.mcc(counts.total(), np.array([said.size])).item()
    assert whole == pytest.approx(
        sklearn.matthews_corrcoef(answers.truth.reshape(-1), said.reshape(-1))
    )


@SEEDS
def test_all_rates_are_torchmetrics(seed: int) -> None:
    """At the same threshold; a score on it says yes here, so none lies on it."""
    torch = pytest.importorskip("torch")
    other = pytest.importorskip("torchmetrics.functional.classification")
    answers = drawn(seed, pictures=80)
    scores, truth = torch.tensor(answers.scores), torch.tensor(answers.truth).long()
    limit, labels = 0.495, answers.scores.shape[1]
    counts = metrics.tag_counts(answers, limit)
    table = other.multilabel_stat_scores(
        scores, truth, num_labels=labels, threshold=limit, average=None
    )

    assert table[:, 0].tolist() == counts.tp.tolist()
    assert table[:, 1].tolist() == counts.fp.tolist()
    assert table[:, 3].tolist() == counts.fn.tolist()
    for name, own in (
        ("precision", metrics.micro(counts).precision),
        ("recall", metrics.micro(counts).recall),
        ("f1_score", metrics.micro(counts).f1),
    ):
        theirs = getattr(other, f"multilabel_{name}")(
            scores, truth, num_labels=labels, threshold=limit, average="micro"
        )
        assert own == pytest.approx(theirs.item())
    some = truth.any(0)
    precisions = other.multilabel_average_precision(
        scores[:, some], truth[:, some], num_labels=int(some.sum()), average="macro"
    )
    assert metrics.mean(metrics.average_precision(answers)) == pytest.approx(precisions.item())


def test_correlation_of_what_is_constant_is_none() -> None:
    """Always yes, always no, always true: 0, as scikit-learn has it."""
    truth = np.array([[True, False], [True, True]])
    answers = Predictions(truth.astype(np.float32), truth, np.ones_like(truth))

    assert metrics.mcc(metrics.tag_counts(answers, 0.0), np.array([2, 2])).tolist() == [0, 0]
    assert metrics.mcc(metrics.tag_counts(answers, 0.5), np.array([2, 2])).tolist() == [0, 1]
