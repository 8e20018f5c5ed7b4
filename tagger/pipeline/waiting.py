"""Pictures that wait for a thread, the interactive ones first."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import BackendError
from ..scores import Scores

Source = str | PurePath | bytes | Image.Image
Priority = Literal["interactive", "batch"]


@dataclass(eq=False)
class Job:
    """One picture on its way: `pixels` once prepared, `future` what becomes of it."""

    source: Source
    priority: Priority
    future: Future[Scores] = field(default_factory=lambda: Future[Scores]())
    pixels: NDArray[np.uint8] | None = None


class Waiting:
    """A queue of jobs: interactive ones first, each kind in the order it came."""

    def __init__(self) -> None:
        self._jobs: dict[Priority, deque[Job]] = {"interactive": deque(), "batch": deque()}
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return sum(map(len, self._jobs.values()))

    def put(self, job: Job) -> None:
        """Add a job; raises BackendError once closed."""
        with self._changed:
            if self._closed:
                raise BackendError("expected an open pipeline, got a closed one: open another")
            self._jobs[job.priority].append(job)
            self._changed.notify()

    def take(self, most: int) -> list[Job]:
        """Wait for a job, then take up to `most` of those there; none means closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or any(self._jobs.values()))
            taken: list[Job] = []
            for queue in self._jobs.values():
                while queue and len(taken) < most:
                    taken.append(queue.popleft())
            return taken

    def close(self) -> None:
        """Accept no more jobs; what is there can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """Cancel and forget what is there."""
        with self._changed:
            jobs = [job for queue in self._jobs.values() for job in queue]
            for queue in self._jobs.values():
                queue.clear()
        for job in jobs:
            job.future.cancel()
