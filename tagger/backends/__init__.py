"""Who runs a model: ONNX Runtime or torch with timm, behind one protocol.

Read downward:
    protocol    Backend, DeviceMemoryError
    fake        FakeBackend, for tests
    batchsize   how many pictures a device's memory holds
    devices     what can compute here, and which library reaches it
    place       where a model runs, and in what numbers
    activation  outputs -> probabilities
    sessions    ONNX Runtime's sessions and errors; imports it
    onnxrt      ONNX Runtime
    openvinort  OpenVINO; imports it
    weights     files -> tensors -> a network; imports torch
    timmnets    timm's networks; imports it
    cards       batches to a card and back; imports torch
    architectures  networks of our own
    attention   what a network attends to; imports torch
    pytorch     torch
    explain     where in a picture a model sees a tag
    embedding   Embedder: pictures as vectors
    classifier  the layer before an ONNX graph's classifier; asks for onnx
    onnxembed   vectors by ONNX Runtime
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from ..errors import BackendError, OptionError, unlike_torch
from ..models.spec import Contract, Model
from ..settings import Runtime
from .devices import Library
from .embedding import Embedder
from .fake import FakeBackend
from .place import Place, pick
from .protocol import Backend, DeviceMemoryError

__all__ = ["Backend", "DeviceMemoryError", "Embedder", "FakeBackend"]
__all__ += ["open_backend", "open_embedder"]

log = logging.getLogger(__name__)

# A contract's way of running -> libraries for it, each with what must be importable.
_RUNNERS: dict[str, dict[Library, tuple[str, ...]]] = {
    "onnx": {"onnxruntime": ("onnxruntime",), "openvino": ("onnxruntime", "openvino")},
    "timm": {"torch": ("torch", "timm", "safetensors")},
    "torch": {"torch": ("torch", "safetensors")},
}
_MODULES: dict[Library, str] = {
    "onnxruntime": ".onnxrt",
    "openvino": ".openvinort",
    "torch": ".pytorch",
}


def open_backend(model: Model, runtime: Runtime | None = None) -> Backend:
    """Open a model by the best way that its files and this machine allow.

    A device that was not named and refuses is replaced by the processor, in one line of the log.

    Raises:
        ModelError: the model's files are broken, foreign, or contradict what is said of them.
        BackendError: no library for the model, or the device named is not to be had.
    """
    return _best_way(model, runtime or Runtime(), _ways(model), _open)


def open_embedder(model: Model, runtime: Runtime | None = None, head: str = "") -> Embedder:
    """Open a model for its vectors, as `open_backend` does for its scores.

    head: a head with vectors of its own, which ONNX graphs give by name; empty for the trunk.

    Raises:
        ModelError: as `open_backend`.
        BackendError: likewise, or the model has no layer to take vectors from.
        OptionError: the model names no heads, or not this one.
    """
    ways = _ways(model)
    ways.pop("openvino", None)
    if head and "onnxruntime" not in ways:
        raise OptionError(f"head: expected an ONNX graph, which names heads, in {model.name}")
    if head:
        ways.pop("torch", None)

    def open_way(model: Model, way: Contract, place: Place, runtime: Runtime) -> Any:
        if place.library == "onnxruntime":
            module = _module(".onnxembed", place)
            with _verifying(model, way):
                return module.open_embedder(model, way, place, runtime, head)
        return _open(model, way, place, runtime)

    return _best_way(model, runtime or Runtime(), ways, open_way)


def _best_way(
    model: Model,
    runtime: Runtime,
    ways: dict[Library, Contract],
    open_way: Callable[[Model, Contract, Place, Runtime], Any],
) -> Any:
    place = pick(runtime.device, runtime.precision, ways)
    try:
        return open_way(model, ways[place.library], place, runtime)
    except BackendError as error:
        if place.asked or place.kind == "cpu":
            raise
        log.warning(
            "%s: %s refused (%s), running on the processor", model.name, place.device, error
        )
    place = pick("cpu", runtime.precision, ways)
    return open_way(model, ways[place.library], place, runtime)


def _ways(model: Model) -> dict[Library, Contract]:
    """The libraries installed that can run this model, each with the contract for it."""
    model.path("")  # a model that is not on disk says how to get it
    found: dict[Library, Contract] = {}
    for contract in model.contracts:
        for library, needs in _RUNNERS[contract.runtime].items():
            if all(importlib.util.find_spec(name) for name in needs):
                found.setdefault(library, contract)
    if found or not model.contracts:
        return found
    first = [next(iter(_RUNNERS[way.runtime].values())) for way in model.contracts]
    needs = " or ".join(" with ".join(names) for names in first)
    raise BackendError(f"{model.name}: expected {needs} to run it, got none: install it with pip")


def _open(model: Model, contract: Contract, place: Place, runtime: Runtime) -> Any:
    module = _module(_MODULES[place.library], place)
    with _verifying(model, contract):
        return module.open_model(model, contract, place, runtime)


@contextmanager
def _verifying(model: Model, contract: Contract) -> Iterator[None]:
    """Hold a model's files against their hashes while they are opened: either takes a while.

    Files that are not what they should be are the error, whatever opening them said.
    """
    with ThreadPoolExecutor(1, "tagger-verify") as pool:
        verified = pool.submit(model.verify, contract)
        try:
            yield
        finally:
            verified.result()


def _module(name: str, place: Place) -> Any:
    try:
        return importlib.import_module(name, __name__)
    except (ImportError, OSError) as error:  # an installation that lacks a library of its own
        raise BackendError(
            f"expected {place.library} to load, got {error}: install it again"
        ) from error
    except RuntimeError as error:
        if not (unlike := unlike_torch(error)):
            raise
        raise BackendError(unlike) from error
