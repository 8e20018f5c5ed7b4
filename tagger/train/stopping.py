"""When a training is asked to stop, by SIGTERM or Ctrl-C: after the step, with a checkpoint.

Before the first step and after the last one at once; a second Ctrl-C always.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stopped(KeyboardInterrupt):
    """The training was asked to stop and has saved where it was.

    code: what the process ends with, 128 + the signal's number, as shells have it.
    """

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code


class Asked:
    """Whether somebody has asked: the signal's number, 0 for none."""

    def __init__(self) -> None:
        self.signal = 0
        self._waits = False
        self._how = "no step was taken"

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Within the block the first signal is only noted: whoever looks saves, and stops."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False
            self._how = "--resume goes on from the last checkpoint"

    def hear(self, number: int) -> None:
        """Note a signal. Raises Stopped at once where there is nothing to wait for."""
        self.signal = number
        if not self._waits:
            raise Stopped(f"stopped: {self._how}", 128 + number)


@contextmanager
def listening() -> Iterator[Asked]:
    """Within the block SIGTERM and SIGINT are heard. Only a program's main thread can listen."""
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before: dict[int, Any] = {}

    def note(number: int, _: Any) -> None:
        signal.signal(number, before[number])  # the second one ends it
        asked.hear(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
