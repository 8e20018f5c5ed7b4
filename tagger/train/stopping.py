"""When a training is asked to stop: SIGTERM and Ctrl-C, after the step, with a checkpoint.

A second Ctrl-C ends it at once.
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


@contextmanager
def listening() -> Iterator[Asked]:
    """Within the block SIGTERM and SIGINT are noted. Only a program's main thread can listen."""
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before: dict[int, Any] = {}

    def note(number: int, _: Any) -> None:
        asked.signal = number
        signal.signal(number, before[number])  # the second one ends it

    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
