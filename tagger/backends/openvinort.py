"""ONNX models run by OpenVINO: on processors with bf16 arithmetic, twice as fast in bf16.

Never chosen unasked: bf16 has 8 bits of mantissa, scores move by some thousandths. What goes in
and comes out stays float32.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from ..errors import BackendError, ModelError
from ..models.spec import Contract, Model
from ..settings import Runtime
from .devices import lanes
from .onnxrt import OnnxBackend, check_external
from .place import Place
from .protocol import is_unproved, noise

_KINDS = {"f32": "tensor(float)", "f16": "tensor(float16)", "u8": "tensor(uint8)"}
_DTYPES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}
_HINTS = {dtype: kind for kind, dtype in _DTYPES.items()}


@dataclass(frozen=True)
class _Tensor:
    """An input or output, described as ONNX Runtime's sessions do."""

    name: str
    shape: list[int | str]
    type: str


class _Session:
    """A compiled model with the methods of ONNX Runtime's that a backend uses."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._own = threading.local()  # a request runs one batch at a time

    def get_inputs(self) -> list[_Tensor]:
        """The inputs, in order."""
        return [_describe(port) for port in self._compiled.inputs]

    def get_outputs(self) -> list[_Tensor]:
        """The outputs, in order."""
        return [_describe(port) for port in self._compiled.outputs]

    def run(
        self, names: Sequence[str], feed: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[np.float32]]:
        """The outputs of those names for one batch."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        found = self._own.request.infer(dict(feed))
        return [np.array(found[name], np.float32) for name in names]


def open_model(model: Model, contract: Contract, place: Place, runtime: Runtime) -> OnnxBackend:
    """Open `contract.weights` on the processor, in the numbers that `place` names.

    Raises:
        ModelError: the file is truncated or foreign, or contradicts the contract or the labels.
        BackendError: this processor has no arithmetic for those numbers.
    """
    path = model.path(contract.weights)
    check_external(model, contract)
    core = openvino.Core()
    _check_processor(core, place)
    streams, width = lanes(runtime.threads, runtime.streams)
    settings = {
        "INFERENCE_PRECISION_HINT": _HINTS[place.dtype],
        "NUM_STREAMS": str(streams),
        "INFERENCE_NUM_THREADS": str(streams * width),
    }
    compiled = core.compile_model(_read(core, path), "CPU", settings)
    backend = OnnxBackend(_Session(compiled), contract, model.labels, path)
    backend.library = f"OpenVINO {openvino.get_version().partition('-')[0]}"
    backend.dtype = _DTYPES[compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()]
    backend.streams = streams
    backend.best_batch = runtime.batch or backend.fixed or 1
    if backend.dtype != place.dtype:
        raise BackendError(f"expected OpenVINO in {place.dtype}, got {backend.dtype}")
    if is_unproved(model):
        backend.run(noise(contract.preprocess))
    return backend


def _check_processor(core: Any, place: Place) -> None:
    if place.dtype == "float32":
        return
    has = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if place.dtype != "bfloat16" or "BF16" not in has:
        raise BackendError(
            f"expected a processor with {place.dtype} arithmetic (AVX512-BF16 or AMX for bf16), "
            f'got one with {", ".join(has)}: use precision "fp32"'
        )


def _read(core: Any, path: Path) -> Any:
    try:
        return core.read_model(str(path))
    except RuntimeError as error:
        raise ModelError(
            f"{path}: expected an ONNX model that OpenVINO can read, got a truncated, foreign or "
            f'newer one: fetch it again, or use precision "fp32"'
        ) from error


def _describe(port: Any) -> _Tensor:
    shape = [dim.get_length() if dim.is_static else "N" for dim in port.get_partial_shape()]
    kind = str(port.get_element_type().get_type_name())
    return _Tensor(port.get_any_name(), shape, _KINDS.get(kind) or kind)
