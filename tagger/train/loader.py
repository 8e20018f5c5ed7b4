"""Batches in their order, made ready by threads while the network is busy with earlier ones.

The threads step aside on a processor that is also what trains: they get what it leaves over, and
all of it while it waits for them, so that nothing is lost to their fighting over cores.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..images import load
from ..resample import Method
from .augment import KERNEL, draw, flipped
from .config import AugmentOptions
from .data import Pictures, Prepared
from .flips import Flips
from .targets import Targets
from .teacher import Teacher

AHEAD = 3
"""Batches that are made ready at once: one more than is being waited for, and one in reserve."""
_NICE = 10


@dataclass(frozen=True, eq=False)
class Batch:
    """What a step of one process needs, on the processor.

    rows: intp[N]. pixels: uint8[N, side, side, 3], RGB. chance: float32[N, 16]. truth, known:
    bool[N, n]. teacher: float32[N, n], another tagger's probabilities, NaN where it says nothing.
    """

    rows: NDArray[np.intp]
    pixels: torch.Tensor
    chance: torch.Tensor
    truth: torch.Tensor
    known: torch.Tensor
    teacher: torch.Tensor | None = None


@dataclass(frozen=True, eq=False)
class Loader:
    """Makes batches of pictures and of what is true of them."""

    pictures: Pictures
    targets: Targets
    side: int
    workers: int = 0
    aside: bool = True
    pin: bool = False
    teacher: Teacher | None = None

    def batches(self, steps: Sequence[NDArray[np.intp]]) -> Iterator[Batch]:
        """Batches of these rows as they are, unchanged by chance."""
        return self._ahead(steps, lambda rows: np.full((len(rows), 16), 0.5, np.float32), None, ())

    def training(
        self,
        steps: Sequence[NDArray[np.intp]],
        seed: int,
        epoch: int,
        options: AugmentOptions,
        flips: Flips,
    ) -> Iterator[Batch]:
        """Batches of an epoch, with what chance says of them; a mirror swaps tags too."""

        def mirror(
            chance: NDArray[np.float32],
            truth: NDArray[np.bool_],
            known: NDArray[np.bool_],
            scores: NDArray[np.float32] | None,
        ) -> None:
            turned = flipped(chance, options)
            flips.apply(truth, known, turned)
            if scores is not None:
                flips.apply_scores(scores, turned)

        return self._ahead(steps, lambda rows: draw(rows, seed, epoch), mirror, options.kernels)

    def _ahead(
        self,
        steps: Sequence[NDArray[np.intp]],
        chances: Callable[[NDArray[np.intp]], NDArray[np.float32]],
        mirror: Callable[..., None] | None,
        kernels: Sequence[str],
    ) -> Iterator[Batch]:
        """Keep `AHEAD` batches under way; however the reader ends, the threads end too."""
        if not isinstance(self.pictures, Prepared):
            load()
        waiting: deque[_Making] = deque()
        left = iter(steps)
        threads = ThreadPoolExecutor(self._count(), initializer=_step_aside, initargs=(self.aside,))
        try:
            for rows in left:
                waiting.append(self._begin(threads, rows, chances(rows), kernels))
                if len(waiting) < AHEAD:
                    continue
                yield self._finish(waiting.popleft(), mirror)
            while waiting:
                yield self._finish(waiting.popleft(), mirror)
        finally:
            threads.shutdown(wait=True, cancel_futures=True)

    def _count(self) -> int:
        if isinstance(self.pictures, Prepared):
            return 1  # copies out of one file, in its order
        return self.workers or os.cpu_count() or 1

    def _begin(
        self,
        threads: ThreadPoolExecutor,
        rows: NDArray[np.intp],
        chance: NDArray[np.float32],
        kernels: Sequence[str],
    ) -> _Making:
        pixels = torch.empty((len(rows), self.side, self.side, 3), dtype=torch.uint8)
        if self.pin:
            pixels = pixels.pin_memory()
        into: NDArray[np.uint8] = pixels.numpy()

        def copy(places: Sequence[int]) -> None:
            for place in places:
                into[place] = self.pictures.read(
                    int(rows[place]), kernel_of(kernels, chance[place, KERNEL])
                )

        # in the file's order, whatever the order asked for: the disk reads forward
        order: list[int] = np.argsort(rows, kind="stable").tolist()
        parts = [order] if self._count() == 1 else [[place] for place in order]
        return _Making(rows, pixels, chance, [threads.submit(copy, part) for part in parts])

    def _finish(self, made: _Making, mirror: Callable[..., None] | None) -> Batch:
        for each in made.parts:
            each.result()
        truth, known = self.targets.of(made.rows)
        lost = np.isin(made.rows, list(self.pictures.broken))
        known[lost] = False  # a white square stands for it, and nothing is to be learned from that
        scores = None if self.teacher is None else self.teacher.of(made.rows)
        if mirror is not None:
            mirror(made.chance, truth, known, scores)
        tensors = (torch.from_numpy(each) for each in (made.chance, truth, known))
        taught = None if scores is None else torch.from_numpy(scores)
        return Batch(made.rows, made.pixels, *tensors, teacher=taught)


@dataclass(frozen=True, eq=False)
class _Making:
    rows: NDArray[np.intp]
    pixels: torch.Tensor
    chance: NDArray[np.float32]
    parts: list[Future[None]]


def kernel_of(kernels: Sequence[str], chance: float) -> Method | None:
    """The kernel that chance, 0 to 1, chooses; None of none."""
    return kernels[min(int(chance * len(kernels)), len(kernels) - 1)] if kernels else None  # pyright: ignore[reportReturnType]


def _step_aside(aside: bool) -> None:
    """Give this thread, not the process, less of the processor: on Linux a thread has its own."""
    if aside and hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            own = os.getpriority(os.PRIO_PROCESS, 0)  # whatever the whole training was given
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(own + _NICE, 19))
