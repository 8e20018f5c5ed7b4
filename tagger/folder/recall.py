"""Kept scores first; what has none is scored by a model, opened for the first of them.

So another threshold, exclusion or format is a matter of writing: no inference, no weights read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from ..errors import BackendError, TaggerError
from ..models.spec import Contract
from ..pipeline import Outcome, Priority
from ..scores import Scores
from ..store import Look
from .memory import Keeping, Memory, Scored

__all__ = ["Keeping", "Memory", "Opener", "Recall", "Recalled", "Submitting"]

_GLANCE_S = 0.5  # Windows delivers Ctrl-C only between two waits
_LEAST_AHEAD = 256


class Submitting(Protocol):
    """What scores one picture after another: a `Pipeline`."""

    room: int

    def submit(self, source: Path, priority: Priority = "batch") -> Future[Scores]: ...


Opener = Callable[[], tuple[Submitting, Contract]]
"""Opens the model: what scores pictures, and the way of running that was chosen."""


class Recall:
    """A scorer that asks a store first. `known` and `inferred` count the pictures of each kind."""

    def __init__(self, memory: Memory, open_model: Opener) -> None:
        """Open nothing yet."""
        self.memory = memory
        self.known = self.inferred = 0
        self._open_model = open_model
        self._opened: tuple[Submitting, Contract] | None = None

    def opened(self) -> tuple[Submitting, Contract]:
        """The model, opened when it is first asked for."""
        if self._opened is None:
            self._opened = self._open_model()
        return self._opened

    @property
    def ahead(self) -> int:
        """Pictures on their way at once: enough to keep every thread busy."""
        return max(_LEAST_AHEAD, 4 * self._opened[0].room) if self._opened else _LEAST_AHEAD

    def submit(self, source: Path, priority: Priority = "batch") -> Future[Scores]:
        """Score a picture anew, whose kept scores did not suffice."""
        self.known -= 1
        self.inferred += 1
        return self.opened()[0].submit(source, priority)

    def stream(self, sources: Iterable[Path], *, ordered: bool = False) -> Recalled:
        """Score pictures, an outcome for each as soon as it is there."""
        if ordered:
            raise ValueError("what is kept comes before what is inferred: there is no order")
        return Recalled(self, iter(sources))


@dataclass(eq=False)
class _Step:
    """A picture on its way: read for its hash, or scored; `look` is what it was found to hold."""

    path: Path
    future: Future[Look | None] | Future[Scores]
    look: Look | None = None
    infers: bool = False


class Recalled(Iterator[Outcome]):
    """The outcomes of pictures, in no order; usable after an exception that struck between two."""

    def __init__(self, recall: Recall, sources: Iterator[Path]) -> None:
        self._recall, self._sources = recall, sources
        self._pending: list[_Step] = []
        self._ended = False
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="tagger-hash")

    def __next__(self) -> Outcome:
        for outcome in self.take(1):
            return outcome
        raise StopIteration

    def take(self, most: int) -> list[Outcome]:
        """Wait for an outcome, then give up to `most` of those there; none at the end."""
        while True:
            found = self._advance(most)
            room = min(most, self._recall.ahead - len(self._pending))
            if room > 0 and not self._ended:
                found += self._begin(room)
            if found:
                return found
            if self._ended and not self._pending:
                self._readers.shutdown(wait=False)
                return []
            futures: list[Future[Any]] = [step.future for step in self._pending]
            wait(futures, _GLANCE_S, FIRST_COMPLETED)

    def stop(self) -> None:
        """Take no more pictures; those that are being scored still have their outcome."""
        self._ended = True
        self._pending = [s for s in self._pending if s.infers and not s.future.cancel()]

    def _begin(self, most: int) -> list[Outcome]:
        """Take more pictures: outcomes of those whose files are unchanged and scores kept."""
        paths = list(islice(self._sources, most))
        self._ended = self._ended or len(paths) < most
        memory = self._recall.memory
        looks = memory.known(paths)
        for path, look in zip(paths, looks, strict=True):
            if look is None:
                self._pending.append(_Step(path, self._readers.submit(memory.look, path)))
        return self._score([(look.path, look) for look in looks if look])

    def _score(self, pictures: Sequence[tuple[Path, Look | None]]) -> list[Outcome]:
        """Outcomes of the pictures whose scores are kept; the others are handed to the model."""
        recall = self._recall
        contents = [look.content for _, look in pictures if look]
        kept = recall.memory.scores_all(list(dict.fromkeys(contents))) if contents else {}
        found: list[Outcome] = []
        for path, look in pictures:
            scores = kept.get(look.content) if look else None
            if scores is not None:
                recall.known += 1
                found.append(Outcome(path, scores))
                continue
            future = recall.opened()[0].submit(path, "batch")
            self._pending.append(_Step(path, future, look, infers=True))
        return found

    def _advance(self, most: int) -> list[Outcome]:
        """The outcomes of what is done; what was read goes on to be scored."""
        done = list(islice((step for step in self._pending if step.future.done()), most))
        if not done:
            return []
        found: list[Outcome] = []
        read: list[tuple[Path, Look | None]] = []
        inferred: list[tuple[_Step, Scores]] = []
        for step in done:
            error = step.future.exception()
            result = None if error else step.future.result()
            if error:
                found.append(Outcome(step.path, error=_told(error)))
            elif isinstance(result, Scores):
                inferred.append((step, result))
            else:
                read.append((step.path, result))
        self._keep(inferred, [look for _, look in read if look])
        gone = set(map(id, done))
        self._pending = [step for step in self._pending if id(step) not in gone]
        self._recall.inferred += len(inferred)
        found += [Outcome(step.path, scores) for step, scores in inferred]
        return found + self._score(read)

    def _keep(self, inferred: Sequence[tuple[_Step, Scores]], looks: Sequence[Look]) -> None:
        scored = [
            Scored(step.look.content, scores, self._recall.opened()[1])
            for step, scores in inferred
            if step.look and step.look.still
        ]
        if scored or looks:
            self._recall.memory.keep_all(scored, [look for look in looks if look.state])


def _told(error: BaseException) -> TaggerError:
    if isinstance(error, TaggerError):
        return error
    return BackendError(f"expected one of Tagger's errors, got {error!r}")
