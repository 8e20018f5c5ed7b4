"""Sessions of ONNX Runtime: providers, options, and its errors as sentences."""

from __future__ import annotations

import ctypes
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import onnxruntime

from ..errors import BackendError, ModelError, TaggerError
from ..models.spec import external_files, freed
from .devices import PROVIDERS, providers
from .place import Place
from .protocol import DeviceMemoryError

LARGEST_EDITED = 1 << 30
"""Bytes of a graph that is read into memory to free its batch."""

_NO_MEMORY = re.compile(r"alloc|out of memory|bad_alloc|BFCArena", re.IGNORECASE)


def free_batch(path: Path) -> bytes:
    """The graph with its batch of 1 left open.

    Raises:
        ModelError: that can't be, and why.
    """
    if path.stat().st_size > LARGEST_EDITED or external_files(path):
        raise ModelError("its weights are too large, or in a file of their own")
    graph = freed(path)
    if graph is None:
        raise ModelError("its batch is not that of its inputs")
    return bytes(graph)


def open_session(
    graph: str | bytes, path: Path, place: Place, width: int
) -> onnxruntime.InferenceSession:
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
        # One block planned for all of a run takes each stream some 15 MB more, and no less time.
        options.enable_mem_pattern = False
    if place.kind == "directml":  # which supports neither
        options.enable_mem_pattern = False
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    try:
        session = onnxruntime.InferenceSession(
            graph, options, providers=provider_list(place), enable_fallback=0
        )
    except Exception as error:  # ONNX Runtime's own errors share no class below this
        raise failure(path, error, f"open it on {place.device}") from error
    _give_back()
    return session


def _give_back() -> None:
    """Give the system the memory that opening a graph left free, as much as its weights take.

    glibc would keep it for later, beside what torch takes then. Other systems give it back.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # musl has no such call
            ctypes.CDLL(None).malloc_trim(0)


def provider_list(place: Place) -> list[tuple[str, dict[str, Any]]]:
    """What to ask for, best first; the processor last, for nodes that a provider lacks."""
    built = providers()
    names = [name for name in PROVIDERS[place.kind] if name in built]
    if place.kind == "tensorrt":
        names += [name for name in PROVIDERS["cuda"] if name in built]
    numbered = ("cuda", "tensorrt", "rocm", "directml")
    own = {"device_id": str(place.index)} if place.kind in numbered else {}
    return [*((name, own) for name in names if place.kind != "cpu"), ("CPUExecutionProvider", {})]


def failure(path: Path, error: Exception, doing: str) -> TaggerError:
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
