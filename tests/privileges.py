"""A test run as root does what anybody can: without the privilege to pass over permissions."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")

# linux/capability.h: the third version takes two words of each set
_VERSION_3 = 0x20080522
_PASS_OVER_PERMISSIONS = 0b111  # CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def as_anybody(act: Callable[[], T]) -> T:
    """Do something as a user whom permissions bind; threads that it starts are bound too.

    Root gives the privilege away in a thread of its own, since no thread gets it back. Skips
    where that is not to be had.
    """
    if not hasattr(os, "geteuid"):
        pytest.skip("permissions are Windows' own there")
    if os.geteuid() != 0:
        return act()
    if sys.platform != "linux":
        pytest.skip("root may read and write everything")
    found: list[T] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            _give_away()
            found.append(act())
        except BaseException as error:  # it is raised where the test can see it
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


def _give_away() -> None:
    library, sets = ctypes.CDLL(None, use_errno=True), (_Sets * 2)()
    header = _Header(_VERSION_3, 0)
    for call in (library.capget, library.capset):
        if call(ctypes.byref(header), ctypes.byref(sets)):
            raise OSError(ctypes.get_errno(), "capabilities")
        sets[0].effective &= ~_PASS_OVER_PERMISSIONS
        sets[0].permitted &= ~_PASS_OVER_PERMISSIONS
