"""Models run by ONNX Runtime: on the processor, and on whatever its builds reach."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ..errors import BackendError, ModelError, TaggerError
from ..labels import LabelSet
from ..models.spec import (
    Contract,
    Model,
    check_contract,
    check_probabilities,
    external_files,
)
from ..preprocess import normalise
from ..settings import Runtime
from .activation import activate
from .devices import PROVIDERS, lanes, providers
from .place import Place
from .protocol import DeviceMemoryError, noise

CARD_BATCH = 8
"""Pictures in a batch on a card. Unmeasured: large enough to fill one, small beside its memory."""

_KINDS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
_NO_MEMORY = re.compile(r"alloc|out of memory|bad_alloc|BFCArena", re.IGNORECASE)


def open_model(model: Model, contract: Contract, place: Place, runtime: Runtime) -> OnnxBackend:
    """Open `contract.weights` at `place` and hold it against contract and labels.

    A model that nobody published (no repository) is tried on noise: outputs that are no
    probabilities are refused here rather than at the first picture.

    Raises:
        ModelError: the file is truncated or foreign, or contradicts the contract or the labels.
        BackendError: the provider for `place` is not to be had.
    """
    path = model.path(contract.weights)
    _check_external(model, contract)
    streams, width = lanes(runtime.threads) if place.kind == "cpu" else (1, 0)
    session = _session(path, place, width)
    used = session.get_providers()[0]
    if used not in PROVIDERS[place.kind]:
        raise BackendError(f"expected ONNX Runtime on {place.device}, got {used}")
    backend = OnnxBackend(session, contract, model.labels, path)
    backend.device = place.device
    backend.streams = streams
    backend.best_batch = _best_batch(backend.fixed, place, runtime)
    if model.spec.repo is None:
        backend.run(noise(contract.preprocess))
    return backend


class OnnxBackend:
    """One session, shared by all threads.

    Attributes:
        fixed: the batch the graph is fixed to; None where it is free.
    """

    library = f"ONNX Runtime {onnxruntime.__version__}"
    device = "cpu"
    streams = 1
    best_batch = 1

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        contract: Contract,
        labels: LabelSet,
        path: Path,
    ) -> None:
        self.contract = contract
        self.outputs = len(labels)
        self.memory = path.stat().st_size
        self._labels = labels
        self._path = path
        self._input = _one(session.get_inputs(), contract.input, "input", path)
        self._output = _one(session.get_outputs(), contract.output, "output", path)
        check_contract(contract, self._input.shape, self._output.shape, len(labels), str(path))
        if self._input.type not in _KINDS:
            known = ", ".join(_KINDS)
            raise ModelError(f"{path}: expected an input of {known}, got {self._input.type}")
        self._kind = _KINDS[self._input.type]
        self.dtype = "float16" if self._kind is np.float16 else "float32"
        batch = self._input.shape[0]
        self.fixed: int | None = batch if isinstance(batch, int) and batch > 0 else contract.batch
        self._session: onnxruntime.InferenceSession | None = session

    @property
    def takes_uint8(self) -> bool:
        """Whether the graph itself takes bytes."""
        return self._kind is np.uint8

    def run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn fitted pixels, uint8 RGB [N, H, W, 3], into probabilities, float32 [N, n]."""
        step = self.fixed or max(1, len(batch))
        parts = [self._step(batch[at : at + step]) for at in range(0, len(batch), step)]
        return np.concatenate(parts) if parts else np.empty((0, self.outputs), np.float32)

    def close(self) -> None:
        """Free the session once the last run is over."""
        self._session = None

    def _step(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        session = self._session
        if session is None:
            raise BackendError(f"{self._path}: expected an open model, got a closed one: load it")
        count = len(batch)
        if self.fixed and count < self.fixed:
            batch = np.concatenate([batch, np.repeat(batch[-1:], self.fixed - count, axis=0)])
        tensor = normalise(batch, self.contract.preprocess).astype(self._kind, copy=False)
        try:
            outputs = session.run([self._output.name], {self._input.name: tensor})[0]
        except Exception as error:  # ONNX Runtime's own errors share no class below this
            raise _failure(self._path, error, "run it") from error
        values = activate(np.asarray(outputs)[:count], self.contract, self._labels)
        if self.contract.activation == "none":
            check_probabilities(values, str(self._path))
        if values.shape != (count, self.outputs):
            raise ModelError(
                f"{self._path}: expected {self.outputs} outputs for as many labels, got "
                f"{values.shape[-1]}: the label file belongs to another model"
            )
        return values


def _check_external(model: Model, contract: Contract) -> None:
    """Refuse weights outside the model's folder: old ONNX Runtimes read whatever they are told."""
    folder = PurePosixPath(contract.weights).parent
    path = model.path(contract.weights)
    for name in external_files(path):
        if not model.path(str(folder / name)).is_file():
            raise ModelError(f"{path}: expected its weights {name} beside it, got none: fetch them")


def _session(path: Path, place: Place, width: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    on_cpu = place.kind == "cpu"
    # Errors reach the user as our sentence. A card's reasons (a library not found) are only ever
    # in the log, which goes to stderr.
    options.log_severity_level = 4 if on_cpu else 3
    if on_cpu:
        options.intra_op_num_threads = width
        options.inter_op_num_threads = 1
        # A thread that waits for the next picture must not burn the core that decodes it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if place.kind == "directml":  # which supports neither
        options.enable_mem_pattern = False
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=_providers(place), enable_fallback=0
        )
    except Exception as error:  # ONNX Runtime's own errors share no class below this
        raise _failure(path, error, f"open it on {place.device}") from error


def _providers(place: Place) -> list[tuple[str, dict[str, Any]]]:
    """What to ask for, best first; the processor last, for nodes that a provider lacks."""
    built = providers()
    names = [name for name in PROVIDERS[place.kind] if name in built]
    if place.kind == "tensorrt":
        names += [name for name in PROVIDERS["cuda"] if name in built]
    numbered = ("cuda", "tensorrt", "rocm", "directml")
    own = {"device_id": str(place.index)} if place.kind in numbered else {}
    return [*((name, own) for name in names if place.kind != "cpu"), ("CPUExecutionProvider", {})]


def _best_batch(fixed: int | None, place: Place, runtime: Runtime) -> int:
    """The user's batch, else the graph's, else one picture on a processor: batches gain nothing."""
    return runtime.batch or fixed or (1 if place.kind == "cpu" else CARD_BATCH)


def _one(tensors: Sequence[Any], wanted: str | int | None, what: str, path: Path) -> Any:
    """The tensor by name or position; without a name, the only one."""
    names = [tensor.name for tensor in tensors]
    if wanted is None and len(tensors) == 1:
        return tensors[0]
    if isinstance(wanted, int) and 0 <= wanted < len(tensors):
        return tensors[wanted]
    if wanted in names:
        return tensors[names.index(wanted)]
    asked = f"one {what}" if wanted is None else f"an {what} {wanted!r}"
    raise ModelError(
        f'{path}: expected {asked}, got {", ".join(names)}: name one as "{what}" in its tagger.json'
    )


def _failure(path: Path, error: Exception, doing: str) -> TaggerError:
    """ONNX Runtime's error as a sentence; whose fault it is decides the class."""
    text = " ".join(str(error).split())
    if "External data path" in text:
        return ModelError(f"{path}: expected its weights in its own folder, got: {text}")
    if "Protobuf parsing failed" in text or re.search("[Nn]o graph|not have a graph", text):
        return ModelError(
            f"{path}: expected an ONNX model, got a truncated or foreign file: fetch it again"
        )
    if "IR version" in text or "opset" in text:
        return ModelError(
            f"{path}: expected a model that ONNX Runtime {onnxruntime.__version__} can read, got a "
            f"newer one: update onnxruntime"
        )
    if _NO_MEMORY.search(text):
        return DeviceMemoryError(f"{path}: expected memory for the batch, got none: {text}")
    if "INVALID_GRAPH" in text:
        return ModelError(f"{path}: expected a valid ONNX graph, got a broken one: {text}")
    return BackendError(f"{path}: expected ONNX Runtime to {doing}, got: {text}")
