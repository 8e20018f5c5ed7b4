"""Ctrl-C while files are written: the first one asks, the second one insists."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SAID = b"\nfinishing what is in flight; Ctrl-C again stops at once\n"


@contextmanager
def asked_to_stop(stop: Callable[[], object]) -> Iterator[None]:
    """Within the block the first Ctrl-C calls `stop`, the next one is KeyboardInterrupt.

    `stop` is called between any two steps of the main thread; elsewhere there is no Ctrl-C.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.write(2, _SAID)  # `print` may be what was struck
        stop()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
