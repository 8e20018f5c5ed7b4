"""Pictures in, Scores out, the machine kept busy: threads that decode, batches of what waits.

On a processor a few threads each decode a picture and run it, sharing one session: nothing is
handed over, no thread waits for another. Before a card a pool decodes, and one thread forms
batches of whatever is ready. Threads only: decoding, resizing and inference release the
interpreter's lock.

Read downward:
    waiting     Job; Waiting, the queue with two priorities
    decoding    a picture opened and fitted, pixels held at once
    stream      Outcome, Stream
    union       several models asked together
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import PurePath

from ..backends import DeviceMemoryError
from ..backends.devices import cores
from ..engine import Tagger
from ..errors import BackendError, ImageError, TaggerError
from ..images import open_quickly
from ..preprocess import stack
from ..scores import Scores
from ..settings import Runtime
from .decoding import Decoding, Opener
from .stream import Outcome, Stream
from .union import Blend, Union
from .waiting import Job, Priority, Source, Waiting

__all__ = ["Blend", "Outcome", "Pipeline", "Priority", "Source", "Stream", "Union"]

log = logging.getLogger(__name__)


class Pipeline:
    """A Tagger with the threads that feed it. All methods may be called by any thread.

    Closing it leaves the Tagger open.

    Attributes:
        room: pictures that are decoded, prepared or being run at any time, at most.
    """

    def __init__(
        self,
        tagger: Tagger,
        runtime: Runtime | None = None,
        open: Opener = open_quickly,  # noqa: A002 - what it does
    ) -> None:
        """Start nothing yet: threads start with the first picture."""
        backend, threads = tagger.backend, (runtime or Runtime()).threads or cores()
        self._tagger = tagger
        self._batch = backend.best_batch
        self._waiting, self._ready = Waiting(), Waiting()
        self._lock = threading.Lock()
        self._started = False
        if backend.best_batch == 1 and backend.streams > 1:
            self.room = backend.streams
            self._feeders = _threads(self._decode_and_run, backend.streams)
            self._runners: list[threading.Thread] = []
        else:
            # a processor that runs the model as well can spare half its cores
            decoders = threads if backend.device != "cpu" else max(1, threads // 2)
            self.room = decoders + 2 * backend.streams * backend.best_batch
            self._feeders = _threads(self._decode, decoders)
            self._runners = _threads(self._run, backend.streams)
        self._prepared = Decoding(tagger.fit, self._waiting.__len__, len(self._feeders), open)
        self._space = threading.Semaphore(self.room)

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def device(self) -> str:
        """What runs the model."""
        return self._tagger.backend.device

    @property
    def at_once(self) -> int:
        """Pictures that are run at once now: fewer than at first, where memory did not do."""
        return max(self._batch, self._tagger.backend.streams)

    def submit(self, source: Source, priority: Priority = "interactive") -> Future[Scores]:
        """Hand in one picture: a file, its bytes, or an opened image.

        The future raises an ImageError or a BackendError. Cancelling it before a thread has taken
        the picture up costs nothing.
        """
        return self._put(source, priority).future

    def stream(self, sources: Iterable[Source], *, ahead: int = 0, ordered: bool = True) -> Stream:
        """Score many pictures, an Outcome for each, after the interactive ones.

        At most `ahead` pictures (0: enough to keep every thread busy) are on the way: `sources`
        is not read further. `ordered=False` gives each outcome as soon as it is there.
        """
        return Stream(self._put, sources, ahead or max(64, 4 * self.room), ordered)

    def close(self) -> None:
        """Cancel what nobody took up, finish what is in flight, end the threads."""
        self._waiting.close()
        self._waiting.cancel()
        self._join(self._feeders)
        self._ready.close()
        self._join(self._runners)
        self._prepared.close()

    def _put(self, source: Source, priority: Priority) -> Job:
        job = Job(source, priority)
        with self._lock:
            self._waiting.put(job)
            if not self._started:
                self._started = True
                for thread in (*self._feeders, *self._runners):
                    thread.start()
        return job

    def _join(self, threads: Iterable[threading.Thread]) -> None:
        with self._lock:
            started = self._started
        for thread in threads:
            if started:
                thread.join()

    # what the threads do

    def _decode_and_run(self) -> None:
        while jobs := self._waiting.take(1):
            if self._prepare(jobs[0]):
                self._score(jobs)

    def _decode(self) -> None:
        while True:
            self._space.acquire()  # before choosing a job: the most urgent one may come meanwhile
            jobs = self._waiting.take(1)
            if jobs and self._prepare(jobs[0]):
                self._ready.put(jobs[0])
                continue
            self._space.release()
            if not jobs:
                return

    def _run(self) -> None:
        while jobs := self._ready.take(self._batch):
            self._score(jobs)
            self._space.release(len(jobs))

    def _prepare(self, job: Job) -> bool:
        """Decode and fit; False where the job is over: cancelled, or no picture."""
        if not job.future.set_running_or_notify_cancel():
            return False
        try:
            job.pixels = self._prepared(job.source)
        except Exception as error:
            job.future.set_exception(_unreadable(job.source, error))
            return False
        return True

    def _score(self, jobs: list[Job]) -> None:
        try:
            pixels = [job.pixels for job in jobs if job.pixels is not None]
            scores = self._tagger.run(stack(pixels, self._tagger.preprocess))
        except DeviceMemoryError as error:
            self._score_smaller(jobs, error)
        except Exception as error:
            _fail(jobs, error)
        else:
            for job, one in zip(jobs, scores, strict=True):
                job.pixels = None
                job.future.set_result(one)

    def _score_smaller(self, jobs: list[Job], error: DeviceMemoryError) -> None:
        """Go on with half the batch, from now on for every batch."""
        if len(jobs) == 1:
            _fail(jobs, error)
            return
        size = len(jobs) // 2
        with self._lock:
            self._batch = min(self._batch, size)
        log.warning("%s: batches of %d from here on (%s)", self._tagger.name, size, error)
        for at in range(0, len(jobs), size):
            self._score(jobs[at : at + size])


def _threads(work: Callable[[], None], count: int) -> list[threading.Thread]:
    name = f"tagger-{work.__name__.strip('_')}"
    return [
        threading.Thread(target=work, name=f"{name}-{number}", daemon=True)
        for number in range(count)
    ]


def _unreadable(source: Source, error: Exception) -> TaggerError:
    if isinstance(error, TaggerError):
        return error
    name = source if isinstance(source, (str, PurePath)) else "upload"
    told = ImageError(name, "not enough memory" if isinstance(error, MemoryError) else repr(error))
    told.__cause__ = error
    return told


def _fail(jobs: list[Job], error: Exception) -> None:
    told = error
    if not isinstance(error, TaggerError):
        told = BackendError(f"expected scores, got {error!r}")
        told.__cause__ = error
    for job in jobs:
        job.pixels = None
        job.future.set_exception(told)
