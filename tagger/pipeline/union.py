"""Several models asked together: their scores of a picture joined, and their thresholds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import OptionError
from ..scores import How, Scores, union
from ..thresholds import Thresholds
from .stream import GLANCE_S, Outcome, outcome_of
from .waiting import Priority, Source

Decides = Callable[[Scores], bool]

_LEAD = 64
"""Outcomes that one model may be ahead of the slowest: those of kept scores come in no time."""


@dataclass(frozen=True)
class Blend:
    """How scores are joined, see `scores.union`; `weights` are one a model, in their order."""

    how: How = "mean"
    weights: tuple[float, ...] = ()

    def check(self, models: int) -> None:
        """Refuse weights that are too many, too few, or not asked for, before a model is loaded.

        Raises:
            OptionError: in one sentence.
        """
        wanted = models if self.how == "weighted" else 0
        if len(self.weights) != wanted or not all(weight > 0 for weight in self.weights):
            raise OptionError(
                f"expected {wanted} weights above 0 for {models} models joined by {self.how}, got "
                f"{list(self.weights)}"
            )

    def scores(self, scores: Sequence[Scores], *, exact: bool = False) -> Scores:
        """What the models say together of one picture; see `scores.union`."""
        return union(scores, self.how, self.weights or None, exact)

    def thresholds(self, models: Sequence[Thresholds]) -> Thresholds:
        """The operating point of joined scores: the models' own, joined as the scores are."""
        shares = self.weights or (1.0,) * len(models)

        def join(values: Sequence[float]) -> float:
            if self.how == "max":
                return max(values)
            pairs = zip(values, shares, strict=True)
            return sum(value * share for value, share in pairs) / sum(shares)

        def each(read: Callable[[Thresholds], Mapping[str, float]]) -> dict[str, float]:
            names = dict.fromkeys(name for model in models for name in read(model))
            return {n: join([read(m).get(n, m.overall) for m in models]) for n in names}

        return Thresholds(
            join([model.overall for model in models]),
            each(lambda model: model.categories),
            each(lambda model: model.tags),
        )


class _Stream(Protocol):
    def take(self, most: int) -> list[Outcome]: ...
    def stop(self) -> None: ...


class _Scorer(Protocol):
    def stream(self, sources: Iterable[Any], *, ordered: bool = ...) -> _Stream: ...
    def submit(self, source: Any, priority: Priority = ...) -> Future[Scores]: ...


class Union:
    """Scorers as one: a picture's outcome is there when each of them has given its own.

    Scores below 0.01 count as 0, stored or fresh, unless `decides` says that what is joined so
    does not suffice: then all are asked for fresh ones, and they are joined as they are.
    """

    def __init__(
        self, scorers: Sequence[_Scorer], blend: Blend, decides: Decides = lambda _: True
    ) -> None:
        blend.check(len(scorers))
        self.scorers = tuple(scorers)
        self.blend = blend
        self.decides = decides

    def stream(self, sources: Iterable[Source], *, ordered: bool = False) -> Joined:
        """Score many pictures, an outcome for each; ordered where the scorers' are."""
        copies = itertools.tee(sources, len(self.scorers))
        pairs = zip(self.scorers, copies, strict=True)
        return Joined(self, [scorer.stream(own, ordered=ordered) for scorer, own in pairs])


@dataclass(frozen=True, eq=False)
class _Again:
    """A picture whose joined scores did not suffice, and its fresh ones on their way."""

    source: Source
    futures: Sequence[Future[Scores]]


class Joined(Iterator[Outcome]):
    """The outcomes of several streams over the same pictures, joined picture by picture."""

    def __init__(self, union: Union, streams: Sequence[_Stream]) -> None:
        self._union = union
        self._streams = list(streams)
        self._live = list(range(len(self._streams)))
        self._given = [0] * len(self._streams)
        self._found: dict[Source, list[list[Outcome]]] = {}
        self._ready: list[Outcome] = []
        self._again: list[_Again] = []
        self._stopped = False

    def __next__(self) -> Outcome:
        for outcome in self.take(1):
            return outcome
        raise StopIteration

    def take(self, most: int) -> list[Outcome]:
        """Wait for an outcome, then give up to `most` of those there; none at the end."""
        while not self._ready and (self._live or self._again):
            if self._again and (not self._live or len(self._again) > _LEAD):
                wait(self._again[0].futures, GLANCE_S)
            self._finish()
            if len(self._again) > _LEAD or not self._live:
                continue
            least = min(self._given[number] for number in self._live)
            for number in tuple(self._live):
                if self._given[number] - least > _LEAD:
                    continue
                outcomes = self._streams[number].take(most)
                if not outcomes:
                    self._live.remove(number)
                self._given[number] += len(outcomes)
                for each in outcomes:
                    self._put(number, each)
        taken, self._ready = self._ready[:most], self._ready[most:]
        return taken

    def stop(self) -> None:
        """Take no more pictures; those that all are scoring still have their outcome."""
        self._stopped = True
        for stream in self._streams:
            stream.stop()
        for future in itertools.chain(*(each.futures for each in self._again)):
            future.cancel()
        kept = (a for a in self._again if not any(future.cancelled() for future in a.futures))
        self._again = list(kept)

    def _put(self, number: int, outcome: Outcome) -> None:
        rows = self._found.setdefault(outcome.source, [[] for _ in self._streams])
        rows[number].append(outcome)
        if all(rows):
            self._join([row.pop(0) for row in rows])
            if not any(rows):
                del self._found[outcome.source]

    def _join(self, outcomes: Sequence[Outcome]) -> None:
        """Join a picture's scores or, where they do not suffice and some are stored, ask again."""
        source, union = outcomes[0].source, self._union
        known = [each.scores for each in outcomes if each.scores is not None]
        if len(known) < len(outcomes):
            self._ready += [each for each in outcomes if each.scores is None][:1]
        elif union.decides(joined := union.blend.scores(known)):
            self._ready.append(Outcome(source, joined))
        elif not any(scores.floor for scores in known):
            self._ready.append(Outcome(source, union.blend.scores(known, exact=True)))
        elif not self._stopped:
            pairs = zip(union.scorers, known, strict=True)
            self._again.append(_Again(source, [_fresh(one, source, said) for one, said in pairs]))

    def _finish(self) -> None:
        """Join what was asked for again and has come."""
        done = [each for each in self._again if all(future.done() for future in each.futures)]
        self._again = [each for each in self._again if each not in done]
        for each in done:
            self._join([outcome_of(each.source, future) for future in each.futures])


def _fresh(scorer: _Scorer, source: Source, known: Scores) -> Future[Scores]:
    if known.floor:
        return scorer.submit(source, "batch")
    future: Future[Scores] = Future()
    future.set_result(known)
    return future
