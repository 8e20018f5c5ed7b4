"""A long run's pictures on their way to a model: few at a time, none while the WebUI generates."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from ..errors import BackendError
from ..models.spec import Model
from ..pipeline import Priority
from ..scores import Scores

GLANCE_S = 0.25
"""Seconds between two looks whether a WebUI still generates."""


class Inferring(Protocol):
    """What scores a picture, however often its model is unloaded meanwhile: `Scoring`."""

    def infer(self, model: Model, picture: Path, priority: Priority) -> Future[Scores]: ...


class Pace(Protocol):
    """What a run may do just now."""

    def waits(self) -> bool: ...
    def stopped(self) -> bool: ...


class Feed:
    """Pictures of one run. At most `room` of them are at the model; the others wait here.

    Those that wait when the run is stopped fail with a BackendError, which ends a run.
    """

    def __init__(self, scoring: Inferring, model: Model, room: int, pace: Pace) -> None:
        self.room = room
        self._scoring, self._model, self._pace = scoring, model, pace
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Path, Future[Scores]]] = deque()
        self._under_way = 0
        self._looking = False

    def submit(self, source: Path, priority: Priority = "batch") -> Future[Scores]:
        """Hand in one picture."""
        outer: Future[Scores] = Future()
        with self._lock:
            self._waiting.append((source, outer))
        self._go_on()
        return outer

    def _go_on(self) -> None:
        while taken := self._take():
            source, outer = taken
            if not outer.set_running_or_notify_cancel():
                self._left()
            elif self._pace.stopped():
                self._left()
                outer.set_exception(BackendError("cancelled"))
            else:
                self._begin(source, outer)

    def _take(self) -> tuple[Path, Future[Scores]] | None:
        waits = self._pace.waits()
        with self._lock:
            if not self._waiting or self._under_way >= self.room:
                return None
            if waits:
                self._look_again()
                return None
            self._under_way += 1
            return self._waiting.popleft()

    def _begin(self, source: Path, outer: Future[Scores]) -> None:
        try:
            inner = self._scoring.infer(self._model, source, "batch")
        except Exception as error:  # the model can't be loaded
            self._left()
            outer.set_exception(error)
            return
        if inner.done():  # the loop that called this goes on by itself
            self._give(inner, outer)
            return

        def end(inner: Future[Scores]) -> None:
            self._give(inner, outer)
            self._go_on()

        inner.add_done_callback(end)

    def _give(self, inner: Future[Scores], outer: Future[Scores]) -> None:
        self._left()
        error = inner.exception()
        if error:
            outer.set_exception(error)
        else:
            outer.set_result(inner.result())

    def _left(self) -> None:
        with self._lock:
            self._under_way -= 1

    def _look_again(self) -> None:
        """Go on in a while; called under the lock."""
        if not self._looking:
            self._looking = True
            timer = threading.Timer(GLANCE_S, self._looked)
            timer.daemon = True
            timer.start()

    def _looked(self) -> None:
        with self._lock:
            self._looking = False
        self._go_on()
