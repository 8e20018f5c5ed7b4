"""What goes on in the background of a process, whether anybody watches or not.

A job outlives the page that started it. Captioning and editing wait for each other, one at a time;
downloads and loading go on beside them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ..errors import TaggerError
from .job import ENDED, MOST_ERRORS, Failure, Job, Kind, Shown, Snapshot, State, StoppedError

__all__ = [
    "ENDED",
    "MOST_ERRORS",
    "BusyError",
    "Failure",
    "Job",
    "Jobs",
    "Kind",
    "Shown",
    "Snapshot",
    "State",
    "StoppedError",
]

WAITING = 32
"""Jobs that may wait or run at once."""
REMEMBERED = 100
"""Jobs that have ended and can still be asked for."""


class BusyError(TaggerError):
    """More is asked for than may wait at once: ask again later."""


class Jobs:
    """The jobs of a process. All methods may be called by any thread."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._queue: deque[tuple[Job, Callable[[Job], None]]] = deque()
        self._worker: threading.Thread | None = None
        self._closed = False

    def start(self, kind: Kind, title: str, work: Callable[[Job], None]) -> Job:
        """Begin a job, or queue it behind another of its kind.

        Raises:
            BusyError: too many are under way, or the process is ending.
        """
        job = Job(kind, title)
        with self._lock:
            if self._closed:
                raise BusyError("expected a running server, got one that is ending")
            if sum(each.state not in ENDED for each in self._jobs.values()) >= WAITING:
                raise BusyError(f"expected at most {WAITING} jobs at once, got one more: wait")
            self._forget()
            self._jobs[job.id] = job
            if kind in ("caption", "edit"):
                self._queue.append((job, work))
                self._work_off()
            else:
                name = f"tagger-{kind}"
                threading.Thread(target=job.perform, args=(work,), name=name, daemon=True).start()
        return job

    def get(self, id: str) -> Job | None:  # noqa: A002 - its name in the API
        """A job by its id, None where there is none of it."""
        return self._jobs.get(id)

    def list(self) -> tuple[Job, ...]:
        """The jobs, the oldest first."""
        with self._lock:
            return tuple(self._jobs.values())

    def newest(self, kind: Kind) -> Job | None:
        """The last job of a kind, None where there was none."""
        return next((job for job in reversed(self.list()) if job.kind == kind), None)

    def close(self, timeout: float = 10.0) -> None:
        """Cancel every job and wait until they have ended; take no more."""
        with self._lock:
            self._closed = True
        for job in self.list():
            job.cancel()
        until = time.monotonic() + timeout
        for job in self.list():
            job.wait(max(0.0, until - time.monotonic()))

    def closing(self) -> None:
        """Take no more jobs and end the streams; may be called by a signal's handler."""
        self._closed = True

    @property
    def closed(self) -> bool:
        """Whether the process is ending."""
        return self._closed

    def _work_off(self) -> None:
        """Start the worker unless it is at it; called under the lock."""
        if self._worker is None:
            self._worker = threading.Thread(target=self._run, name="tagger-jobs", daemon=True)
            self._worker.start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._worker = None
                    return
                job, work = self._queue.popleft()
            job.perform(work)

    def _forget(self) -> None:
        ended = [job for job in self._jobs.values() if job.state in ENDED]
        for job in ended[: max(0, len(ended) - REMEMBERED + 1)]:
            del self._jobs[job.id]
