"""Several models asked together: their scores of a picture joined, and their thresholds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import OptionError
from ..scores import How, Scores, union
from ..thresholds import Thresholds
from .stream import Outcome
from .waiting import Source

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

    def scores(self, scores: Sequence[Scores]) -> Scores:
        """What the models say together of one picture."""
        return union(scores, self.how, self.weights or None)

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


class Union:
    """Scorers as one: a picture's outcome is there when each of them has given its own."""

    def __init__(self, scorers: Sequence[_Scorer], blend: Blend) -> None:
        blend.check(len(scorers))
        self._scorers = tuple(scorers)
        self._blend = blend

    def stream(self, sources: Iterable[Source], *, ordered: bool = False) -> Joined:
        """Score many pictures, an outcome for each; ordered where the scorers' are."""
        copies = itertools.tee(sources, len(self._scorers))
        pairs = zip(self._scorers, copies, strict=True)
        streams = [scorer.stream(own, ordered=ordered) for scorer, own in pairs]
        return Joined(streams, self._blend)


class Joined(Iterator[Outcome]):
    """The outcomes of several streams over the same pictures, joined picture by picture."""

    def __init__(self, streams: Sequence[_Stream], blend: Blend) -> None:
        self._streams = list(streams)
        self._live = list(range(len(self._streams)))
        self._given = [0] * len(self._streams)
        self._found: dict[Source, list[list[Outcome]]] = {}
        self._ready: list[Outcome] = []
        self._blend = blend

    def __next__(self) -> Outcome:
        for outcome in self.take(1):
            return outcome
        raise StopIteration

    def take(self, most: int) -> list[Outcome]:
        """Wait for an outcome, then give up to `most` of those there; none at the end."""
        while not self._ready and self._live:
            least = min(self._given[number] for number in self._live)
            for number in tuple(self._live):
                if self._given[number] - least > _LEAD:
                    continue
                outcomes = self._streams[number].take(most)
                if not outcomes:
                    self._live.remove(number)
                self._given[number] += len(outcomes)
                for outcome in outcomes:
                    self._put(number, outcome)
        taken, self._ready = self._ready[:most], self._ready[most:]
        return taken

    def stop(self) -> None:
        """Take no more pictures; those that all have begun still have their outcome."""
        for stream in self._streams:
            stream.stop()

    def _put(self, number: int, outcome: Outcome) -> None:
        rows = self._found.setdefault(outcome.source, [[] for _ in self._streams])
        rows[number].append(outcome)
        if all(rows):
            self._ready.append(self._join([row.pop(0) for row in rows]))
            if not any(rows):
                del self._found[outcome.source]

    def _join(self, outcomes: Sequence[Outcome]) -> Outcome:
        for outcome in outcomes:
            if outcome.scores is None:
                return outcome
        known = [outcome.scores for outcome in outcomes if outcome.scores is not None]
        return Outcome(outcomes[0].source, self._blend.scores(known))
