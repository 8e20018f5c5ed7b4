"""timm architectures with safetensors weights, run by torch: real batches, half precision."""

from __future__ import annotations

import difflib
import gc
import inspect
import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors.torch
import timm
import torch
from numpy.typing import NDArray

from ..errors import BackendError, ModelError
from ..labels import LabelSet
from ..models.spec import Contract, Model, check_contract, check_probabilities
from ..settings import Runtime
from .activation import activate
from .place import Place
from .protocol import DeviceMemoryError, noise

CARD_BATCH = 32
"""Pictures in a batch on a card: the small end of where a ViT-B of 448 pixels stops gaining."""

# What `timm.create_model` takes for itself: a config.json that sets these could read a pickle
# (`checkpoint_path`) or the network (`pretrained`).
_REFUSED = set(inspect.signature(timm.create_model).parameters) - {"kwargs"}


def open_model(model: Model, contract: Contract, place: Place, runtime: Runtime) -> TorchBackend:
    """Build the architecture of `config.json` and fill it from `contract.weights`.

    A model that nobody published (no repository) is tried on noise, as in `onnxrt`.

    Raises:
        ModelError: a file is truncated or foreign, or they contradict each other or the labels.
        BackendError: the device refuses.
    """
    config = model.path(contract.config or "config.json")
    network = _build(config)
    outputs = int(getattr(network, "num_classes", 0))
    width, height = contract.preprocess.size
    shape = (None, 3, height, width)  # whatever the contract says, timm's networks take this
    check_contract(contract, shape, (None, outputs), len(model.labels), str(config))
    if width % contract.pool or height % contract.pool:
        raise ModelError(
            f"{config}: expected a size that pool {contract.pool} divides, got {shape}"
        )
    _fill(network, model.path(contract.weights), config)
    if place.kind == "cpu" and runtime.threads:
        torch.set_num_threads(runtime.threads)
    try:
        network.to(device=place.device, dtype=getattr(torch, place.dtype)).eval()
    except RuntimeError as error:
        raise BackendError(f"{place.device}: {_first_line(error)}") from error
    backend = TorchBackend(network, contract, model.labels, model.path(contract.weights))
    backend.device, backend.dtype = place.device, place.dtype
    backend.best_batch = runtime.batch or (1 if place.kind == "cpu" else CARD_BATCH)
    if model.spec.repo is None:
        backend.run(noise(contract.preprocess))
    return backend


class TorchBackend:
    """One network on one device; pixels travel as bytes and are normalised there."""

    library = f"torch {torch.__version__}"
    device = "cpu"
    dtype = "float32"
    streams = 1
    best_batch = 1
    takes_uint8 = True

    def __init__(
        self, network: torch.nn.Module, contract: Contract, labels: LabelSet, path: Path
    ) -> None:
        self.contract = contract
        self.outputs = len(labels)
        self.memory = sum(p.numel() * p.element_size() for p in network.parameters())
        self._labels = labels
        self._path = path
        self._network: torch.nn.Module | None = network

    def run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn fitted pixels, uint8 RGB [N, H, W, 3], into probabilities, float32 [N, n]."""
        network = self._network
        if network is None:
            raise BackendError(f"{self._path}: expected an open model, got a closed one: load it")
        try:
            values = self._forward(network, batch)
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise DeviceMemoryError(
                f"{self.device}: expected memory for {len(batch)} pictures, got none"
            ) from error
        except AssertionError as error:  # how timm's networks refuse a size
            raise ModelError(
                f"{self._path}: expected a network for this model's pictures: {_first_line(error)}"
            ) from error
        except RuntimeError as error:
            raise BackendError(f"{self._path}: {_first_line(error)}") from error
        if self.contract.activation == "none":
            check_probabilities(values, str(self._path))
        return values

    def close(self) -> None:
        """Free the weights and give the device's cached memory back."""
        self._network = None
        gc.collect()
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def _forward(self, network: torch.nn.Module, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels = torch.from_numpy(np.ascontiguousarray(batch))
        if self.device.startswith("cuda"):
            pixels = pixels.pin_memory()
        pixels = pixels.to(self.device, non_blocking=True)
        inputs = prepare(pixels, self.contract).to(getattr(torch, self.dtype))
        outputs = network(inputs).float()  # sigmoid and thresholds in float32
        if self.dtype != "float32" and not outputs.isfinite().all():
            better = "bf16" if self.dtype == "float16" else "fp32"
            raise BackendError(
                f'{self._path}: expected numbers, got an overflow of {self.dtype}: use "{better}"'
            )
        if self.contract.activation == "sigmoid":
            return outputs.sigmoid().cpu().numpy()
        return activate(outputs.cpu().numpy(), self.contract, self._labels)


def prepare(pixels: torch.Tensor, contract: Contract) -> torch.Tensor:
    """`preprocess.normalise` on the device: uint8 RGB [N, H, W, 3] -> float32 [N, 3, h, w].

    h and w are H and W divided by `contract.pool`: averages of whole blocks.
    """
    preprocess = contract.preprocess
    values = pixels.permute(0, 3, 1, 2)
    if preprocess.channels == "bgr":
        values = values.flip(1)
    gain = torch.from_numpy(preprocess.gain).to(pixels.device).reshape(3, 1, 1)
    offset = torch.from_numpy(preprocess.offset).to(pixels.device).reshape(3, 1, 1)
    values = values.float() * gain + offset
    return torch.nn.functional.avg_pool2d(values, contract.pool) if contract.pool > 1 else values


def _build(path: Path) -> torch.nn.Module:
    """The architecture that a timm `config.json` names, with random weights."""
    config = _read(path)
    name, settings = config.get("architecture"), config.get("model_args") or {}
    if not isinstance(name, str) or ":" in name or not timm.is_model(name):
        near = difflib.get_close_matches(str(name), timm.list_models(), n=1)
        hint = f": did its author mean {near[0]}?" if near else ": update timm"
        raise ModelError(f"{path}: expected an architecture of timm, got {name!r}{hint}")
    if not isinstance(settings, dict) or _REFUSED & set(settings):
        raise ModelError(f"{path}: expected model_args of the architecture alone, got {settings}")
    classes = config.get("num_classes")
    try:
        return timm.create_model(name, pretrained=False, num_classes=classes, **settings)
    except Exception as error:  # whatever the architecture's own code makes of its arguments
        raise ModelError(
            f"{path}: expected num_classes and model_args for {name}, got {classes} and "
            f"{settings}: {_first_line(error)}"
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path}: expected a timm config, got no file: fetch it") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: expected a timm config in JSON, got {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: expected a timm config in JSON, got no object")
    return cast("dict[str, Any]", config)


def _fill(network: torch.nn.Module, path: Path, config: Path) -> None:
    try:
        state = safetensors.torch.load_file(path)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: expected a file, got none: fetch the model again") from error
    except (safetensors.SafetensorError, OSError) as error:
        raise ModelError(
            f"{path}: expected safetensors, got a truncated or foreign file ({error}): fetch it "
            f"again"
        ) from error
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: tensor.shape for name, tensor in state.items()}
    if wanted != found:
        different = sorted(name for name, _ in wanted.items() ^ found.items())
        raise ModelError(
            f"{path}: expected the {len(wanted)} tensors of the network in {config.name}, got "
            f"{len(found)}, {different[0]!r} differs: one of the two belongs to another model"
        )
    network.load_state_dict(state, assign=True)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
