"""Several models asked together: every picture's scores joined, whatever order they come in."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tagger.errors import ImageError, OptionError
from tagger.labels import DANBOORU, Label, LabelSet
from tagger.pipeline import Blend, Outcome, Union
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
    """Scores that depend on a picture's name alone."""

    def __init__(self, name: str, labels: LabelSet, seed: int) -> None:
        self.name, self.labels, self.random = name, labels, random.Random(seed)
        self.streams: list[Stream] = []

    def outcome(self, source: Path) -> Outcome:
        if source.name == f"bad-{self.name}":
            return Outcome(source, error=ImageError(source, "truncated"))
        return Outcome(source, Scores(self.values(source), self.labels, self.name))

    def values(self, source: Path) -> np.ndarray:
        seed = sum(source.name.encode()) + len(self.name)
        return np.random.default_rng(seed).uniform(0.02, 1, 2).astype(np.float32)

    def stream(self, sources: Iterable[Path], *, ordered: bool = False) -> Stream:
        self.streams.append(Stream(self, sources))
        return self.streams[-1]


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
