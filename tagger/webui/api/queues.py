"""picobyte's batches by name: pictures are handed in one by one, and fetched all together.

A queue that nobody touches for an hour is forgotten, and what all hold together is limited: a
client may never come back for it.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ..jobs import BusyError

FORGOTTEN_S = 3600.0
MOST_SCORES = 4_000_000
"""Scores that all queues hold together, about 400 MB."""

Result = dict[str, float]


@dataclass(eq=False)
class _Queue:
    touched: float
    results: dict[str, Result | None] = field(default_factory=dict[str, "Result | None"])
    done: Counter[str] = field(default_factory=lambda: Counter[str]())


class Queues:
    """The queues of a process. All methods may be called by any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._queues: dict[str, _Queue] = {}
        self._lock = threading.Lock()
        self._clock = clock
        self._held = 0

    def enter(self, queue: str, name: str) -> tuple[str, str]:
        """A place for a picture: the queue's name, a new one where it is empty, and its own.

        A name that is taken gets `#0`, `#1` and so on. Raises BusyError.
        """
        with self._lock:
            self._forget()
            if self._held >= MOST_SCORES:
                raise BusyError("expected queues to be fetched, got too much in them: finish some")
            queue = queue or self._free()
            found = self._queues.setdefault(queue, _Queue(self._clock()))
            found.touched = self._clock()
            number = 0
            own = name
            while own in found.results:
                own, number = f"{name}#{number}", number + 1
            found.results[own] = None
            return queue, own

    def put(self, queue: str, name: str, model: str, result: Result) -> dict[str, dict[str, float]]:
        """Fill a place; how many pictures of that model and queue are done."""
        with self._lock:
            found = self._queues.get(queue)
            if found is None:  # fetched or forgotten meanwhile
                return {model: {queue: 0.0}}
            found.results[name] = result
            found.touched = self._clock()
            found.done[model] += 1
            self._held += len(result)
            return {model: {queue: float(found.done[model])}}

    def leave(self, queue: str, name: str) -> None:
        """Give up a place: its picture could not be read."""
        with self._lock:
            found = self._queues.get(queue)
            if found is not None:
                found.results.pop(name, None)

    def waits(self, queue: str) -> bool:
        """Whether a queue has pictures that are not done."""
        with self._lock:
            found = self._queues.get(queue)
            return found is not None and None in found.results.values()

    def finish(self, queue: str) -> dict[str, Result] | None:
        """Take all that a queue holds; None where there is no such queue."""
        with self._lock:
            found = self._queues.pop(queue, None)
            if found is None:
                return None
            results = {name: result for name, result in found.results.items() if result is not None}
            self._held -= sum(map(len, results.values()))
            return results

    def _free(self) -> str:
        while (name := secrets.token_hex(4)) in self._queues:
            pass
        return name

    def _forget(self) -> None:
        late = self._clock() - FORGOTTEN_S
        for name in [name for name, each in self._queues.items() if each.touched < late]:
            gone = self._queues.pop(name)
            self._held -= sum(len(result or ()) for result in gone.results.values())
