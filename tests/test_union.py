"""Several models asked together: every picture's scores joined, whatever order they come in."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from tagger.errors import ImageError, OptionError
from tagger.labels import DANBOORU, Label, LabelSet
from tagger.pipeline import Blend, Outcome, Union
from tagger.pipeline.union import Decides
from tagger.scores import Scores
from tagger.thresholds import Thresholds

GENERAL = next(category for category in DANBOORU if category.name == "general")
FIRST = LabelSet(tuple(Label(name, GENERAL) for name in ("hat", "smile")))
SECOND = LabelSet(tuple(Label(name, GENERAL) for name in ("smile", "sword")))


class Stream(Iterator[Outcome]):
    """Outcomes of a few pictures at a time, shuffled; counts what it took."""

    def __init__(self, scorer: Scorer, sources: Iterable[Path]) -> None:
        self.scorer, self.sources, self.held = scorer, iter(sources), []
        self.taken, self.stopped = 0, False

    def __next__(self) -> Outcome:
        while not self.stopped and len(self.held) < 3:
            source = next(self.sources, None)
            if source is None:
                break
            self.taken += 1
            self.held.append(source)
        if not self.held:
            raise StopIteration
        place = self.scorer.random.randrange(len(self.held))
        return self.scorer.outcome(self.held.pop(place))

    def take(self, most: int) -> list[Outcome]:
        return list(itertools.islice(self, most))

    def stop(self) -> None:
        self.stopped = True


class Scorer:
    """Scores that depend on a picture's name alone; those of its stream are kept ones if told."""

    def __init__(self, name: str, labels: LabelSet, seed: int) -> None:
        self.name, self.labels, self.random = name, labels, random.Random(seed)
        self.streams: list[Stream] = []
        self.kept = False
        self.anew: list[Path] = []

    def submit(self, source: Path, priority: str = "batch") -> Future[Scores]:
        self.anew.append(source)
        future: Future[Scores] = Future()
        fresh = Scores(self.values(source), self.labels, self.name)
        if source.name == "gone":
            future.set_exception(ImageError(source, "gone since"))
        elif source.name != "never":
            future.set_result(fresh)
        return future

    def outcome(self, source: Path) -> Outcome:
        if source.name == f"bad-{self.name}":
            return Outcome(source, error=ImageError(source, "truncated"))
        scores = Scores(self.values(source), self.labels, self.name)
        if self.kept:
            scores = Scores.from_sparse(scores.sparse(), self.labels, self.name)
        return Outcome(source, scores)

    def values(self, source: Path) -> np.ndarray:
        seed = sum(source.name.encode()) + len(self.name)
        return np.random.default_rng(seed).uniform(0.02, 1, 2).astype(np.float32)

    def stream(self, sources: Iterable[Path], *, ordered: bool = False) -> Stream:
        self.streams.append(Stream(self, sources))
        return self.streams[-1]


class Faint(Scorer):
    """Scores that are all below 0.01, the same for every picture."""

    def values(self, source: Path) -> np.ndarray:
        return np.full(2, 0.002 * len(self.name), np.float32)


class Slow:
    """A scorer that has one outcome at a time."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def stream(self, sources: Iterable[Path], *, ordered: bool = False) -> Slow:
        self._stream = self._scorer.stream(sources)
        return self

    def take(self, most: int) -> list[Outcome]:
        return self._stream.take(1)

    def stop(self) -> None:
        self._stream.stop()

    def submit(self, source: Path, priority: str = "batch") -> Future[Scores]:
        return self._scorer.submit(source)


@pytest.fixture
def scorers() -> list[Scorer]:
    return [Scorer("a", FIRST, 1), Scorer("bb", SECOND, 2)]


@pytest.mark.parametrize(
    ("blend", "join"),
    [
        (Blend(), lambda a, b: (a + b) / 2),
        (Blend("max"), max),
        (Blend("weighted", (1.0, 3.0)), lambda a, b: (a + 3 * b) / 4),
    ],
)
def test_shared_tags_are_joined_and_others_kept(
    scorers: list[Scorer], blend: Blend, join: object
) -> None:
    """Each picture once, from both models' scores of that very picture; twice if asked twice."""
    pictures = [Path(f"{number}.png") for number in [*range(20), 3]]
    outcomes = list(Union(scorers, blend).stream(pictures))
    assert sorted(str(o.source) for o in outcomes) == sorted(map(str, pictures))
    for outcome in outcomes:
        assert outcome.scores
        assert outcome.scores.labels.names == ("hat", "smile", "sword")
        (hat, smile), (other, sword) = (s.values(Path(str(outcome.source))) for s in scorers)
        wanted = [hat, join(smile, other), sword]  # pyright: ignore
        np.testing.assert_allclose(outcome.scores.values, wanted, atol=1e-5)


def test_a_picture_that_one_can_not_read_fails_alone(scorers: list[Scorer]) -> None:
    """Its error is the outcome; the others go on."""
    pictures = [Path("1.png"), Path("bad-bb"), Path("2.png")]
    outcomes = {str(o.source): o for o in Union(scorers, Blend()).stream(pictures)}
    assert isinstance(outcomes["bad-bb"].error, ImageError)
    assert [o.scores is not None for o in outcomes.values()].count(True) == 2


def test_no_model_runs_far_ahead(scorers: list[Scorer]) -> None:
    """Few pictures are taken for one outcome; after a stop the rest ends."""
    stream = Union(scorers, Blend()).stream(Path(str(n)) for n in range(1000))
    next(stream)
    stream.stop()
    assert max(each.streams[0].taken for each in scorers) < 12
    assert len(list(stream)) < 12


def test_a_model_whose_scores_are_kept_waits_for_the_slowest(scorers: list[Scorer]) -> None:
    """It has all of them at once, and what is not joined yet is held in memory."""
    fast, slow = scorers
    stream = Union([fast, Slow(slow)], Blend()).stream(Path(str(n)) for n in range(1000))
    for asked in range(1, 100):
        assert len(stream.take(50)) >= 1
        assert fast.streams[0].taken < asked + 200
    assert len(list(stream)) == 1000 - 99


def above(threshold: float) -> Decides:
    """What says that scores suffice for a threshold."""
    return lambda scores: scores.floor <= threshold


@pytest.mark.parametrize("kept", [(), (0,), (0, 1)])
def test_what_lies_below_the_floor_is_asked_for_again(kept: tuple[int, ...]) -> None:
    """Where a threshold is below 0.01: fresh scores of all models, joined as they are."""
    scorers = [Faint("a", FIRST, 1), Faint("bb", SECOND, 2)]
    for number in kept:
        scorers[number].kept = True
    pictures = [Path(f"{number}.png") for number in range(5)]

    outcomes = list(Union(scorers, Blend(), above(0.001)).stream(pictures))

    assert sorted(str(o.source) for o in outcomes) == sorted(map(str, pictures))
    for outcome in outcomes:
        assert outcome.scores
        np.testing.assert_allclose(outcome.scores.values, [0.002, 0.003, 0.004], atol=1e-6)
        assert outcome.scores.floor == 0
    assert [len(one.anew) for one in scorers] == [5 if n in kept else 0 for n in (0, 1)]


@pytest.mark.parametrize("kept", [False, True])
def test_kept_scores_suffice_for_a_threshold_above_the_floor(kept: bool) -> None:
    """Nothing is asked for again, and fresh ones give what kept ones do."""
    scorers = [Faint("a", FIRST, 1), Faint("bb", SECOND, 2)]
    scorers[0].kept = scorers[1].kept = kept

    (outcome,) = Union(scorers, Blend(), above(0.35)).stream([Path("1.png")])

    assert outcome.scores
    assert outcome.scores.values.tolist() == [0, 0, 0]
    assert not any(one.anew for one in scorers)


def test_a_picture_that_went_since_fails_alone() -> None:
    """Its scores were kept; asked for again, it is not there any more."""
    scorers = [Faint("a", FIRST, 1), Faint("bb", SECOND, 2)]
    scorers[0].kept = True

    stream = Union(scorers, Blend(), above(0.001)).stream([Path("gone"), Path("1.png")])
    outcomes = {str(outcome.source): outcome for outcome in stream}

    assert isinstance(outcomes["gone"].error, ImageError)
    assert outcomes["1.png"].scores


def test_few_pictures_are_asked_for_again_at_once() -> None:
    """Kept scores are there in no time; what is inferred waits to be taken."""
    scorers = [Faint("a", FIRST, 1), Faint("bb", SECOND, 2)]
    scorers[0].kept = scorers[1].kept = True
    sources = itertools.chain([Path("1.png")], itertools.repeat(Path("never"), 1000))
    stream = Union(scorers, Blend(), above(0.001)).stream(sources)

    assert stream.take(50)
    stream.stop()

    assert len(scorers[0].anew) < 300
    assert stream.take(50) == []


def test_thresholds_are_joined_as_scores_are() -> None:
    """A category or tag that one model has no threshold for counts with its overall one."""
    models = [Thresholds(0.2, {"character": 0.8}), Thresholds(0.4, {}, {"hat": 0.6})]
    mean = Blend().thresholds(models)
    assert mean.overall == pytest.approx(0.3)
    assert mean.categories == {"character": pytest.approx(0.6)}
    assert mean.tags == {"hat": pytest.approx(0.4)}
    assert Blend("max").thresholds(models) == Thresholds(0.4, {"character": 0.8}, {"hat": 0.6})


@pytest.mark.parametrize("blend", [Blend("weighted", (1.0,)), Blend("mean", (1.0, 1.0))])
def test_weights_must_fit(scorers: list[Scorer], blend: Blend) -> None:
    """Told before anything is loaded."""
    with pytest.raises(OptionError, match="weights above 0 for 2 models joined by"):
        Union(scorers, blend)
