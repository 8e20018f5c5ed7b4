"""Many pictures through a pipeline: an Outcome for each, few on the way at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from ..errors import BackendError, TaggerError
from ..scores import Scores
from .waiting import Job, Priority, Source

GLANCE_S = 0.5  # Windows delivers Ctrl-C only between two waits


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one picture: its scores, or why there are none."""

    source: Source
    scores: Scores | None = None
    error: TaggerError | None = None


class Stream(Iterator[Outcome]):
    """The outcomes of many pictures, in the order of the pictures or as each is done.

    An exception that strikes between two outcomes, such as KeyboardInterrupt, leaves it usable:
    after `stop` it still gives the outcomes of the pictures in flight.
    """

    def __init__(
        self,
        put: Callable[[Source, Priority], Job],
        sources: Iterable[Source],
        ahead: int,
        ordered: bool,
    ) -> None:
        self._put = put
        self._sources = iter(sources)
        self._ahead = ahead
        self._ordered = ordered
        self._pending: list[Job] = []
        self._stopped = False

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __next__(self) -> Outcome:
        for outcome in self.take(1):
            return outcome
        raise StopIteration

    def take(self, most: int) -> list[Outcome]:
        """Wait for an outcome, then give up to `most` of those there; none at the end.

        Where the order is that of the pictures, one at a time.
        """
        self._fill()
        while self._pending:
            jobs = self._done(most)
            outcomes = [
                outcome_of(job.source, job.future) for job in jobs if not job.future.cancelled()
            ]
            gone = set(map(id, jobs))
            self._pending = [job for job in self._pending if id(job) not in gone]
            if outcomes:
                return outcomes
        return []

    def stop(self) -> None:
        """Take no more pictures; those that a thread has taken up still have their outcome."""
        self._stopped = True
        self._pending = [job for job in self._pending if not job.future.cancel()]

    def close(self) -> None:
        """Take no more pictures, and wait for those in flight; their outcomes are dropped."""
        self.stop()
        wait([job.future for job in self._pending])
        self._pending.clear()

    def _fill(self) -> None:
        while not self._stopped and len(self._pending) < self._ahead:
            try:
                source = next(self._sources)
            except StopIteration:
                self._stopped = True
                return
            self._pending.append(self._put(source, "batch"))

    def _done(self, most: int) -> list[Job]:
        """Wait for the first job, or where the order is free for any; those that are done."""
        candidates = self._pending[:1] if self._ordered else self._pending
        done: set[object] = set()
        while not done:
            done = set(wait([j.future for j in candidates], GLANCE_S, FIRST_COMPLETED).done)
        return [job for job in candidates if job.future in done][:most]


def outcome_of(source: Source, future: Future[Scores]) -> Outcome:
    """What became of a picture whose scoring is over."""
    error = future.exception()
    if error is None:
        return Outcome(source, scores=future.result())
    if isinstance(error, TaggerError):
        return Outcome(source, error=error)
    raise BackendError(f"expected one of Tagger's errors, got {error!r}") from error
