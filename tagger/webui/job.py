"""One thing that goes on in the background: how far it is, and how it ends."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..errors import TaggerError

log = logging.getLogger(__name__)

State = Literal["queued", "running", "cancelling", "done", "cancelled", "failed"]
Kind = Literal["caption", "edit", "download", "load", "environment", "explain"]
ENDED: frozenset[State] = frozenset(("done", "cancelled", "failed"))

MOST_ERRORS = 100
LATEST = 8
OUTCOMES = 1000
"""Outcomes of pictures that are remembered for who looks later."""


class StoppedError(TaggerError):
    """A job was cancelled; raised inside its work."""


@dataclass(frozen=True)
class Failure:
    """A picture that has no caption, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Shown:
    """A picture that is done; `caption` is None where it failed, for a `reason`."""

    path: str
    caption: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Snapshot:
    """A job as it is now. rate: of `done` a second. run: what undoes it."""

    id: str
    kind: Kind
    title: str
    state: State
    done: int
    total: int
    written: int
    skipped: int
    failed: int
    rate: float
    eta_s: float | None
    errors: tuple[Failure, ...]
    run: int | None
    message: str
    latest: tuple[Shown, ...]

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ENDED

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


class Job:
    """Something that goes on. Its work tells it how far it is; all methods suit any thread."""

    def __init__(self, kind: Kind, title: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.id = secrets.token_hex(8)
        self.kind: Kind = kind
        self.title = title
        self.state: State = "queued"
        self.done = self.total = self.written = self.skipped = self.failed = 0
        self.run: int | None = None
        self.message = ""
        self.version = 0
        self._clock = clock
        self._began: float | None = None
        self._ended: float | None = None
        self._errors: list[Failure] = []
        self._outcomes: deque[tuple[int, Shown]] = deque(maxlen=OUTCOMES)
        self._numbered = 0
        self._stop = threading.Event()
        self._changed = threading.Condition()

    # for its work

    @property
    def stopping(self) -> bool:
        """Whether somebody cancelled it."""
        return self._stop.is_set()

    def check(self) -> None:
        """Raise StoppedError if somebody cancelled it."""
        if self.stopping:
            raise StoppedError("cancelled")

    def pause(self, seconds: float) -> None:
        """Wait, no longer than until it is cancelled."""
        self._stop.wait(seconds)

    def tell(self, **counts: Any) -> None:
        """Set done, total, written, skipped, failed, run or message."""
        with self._changed:
            for name, value in counts.items():
                setattr(self, name, value)
            self._notify()

    def show(self, outcome: Shown) -> None:
        """Tell of one picture that is done."""
        with self._changed:
            self._numbered += 1
            self._outcomes.append((self._numbered, outcome))
            if outcome.reason and outcome.caption is None and len(self._errors) < MOST_ERRORS:
                self._errors.append(Failure(outcome.path, outcome.reason))
            self._notify()

    # for who watches

    def snapshot(self) -> Snapshot:
        """What there is to know, at one moment."""
        with self._changed:
            rate, eta_s = self._pace()
            return Snapshot(
                self.id,
                self.kind,
                self.title,
                self.state,
                self.done,
                self.total,
                self.written,
                self.skipped,
                self.failed,
                rate,
                eta_s,
                tuple(self._errors),
                self.run,
                self.message,
                tuple(shown for _, shown in list(self._outcomes)[-LATEST:]),
            )

    def outcomes(self, after: int) -> list[tuple[int, Shown]]:
        """The pictures done since the one of a number, of those that are remembered."""
        with self._changed:
            return [pair for pair in self._outcomes if pair[0] > after]

    def cancel(self) -> None:
        """Ask it to stop; what was done stays. A second call changes nothing."""
        with self._changed:
            self._stop.set()
            if self.state == "queued":
                self._end("cancelled")
            elif self.state == "running":
                self.state = "cancelling"
            self._notify()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended; whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: self.state in ENDED, timeout)

    def perform(self, work: Callable[[Job], None]) -> None:
        """Do the work, unless it was cancelled before, and note how it ended."""
        with self._changed:
            if self.state != "queued":
                return
            self.state, self._began = "running", self._clock()
            self._notify()
        try:
            work(self)
        except StoppedError:
            self._finish("cancelled")
        except TaggerError as error:
            self._finish("failed", str(error))
        except Exception as error:
            log.exception("%s: a fault of Tagger", self.title)
            self._finish("failed", f"{type(error).__name__}: {error}: this is a fault of Tagger")
        else:
            self._finish("cancelled" if self.stopping else "done")

    def _finish(self, state: State, message: str = "") -> None:
        with self._changed:
            self.message = message or self.message
            self._end(state)
            self._notify()

    def _end(self, state: State) -> None:
        self.state, self._ended = state, self._clock()

    def _notify(self) -> None:
        self.version += 1
        self._changed.notify_all()

    def _pace(self) -> tuple[float, float | None]:
        if self._began is None:
            return 0.0, None
        seconds = (self._clock() if self._ended is None else self._ended) - self._began
        rate = self.done / seconds if seconds > 0 else 0.0
        left = self.total - self.done
        return rate, left / rate if rate and left >= 0 and self.state not in ENDED else None
