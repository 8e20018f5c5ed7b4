"""What every inference library is to the rooms below: pixels in, probabilities out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendError
from ..models.spec import Contract, Model
from ..preprocess import Batch, Preprocess, stack


class DeviceMemoryError(BackendError):
    """A batch did not fit into the device's memory; a smaller one may."""


class Backend(Protocol):
    """One opened model on one device. `run` may be called by up to `streams` threads at once."""

    @property
    def contract(self) -> Contract:
        """The way of running that was chosen, with the preprocessing `run` expects."""
        ...

    @property
    def outputs(self) -> int:
        """Labels, n."""
        ...

    @property
    def library(self) -> str:
        """Who runs it, for a person: "ONNX Runtime 1.20.1"."""
        ...

    @property
    def device(self) -> str:
        """The device really in use: "cpu", "cuda:0"."""
        ...

    @property
    def dtype(self) -> str:
        """The numbers it computes in: "float32", "float16", "bfloat16"."""
        ...

    @property
    def best_batch(self) -> int:
        """Pictures in a batch at which it is fastest; 1 on a processor."""
        ...

    @property
    def streams(self) -> int:
        """Threads that may be in `run` at once and gain by it."""
        ...

    @property
    def takes_uint8(self) -> bool:
        """Whether pixels reach the device as bytes and become floats there."""
        ...

    @property
    def memory(self) -> int:
        """Bytes of weights it holds; 0 where not known."""
        ...

    @property
    def parked(self) -> bool:
        """Whether the weights are off the device; `run` is not called before `wake`."""
        ...

    def run(self, batch: Batch) -> NDArray[np.float32]:
        """Turn a batch as `preprocess.stack` makes it into probabilities, float32 [N, n].

        Raises:
            DeviceMemoryError: the batch is too large for the device.
            BackendError: the device or library refused.
            ModelError: the model's outputs are no probabilities.
        """
        ...

    def park(self) -> int:
        """Take the weights off the device, not far; say how many bytes that frees there.

        0 on a processor, whose weights are in main memory anyway, and then nothing is parked. No
        run is under way.
        """
        ...

    def wake(self) -> None:
        """Bring parked weights back to the device.

        Raises:
            DeviceMemoryError: there is no room for them any more.
            BackendError: the device or library refused.
        """
        ...

    def close(self) -> None:
        """Free the weights; `run` is not called again. A second call does nothing."""
        ...


def is_unproved(model: Model) -> bool:
    """Whether a model is tried on noise when it is opened: nobody said how it is to be run.

    Published ones were run by whoever wrote down how, and so was what has a `tagger.json`. Outputs
    that are no probabilities are refused of any model, at the first picture.
    """
    return model.spec.repo is None and not model.path("tagger.json").is_file()


def noise(preprocess: Preprocess, count: int = 1) -> Batch:
    """A batch of prepared pictures of noise, always the same, to try a model on."""
    side = 2 * preprocess.patch
    width, height = (side, side) if preprocess.fit == "patches" else preprocess.size
    channels = 3 if preprocess.alpha == "before" else 4
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    return stack([pixels] * count, preprocess)
