"""One at a time, among threads and processes, by a file that the system locks.

A lock of a process that died is free; the file itself stays.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

log = logging.getLogger(__name__)

_POLL_S = 0.1
_threads: dict[Path, threading.Lock] = {}
_guard = threading.Lock()


@contextmanager
def held(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold the lock `path` for as long as the block runs.

    Raises:
        TimeoutError: another thread or process held it for `timeout_s` seconds.
    """
    until = time.monotonic() + timeout_s
    with _guard:
        thread = _threads.setdefault(path, threading.Lock())
    # some network disks lock for the whole process, so threads need a lock of their own
    if not thread.acquire(timeout=timeout_s):
        raise TimeoutError
    try:
        with path.open("a+b") as file:
            while not _take(file):
                if time.monotonic() >= until:
                    raise TimeoutError
                time.sleep(_POLL_S)
            try:
                yield
            finally:
                _release(file)
    finally:
        thread.release()


try:
    import fcntl

    def _take(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # a disk without locks: threads are kept apart at least
            log.debug("%s can't be locked: %s", file.name, error)
        return True

    def _release(file: IO[bytes]) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_UN)
        except OSError as error:
            log.debug("%s can't be unlocked: %s", file.name, error)

except ImportError:  # Windows
    import msvcrt

    def _take(file: IO[bytes]) -> bool:
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # pyright: ignore
        except OSError:
            return False
        return True

    def _release(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # pyright: ignore
