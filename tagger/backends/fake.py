"""A backend without a model, for tests here and in other people's code."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendError
from ..models.spec import Contract
from ..patches import Patches
from ..preprocess import Batch


class FakeBackend:
    """Scores that depend on a picture's pixels and on nothing else.

    `on_run` is called with each batch first: it may wait (a slow device) or raise (a broken one).
    `batches` lists the size of every batch that `run` was called with, failed ones too. On a
    `device` other than the processor it can be parked.
    """

    library = "fake"
    device = "cpu"
    dtype = "float32"
    takes_uint8 = True
    memory = 0
    parked = False

    def __init__(
        self,
        outputs: int,
        *,
        best_batch: int = 1,
        streams: int = 1,
        on_run: Callable[[Batch], object] | None = None,
        contract: Contract | None = None,
    ) -> None:
        self.outputs = outputs
        self.best_batch = best_batch
        self.streams = streams
        self.contract = contract or Contract()
        self.closed = False
        self.batches: list[int] = []
        self._on_run = on_run
        self._lock = threading.Lock()

    def run(self, batch: Batch) -> NDArray[np.float32]:
        """Make probabilities out of a digest of each picture."""
        with self._lock:
            self.batches.append(len(batch))
        if self.closed:
            raise BackendError("expected an open backend, got a closed one: load the model again")
        if self.parked:
            raise BackendError("expected a backend on its device, got a parked one: wake it")
        if self._on_run:
            self._on_run(batch)
        pictures = batch.pixels if isinstance(batch, Patches) else batch
        rows: Sequence[NDArray[np.float32]] = [self.score(pixels) for pixels in pictures]
        return np.stack(rows) if rows else np.empty((0, self.outputs), np.float32)

    def score(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What `run` answers for one picture, uint8 [H, W, 3] -> float32 [n]."""
        digest = hashlib.blake2b(np.ascontiguousarray(pixels).tobytes(), digest_size=8).digest()
        generator = np.random.default_rng(int.from_bytes(digest, "big"))
        return generator.random(self.outputs, np.float32)

    def park(self) -> int:
        """Be off the device, where it is on one."""
        if self.device == "cpu" or self.parked:
            return 0
        self.parked = True
        return self.memory

    def wake(self) -> None:
        """Be on the device again."""
        self.parked = False

    def close(self) -> None:
        """Refuse every later run."""
        self.closed = True
