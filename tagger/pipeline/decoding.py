"""Sources into prepared pixels: how many at once, and by which libraries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..images import Pixels, load, open_quickly
from .waiting import Source

Claim = Callable[[int], object]
Opener = Callable[[str | PurePath | bytes, Claim], Image.Image | Pixels]
Fitter = Callable[[Image.Image | Pixels], NDArray[np.uint8]]

PIXELS_EACH = 12_000_000
"""Pixels that each thread may hold decoded, on average: 50 to 150 MB."""
PAYS_AFTER = 128
"""Pictures that save, by a hundredth of a second each, what importing torch takes."""
PAYS_SHARE = 0.25
"""Of the threads' time that decoding takes: torch saves a third of it, and takes half a GB."""


class Budget:
    """Pixels that may be decoded at once, by all threads together.

    A picture of more than all of them is decoded alone. Threads are served in the order they ask,
    so that a large picture has its turn.
    """

    def __init__(self, pixels: int) -> None:
        self._free = self._all = pixels
        self._turn = threading.Lock()
        self._changed = threading.Condition()

    @contextmanager
    def share(self) -> Iterator[Claim]:
        """What is claimed within the block, once, is free again after it."""
        held = 0

        def claim(pixels: int) -> None:
            nonlocal held
            wanted = min(pixels, self._all)
            with self._turn, self._changed:
                self._changed.wait_for(lambda: self._free >= wanted)
                self._free -= wanted
                held += wanted

        try:
            yield claim
        finally:
            with self._changed:
                self._free += held
                self._changed.notify_all()


class Decoding:
    """Opens and fits pictures, called by many threads.

    The first pictures come without torch, unless somebody has imported it: so the first caption is
    soon there. When a run turns out to be long, and decoding to be a good part of it, torch and
    OpenCV or torchvision are imported beside it, and taken once they are there. A model that
    takes a second a picture goes without: it would be no faster, only larger.
    """

    def __init__(
        self,
        fit: Fitter,
        waiting: Callable[[], int],
        threads: int,
        open: Opener = open_quickly,  # noqa: A002 - what it does
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Import nothing yet; `waiting` says how many pictures are known to come."""
        self._fit, self._open, self._waiting = fit, open, waiting
        self._threads, self._clock = threads, clock
        self._budget = Budget(threads * PIXELS_EACH)
        self._lock = threading.Lock()
        self._done, self._spent_s = 0, 0.0
        self._began: float | None = None
        self._import: threading.Thread | None = None

    def __call__(self, source: Source) -> NDArray[np.uint8]:
        """One picture as the model sees it; raises what opening it raises."""
        if isinstance(source, Image.Image):
            return self._fit(source)
        began = self._clock()
        with self._budget.share() as claim:
            pixels = self._fit(self._open(source, claim))
        self._count(began)
        return pixels

    def close(self) -> None:
        """Wait for an import that is under way: a process that ends amid it may crash."""
        if self._import:
            self._import.join()

    def _count(self, began: float) -> None:
        """Note how long one picture took, and import what is faster if that pays by now."""
        now = self._clock()
        with self._lock:
            self._done += 1
            self._spent_s += now - began
            self._began = began if self._began is None else min(began, self._began)
            few = self._done < PAYS_AFTER or self._waiting() < PAYS_AFTER // 2
            if self._import or few or self._share(now - self._began) < PAYS_SHARE:
                return
            self._import = threading.Thread(target=load, name="tagger-import", daemon=True)
            self._import.start()

    def _share(self, seconds: float) -> float:
        """How much of the threads' time went into decoding, 0 to 1."""
        return self._spent_s / (self._threads * seconds) if seconds > 0 else 0.0
