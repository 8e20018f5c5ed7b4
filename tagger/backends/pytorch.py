"""Networks run by torch, timm's and our own: real batches, half precision."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import BackendError, ModelError
from ..labels import LabelSet
from ..models.spec import Contract, Model, check_contract, check_probabilities, input_shape
from ..patches import Patches
from ..pixels import levels
from ..preprocess import Batch, Preprocess
from ..settings import Runtime
from . import architectures
from .activation import activate
from .attention import attribute
from .batchsize import find_batch
from .cards import STREAMS, Courier, free, taken
from .place import Place
from .protocol import DeviceMemoryError, is_unproved, noise
from .weights import fill, first_line, read_weights

_NO_MEMORY = torch.cuda.OutOfMemoryError
CARD_BATCH = 32
"""Pictures in a batch on a card whose free memory is not known, Apple's."""


def open_model(model: Model, contract: Contract, place: Place, runtime: Runtime) -> TorchBackend:
    """Build the network, fill it from `contract.weights` and hold it against the labels.

    A model of which nobody said how to run it is tried on noise, as in `onnxrt`.

    Raises:
        ModelError: a file is truncated or foreign, or they contradict each other or the labels.
        BackendError: the device refuses, or timm is missing.
    """
    network = build(model, contract)
    if place.kind == "cpu" and runtime.threads:
        torch.set_num_threads(runtime.threads)
    try:
        network.to(device=place.device, dtype=getattr(torch, place.dtype)).eval()
    except RuntimeError as error:
        raise BackendError(f"{place.device}: {first_line(error)}") from error
    backend = TorchBackend(network, contract, model.labels, model.path(contract.weights))
    backend.device, backend.dtype = place.device, place.dtype
    backend.best_batch = runtime.batch or (1 if place.kind == "cpu" else CARD_BATCH)
    if place.kind == "cuda":
        backend.courier, backend.streams = Courier(place.device), STREAMS
        backend.best_batch = runtime.batch or backend.roomiest()
    if is_unproved(model):
        backend.run(noise(contract.preprocess))
    return backend


def build(model: Model, contract: Contract) -> torch.nn.Module:
    """The network, filled from `contract.weights` and held against contract and labels."""
    weights, config = model.path(contract.weights), model.path(contract.config or "config.json")
    if contract.runtime == "torch":
        network = architectures.build(contract.architecture, weights, config)
        _check(network, model, contract, weights)
        return network
    from . import timmnets  # a network of our own can do without timm

    network = timmnets.describe(config)
    _check(network, model, contract, config)
    fill(network, read_weights(weights), weights, f"the network in {config.name}")
    return network


def _check(network: torch.nn.Module, model: Model, contract: Contract, told: Path) -> None:
    """Hold a network against contract and labels; `told` is the file that describes it."""
    outputs = int(getattr(network, "num_classes", 0))
    width, height = contract.preprocess.size
    shape = (None, 3, height, width)  # whatever the contract says, torch's networks take this
    if contract.runtime == "torch":
        shape = input_shape(contract.preprocess)  # the networks are for the one way to feed them
    check_contract(contract, shape, (None, outputs), len(model.labels), str(told))
    if width % contract.pool or height % contract.pool:
        raise ModelError(f"{told}: expected a size that pool {contract.pool} divides, got {shape}")


class TorchBackend:
    """One network on one device; pixels travel as bytes and are normalised there."""

    library = f"torch {torch.__version__}"
    device = "cpu"
    dtype = "float32"
    streams = 1
    best_batch = 1
    takes_uint8 = True
    parked = False
    head = ""  # whose vectors `embed` gives: the trunk's
    courier: Courier | None = None

    def __init__(
        self, network: torch.nn.Module, contract: Contract, labels: LabelSet, path: Path
    ) -> None:
        self.contract = contract
        self.outputs = len(labels)
        self.memory = sum(p.numel() * p.element_size() for p in network.parameters())
        self._labels = labels
        self._path = path
        self._network: torch.nn.Module | None = network

    @property
    def preprocess(self) -> Preprocess:
        """How pictures are prepared."""
        return self.contract.preprocess

    def run(self, batch: Batch) -> NDArray[np.float32]:
        """Turn a batch as `preprocess.stack` makes it into probabilities, float32 [N, n]."""
        network = self._network
        if network is None:
            raise BackendError(f"{self._path}: expected an open model, got a closed one: load it")
        try:
            values = self._forward(network, batch)
        except _NO_MEMORY as error:
            torch.cuda.empty_cache()
            raise DeviceMemoryError(
                f"{self.device}: expected memory for {len(batch)} pictures, got none"
            ) from error
        except AssertionError as error:  # how timm's networks refuse a size
            raise ModelError(
                f"{self._path}: expected a network for this model's pictures: {first_line(error)}"
            ) from error
        except RuntimeError as error:
            raise BackendError(f"{self._path}: {first_line(error)}") from error
        if self.contract.activation == "none":
            check_probabilities(values, str(self._path))
        return values

    def park(self) -> int:
        """Move the weights to main memory; they stay in the numbers they are in."""
        if self._network is None or self.device == "cpu" or self.parked:
            return 0
        self._network.to("cpu")
        self.parked = True
        self._give_back()
        return self.memory

    def wake(self) -> None:
        """Move the weights to the device again."""
        if self._network is None or not self.parked:
            return
        try:
            self._network.to(self.device)
        except RuntimeError as error:  # some layers may be there already: all go back
            self._network.to("cpu")
            self._give_back()
            kind = DeviceMemoryError if isinstance(error, _NO_MEMORY) else BackendError
            raise kind(f"{self.device}: {first_line(error)}") from error
        self.parked = False

    def close(self) -> None:
        """Free the weights and give the device's cached memory back."""
        self._network = None
        self._give_back()

    def _give_back(self) -> None:
        gc.collect()
        if self.device.startswith("cuda") and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def roomiest(self) -> int:
        """The largest batch that the device's free memory holds, as far as small ones tell."""

        self.run(noise(self.contract.preprocess))  # what the libraries keep for themselves

        def cost(count: int) -> int:
            return taken(self.device, self.run, noise(self.contract.preprocess, count))

        return find_batch(cost, free(self.device))

    def attribute(
        self, batch: Batch, columns: Sequence[int], plain: bool
    ) -> tuple[list[NDArray[np.float32]], str] | None:
        """Heat of one picture for each output column, as `explain.Attributes` says."""
        network = self._network
        if network is None:
            raise BackendError(f"{self._path}: expected an open model, got a closed one: load it")
        if isinstance(batch, Patches):
            return None
        try:
            return attribute(network, self._inputs(batch), self._target, columns, plain)
        except _NO_MEMORY as error:
            torch.cuda.empty_cache()
            raise DeviceMemoryError(
                f'{self.device}: expected memory for gradients, got none: use "occlusion"'
            ) from error
        except RuntimeError as error:
            raise BackendError(f"{self._path}: {first_line(error)}") from error

    def embed(self, batch: Batch) -> NDArray[np.float32]:
        """What the last layer before the classifier says of pictures, float32 [N, d].

        Raises:
            BackendError: the network has no such layer to ask.
        """
        network: Any = self._network
        if network is None:
            raise BackendError(f"{self._path}: expected an open model, got a closed one: load it")
        with torch.inference_mode():
            inputs = self._inputs(batch)
            if hasattr(network, "embed"):  # what looks at patches
                return self._fetched(network.embed(*inputs).float())
            if isinstance(batch, Patches) or not hasattr(network, "forward_head"):
                raise BackendError(
                    f"{self._path}: expected a network with a vector before its classifier, got "
                    f"{type(network).__name__}: use another model"
                )
            maps = network.forward_features(*inputs)
            return self._fetched(network.forward_head(maps, pre_logits=True).float())

    def _target(self, outputs: torch.Tensor, column: int) -> torch.Tensor:
        """What of the outputs, [1, m], is explained: the column's logit, or what stands for it."""
        row = outputs[0].float()
        if self.contract.activation == "gated":
            value, gate = row.chunk(2)
            return torch.nn.functional.logsigmoid(torch.stack([value[column], gate[column]])).sum()
        return row[column]

    @torch.inference_mode()
    def _forward(self, network: torch.nn.Module, batch: Batch) -> NDArray[np.float32]:
        outputs = network(*self._inputs(batch)).float()  # sigmoid and thresholds in float32
        if self.dtype != "float32" and not outputs.isfinite().all():
            better = "bf16" if self.dtype == "float16" else "fp32"
            raise BackendError(
                f'{self._path}: expected numbers, got an overflow of {self.dtype}: use "{better}"'
            )
        if self.contract.activation == "sigmoid":
            return self._fetched(outputs.sigmoid())
        return activate(self._fetched(outputs), self.contract, self._labels)

    def _inputs(self, batch: Batch) -> list[torch.Tensor]:
        kind = getattr(torch, self.dtype)
        if not isinstance(batch, Patches):
            return [prepare(self._moved(batch), self.contract).to(kind)]
        pixels, places, valid = map(self._moved, (batch.pixels, batch.places, batch.valid))
        return [prepare_patches(pixels, self.contract.preprocess).to(kind), places, valid]

    def _moved(self, values: NDArray[Any]) -> torch.Tensor:
        if self.courier:
            return self.courier.bring(values)
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

    def _fetched(self, outputs: torch.Tensor) -> NDArray[Any]:
        return (self.courier.fetch(outputs) if self.courier else outputs.cpu()).numpy()


def prepare(pixels: torch.Tensor, contract: Contract) -> torch.Tensor:
    """`preprocess.normalise` on the device: uint8 [N, H, W, 3 or 4] -> float32 [N, 3, h, w].

    h and w are H and W divided by `contract.pool`: averages of whole blocks.
    """
    preprocess = contract.preprocess
    values = pixels.permute(0, 3, 1, 2)
    if preprocess.alpha == "after":
        share = values[:, 3:].float() / 255
        background = torch.tensor(levels(preprocess.background), device=pixels.device)
        values = values[:, :3] * share + (1 - share) * background.reshape(3, 1, 1)
    if preprocess.channels == "bgr":
        values = values.flip(1)
    gain, offset = _linear(preprocess, pixels.device)
    values = values.float() * gain.reshape(3, 1, 1) + offset.reshape(3, 1, 1)
    return torch.nn.functional.avg_pool2d(values, contract.pool) if contract.pool > 1 else values


def prepare_patches(pixels: torch.Tensor, preprocess: Preprocess) -> torch.Tensor:
    """uint8 [N, s, patch * patch * 3] -> float32 of that shape, scaled as `preprocess` says."""
    gain, offset = _linear(preprocess, pixels.device)
    values = pixels.unflatten(-1, (-1, 3))
    if preprocess.channels == "bgr":
        values = values.flip(-1)
    return (values.float() * gain + offset).flatten(-2)


def _linear(preprocess: Preprocess, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    rows = (preprocess.gain, preprocess.offset)
    gain, offset = (torch.from_numpy(row).to(device) for row in rows)
    return gain, offset
