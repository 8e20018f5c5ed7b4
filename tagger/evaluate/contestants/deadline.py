"""A call that may take so long and no longer, whatever it hangs on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import TypeVar

T = TypeVar("T")


class LateError(Exception):
    """The time is over."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """What the call gives, or raises; LateError where it takes longer.

    A socket's own limit starts anew with each byte, so a server that sends one now and then would
    never end. A call that is late is left to itself, in a thread that nothing waits for.
    """
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(call())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, name="tagger-within", daemon=True).start()
    try:
        return result.result(seconds)
    except Late:
        if result.done():
            raise
        raise LateError from None
