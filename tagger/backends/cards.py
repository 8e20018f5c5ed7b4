"""Batches to an NVIDIA or AMD card and scores back, while it computes something else.

Pixels travel as bytes, from pinned memory, on a stream of their own; all computing is on one other
stream, so that two batches under way take the memory of one. Whoever waits for scores sleeps: the
processor has pictures to decode.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import cuda

STREAMS = 2
"""Batches under way: one travels while the other is computed."""


class Courier:
    """Brings what a network needs to one card, and takes its outputs back. For several threads."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._travels: Any = cuda.Stream(device)

    def bring(self, values: NDArray[Any]) -> torch.Tensor:
        """Start the journey; what is computed next, on the current stream, waits for its end."""
        computes: Any = cuda.current_stream(self._device)
        pinned = _pinned(torch.from_numpy(np.ascontiguousarray(values)))
        with cuda.stream(self._travels):
            moved = pinned.to(self._device, non_blocking=True)
        computes.wait_stream(self._travels)
        moved.record_stream(computes)  # else its memory would be reused when the journey is over
        return moved

    def fetch(self, outputs: torch.Tensor) -> torch.Tensor:
        """The outputs in main memory, once they are computed."""
        there = _pinned(torch.empty(outputs.shape, dtype=outputs.dtype))
        there.copy_(outputs, non_blocking=True)
        done: Any = cuda.Event(blocking=True)
        done.record(cuda.current_stream(self._device))
        done.synchronize()
        return there


def taken(device: str, run: Any, *arguments: Any) -> int:
    """Bytes that a run takes on a card at its height, beside what is there already."""
    before = cuda.memory_allocated(device)
    cuda.reset_peak_memory_stats(device)
    run(*arguments)
    return cuda.max_memory_allocated(device) - before


def free(device: str) -> int:
    """Bytes free on a card, with what torch has kept for itself and not in use."""
    kept = cuda.memory_reserved(device) - cuda.memory_allocated(device)
    return cuda.mem_get_info(device)[0] + kept


def _pinned(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.pin_memory()
