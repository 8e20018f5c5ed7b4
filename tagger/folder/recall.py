"""Scores that are kept come from the store, the others from a model, opened for the first of them.

So another threshold, exclusion or format is a matter of writing: no inference, no weights read.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from ..captioner import Captioner
from ..errors import BackendError, StoreError, TaggerError
from ..models.spec import Contract, Model, digest
from ..paths import openable
from ..pipeline import Outcome as Scored
from ..pipeline import Priority
from ..scores import Scores, Sparse
from ..store import Key, Store

log = logging.getLogger(__name__)

T = TypeVar("T")

_GLANCE_S = 0.5  # Windows delivers Ctrl-C only between two waits
_LEAST_AHEAD = 64


class Submitting(Protocol):
    """What scores one picture after another: a `Pipeline`."""

    room: int

    def submit(self, source: Path, priority: Priority = "batch") -> Future[Scores]: ...


Opener = Callable[[], tuple[Submitting, Contract]]
"""Opens the model: what scores pictures, and the way of running that was chosen."""


@dataclass(frozen=True)
class Keeping:
    """How kept scores are used.

    rehash: read every file, though it looks unchanged. every: keep every score, and use only
    such that were kept so.
    """

    rehash: bool = False
    every: bool = False


class Memory:
    """The kept scores of one model's pictures. All methods may be called by any thread."""

    def __init__(
        self, store: Store, model: Model, captioner: Captioner, keeping: Keeping | None = None
    ) -> None:
        self.keeping = keeping or Keeping()
        self._store, self._model, self._captioner = store, model, captioner
        self._ways = {contract: _way(model, contract) for contract in model.contracts}
        self._broken = False

    def content(self, path: Path, *, read: bool) -> str | None:
        """The hash of a picture; unless `read`, only where the file need not be read for it.

        None where it is not known, or the store can't be used. Raises ImageError.
        """
        if not read:
            rehash = self.keeping.rehash
            return None if rehash else self._try(lambda: self._store.known(path))
        return self._try(lambda: self._store.content(path, rehash=self.keeping.rehash))

    def scores(self, content: str) -> Scores | None:
        """The kept scores of a content, if they suffice; of any way to run the model."""
        for way in self._ways.values():
            key = Key(content, *way)
            sparse = self._try(functools.partial(self._store.get, key))
            scores = None if sparse is None else self._try(functools.partial(self._whole, sparse))
            if scores is not None and self._suffices(scores):
                return scores
        return None

    def keep(self, content: str, scores: Scores, contract: Contract) -> None:
        """Keep the scores of a content; a store that refuses is named once, and no more used."""
        key = Key(content, *(self._ways.get(contract) or _way(self._model, contract)))
        sparse = _every(scores) if self.keeping.every else scores.sparse()
        self._try(lambda: self._store.put(key, sparse))

    def _suffices(self, scores: Scores) -> bool:
        return scores.floor == 0 or (not self.keeping.every and self._captioner.decides(scores))

    def _whole(self, sparse: Sparse) -> Scores:
        labels, name = self._model.labels, self._model.name
        if len(sparse.values) == len(labels):  # kept whole
            return Scores(sparse.values, labels, name)
        return Scores.from_sparse(sparse, labels, name)

    def _try(self, act: Callable[[], T]) -> T | None:
        if self._broken:
            return None
        try:
            return act()
        except StoreError as error:
            self._broken = True
            log.warning("%s; this run goes on without kept scores", error)
            return None


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

    def stream(self, sources: Iterable[Path], *, ordered: bool = False) -> Recalled:
        """Score pictures, an outcome for each as soon as it is there."""
        if ordered:
            raise ValueError("what is kept comes before what is inferred: there is no order")
        return Recalled(self, iter(sources))


@dataclass(eq=False)
class _Step:
    """A picture on its way: read for its hash, or with `content` scored."""

    path: Path
    future: Future[str | None] | Future[Scores]
    stamp: tuple[int, int] | None
    content: str | None = None
    infers: bool = False


class Recalled(Iterator[Scored]):
    """The outcomes of pictures, in no order; usable after an exception that struck between two."""

    def __init__(self, recall: Recall, sources: Iterator[Path]) -> None:
        self._recall, self._sources = recall, sources
        self._pending: list[_Step] = []
        self._ended = False
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="tagger-hash")

    def __next__(self) -> Scored:
        while True:
            for step in [step for step in self._pending if step.future.done()]:
                outcome = self._advance(step)
                if outcome:
                    return outcome
            if not self._ended and len(self._pending) < self._recall.ahead:
                outcome = self._take()
                if outcome:
                    return outcome
            elif self._pending:
                futures: list[Future[Any]] = [step.future for step in self._pending]
                wait(futures, _GLANCE_S, FIRST_COMPLETED)
            else:
                self._readers.shutdown(wait=False)
                raise StopIteration

    def stop(self) -> None:
        """Take no more pictures; those that are being scored still have their outcome."""
        self._ended = True
        self._pending = [s for s in self._pending if s.infers and not s.future.cancel()]

    def _take(self) -> Scored | None:
        """Take one more picture: its outcome if its file is unchanged and its scores are kept."""
        path = next(self._sources, None)
        if path is None:
            self._ended = True
            return None
        content = self._recall.memory.content(path, read=False)
        if content is None:
            read = functools.partial(self._recall.memory.content, path, read=True)
            self._pending.append(_Step(path, self._readers.submit(read), _stamp(path)))
            return None
        return self._look_up(path, content, _stamp(path))

    def _look_up(
        self, path: Path, content: str | None, stamp: tuple[int, int] | None
    ) -> Scored | None:
        recall = self._recall
        scores = None if content is None else recall.memory.scores(content)
        if scores is not None:
            recall.known += 1
            return Scored(path, scores)
        future = recall.opened()[0].submit(path, "batch")
        self._pending.append(_Step(path, future, stamp, content, infers=True))
        return None

    def _advance(self, step: _Step) -> Scored | None:
        error = step.future.exception()
        if error is None:
            result = step.future.result()
            outcome = (
                self._keep(step, result)
                if isinstance(result, Scores)
                else self._look_up(step.path, result, step.stamp)
            )
        else:
            outcome = Scored(step.path, error=_told(error))
        self._pending.remove(step)
        return outcome

    def _keep(self, step: _Step, scores: Scores) -> Scored:
        if step.content is not None and step.stamp == _stamp(step.path):
            self._recall.memory.keep(step.content, scores, self._recall.opened()[1])
        self._recall.inferred += 1
        return Scored(step.path, scores)


def _way(model: Model, contract: Contract) -> tuple[str, str]:
    return model.identity(contract), digest(contract.preprocess)


def _every(scores: Scores) -> Sparse:
    count = len(scores.labels)
    if count <= 0xFFFF:
        return Sparse(np.arange(count, dtype=np.uint16), scores.values)
    return Sparse(np.arange(count, dtype=np.uint32), scores.values)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of a file: whether what was hashed is what was scored."""
    try:
        found = openable(path).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _told(error: BaseException) -> TaggerError:
    if isinstance(error, TaggerError):
        return error
    return BackendError(f"expected one of Tagger's errors, got {error!r}")
