"""Models run by ONNX Runtime: on the processor, and on whatever its builds reach."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
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
from ..patches import Patches
from ..preprocess import Batch, normalise
from ..settings import Runtime
from .activation import activate
from .devices import PROVIDERS, lanes
from .place import Place
from .protocol import is_unproved, noise
from .sessions import failure, free_batch, open_session

CARD_BATCH = 8
"""Pictures in a batch on a card. Unmeasured: large enough to fill one, small beside its memory."""

SAME = 1e-4
"""How far scores of a freed graph may lie from single ones: kernels round otherwise by batch."""

log = logging.getLogger(__name__)

_KINDS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


def open_model(model: Model, contract: Contract, place: Place, runtime: Runtime) -> OnnxBackend:
    """Open `contract.weights` at `place` and hold it against contract and labels.

    A model of which nobody said how to run it is tried on noise: outputs that are no probabilities
    are refused here rather than at the first picture.

    Raises:
        ModelError: the file is truncated or foreign, or contradicts the contract or the labels.
        BackendError: the provider for `place` is not to be had.
    """
    path = model.path(contract.weights)
    check_external(model, contract)
    streams, width = lanes(runtime.threads, runtime.streams) if place.kind == "cpu" else (1, 0)
    reopen = partial(open_session, str(path), path, place, width)
    session = reopen()
    used = session.get_providers()[0]
    if used not in PROVIDERS[place.kind]:
        raise BackendError(f"expected ONNX Runtime on {place.device}, got {used}")
    backend = OnnxBackend(session, contract, model.labels, path)
    backend.reopen = reopen
    backend.device = place.device
    backend.streams = streams
    backend.best_batch = _best_batch(backend.fixed, place, runtime)
    wanted = _best_batch(None, place, runtime)
    if backend.fixed == 1 and wanted > 1:
        backend.best_batch = wanted
        backend.free(lambda: open_session(free_batch(path), path, place, width))
    if is_unproved(model):
        backend.run(noise(contract.preprocess))
    return backend


@dataclass(frozen=True)
class _Graph:
    """A session and the batch its graph is fixed to; None where it is free."""

    session: Any  # ONNX Runtime's, or one with its methods
    fixed: int | None


class OnnxBackend:
    """One session, shared by all threads.

    `reopen` opens one like it, after it was parked.
    """

    library = f"ONNX Runtime {onnxruntime.__version__}"
    device = "cpu"
    streams = 1
    best_batch = 1
    parked = False
    reopen: Callable[[], Any] | None = None

    def __init__(
        self,
        session: Any,
        contract: Contract,
        labels: LabelSet,
        path: Path,
    ) -> None:
        self.contract = contract
        self.outputs = len(labels)
        self.memory = path.stat().st_size
        self._labels = labels
        self.path = path
        inputs = session.get_inputs()
        self._mask = _one(inputs, contract.mask, "input", path).name if contract.mask else None
        self._input = _one(_others(inputs, self._mask), contract.input, "input", path)
        self._output = _one(session.get_outputs(), contract.output, "output", path)
        check_contract(contract, self._input.shape, self._output.shape, len(labels), str(path))
        if self._input.type not in _KINDS:
            known = ", ".join(_KINDS)
            raise ModelError(f"{path}: expected an input of {known}, got {self._input.type}")
        self._kind = _KINDS[self._input.type]
        self.dtype = "float16" if self._kind is np.float16 else "float32"
        batch = self._input.shape[0]
        fixed = batch if isinstance(batch, int) and batch > 0 else contract.batch
        self._graph: _Graph | None = _Graph(session, fixed)
        self._parked_at: int | None = None
        self._freed: Callable[[], onnxruntime.InferenceSession] | None = None

    @property
    def fixed(self) -> int | None:
        """The batch the graph is fixed to; None where it is free."""
        return self._graph.fixed if self._graph else None

    @property
    def takes_uint8(self) -> bool:
        """Whether the graph itself takes bytes."""
        return self._kind is np.uint8

    def free(self, reopen: Callable[[], onnxruntime.InferenceSession]) -> None:
        """Try `reopen`, the same graph for any batch, on the first real batch of several."""
        self._freed = reopen

    def run(self, batch: Batch) -> NDArray[np.float32]:
        """Turn fitted pixels, uint8 [N, H, W, 3 or 4], into probabilities, float32 [N, n]."""
        if isinstance(batch, Patches):
            raise ModelError(f"{self.path}: expected a model of whole pictures, got fit patches")
        graph = self._graph
        if graph is None:
            raise BackendError(f"{self.path}: expected an open model, got a closed one: load it")
        values = self._run(graph, batch)
        if self._freed and len(batch) > 1:
            self._adopt(batch, values)
        return values

    def park(self) -> int:
        """Give the session up: ONNX Runtime can't move one.

        Its file stays in the system's cache as long as there is memory, so no copy is kept here.
        """
        if self._graph is None or self.reopen is None or self.device == "cpu":
            return 0
        self.parked, self._parked_at = True, self._graph.fixed
        self._graph = None
        freed, self.memory = self.memory, 0
        return freed

    def wake(self) -> None:
        """Open the session again."""
        if self.parked and self.reopen:
            self._graph = _Graph(self.reopen(), self._parked_at)
            self.parked, self.memory = False, self.path.stat().st_size

    def close(self) -> None:
        """Free the session once the last run is over."""
        self._graph = self._freed = self.reopen = None

    def _adopt(self, batch: NDArray[np.uint8], values: NDArray[np.float32]) -> None:
        """Take the graph freed of its batch of 1 if it says of this batch what single ones did."""
        reopen, self._freed = self._freed, None
        try:
            assert reopen
            graph = _Graph(reopen(), None)
            if np.abs(self._run(graph, batch) - values).max(initial=0) <= SAME:
                self.reopen, self._graph = reopen, self._graph and graph  # or it was closed
                return
            why = "its scores change"
        except TaggerError as error:
            why = str(error)
        log.warning("%s: pictures go one by one, as it can't take several: %s", self.path, why)

    def _run(self, graph: _Graph, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        step = graph.fixed or max(1, len(batch))
        parts = [self._step(graph, batch[at : at + step]) for at in range(0, len(batch), step)]
        return np.concatenate(parts) if parts else np.empty((0, self.outputs), np.float32)

    def _step(self, graph: _Graph, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        count = len(batch)
        if graph.fixed and count < graph.fixed:
            batch = np.concatenate([batch, np.repeat(batch[-1:], graph.fixed - count, axis=0)])
        try:
            outputs = graph.session.run([self._output.name], self.feed(batch))[0]
        except Exception as error:  # ONNX Runtime's own errors share no class below this
            raise failure(self.path, error, "run it") from error
        values = activate(np.asarray(outputs)[:count], self.contract, self._labels)
        if self.contract.activation == "none":
            check_probabilities(values, str(self.path))
        if values.shape != (count, self.outputs):
            raise ModelError(
                f"{self.path}: expected {self.outputs} outputs for as many labels, got "
                f"{values.shape[-1]}: the label file belongs to another model"
            )
        return values

    def feed(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        """Fitted pixels, uint8 [N, H, W, 3 or 4], as the graph's inputs by name."""
        tensor = normalise(batch, self.contract.preprocess).astype(self._kind, copy=False)
        feed: dict[str, NDArray[Any]] = {self._input.name: tensor}
        if self._mask:
            feed[self._mask] = batch[..., 3] == 0
        return feed


def check_external(model: Model, contract: Contract) -> None:
    """Refuse weights outside the model's folder: old ONNX Runtimes read whatever they are told."""
    folder = PurePosixPath(contract.weights).parent
    path = model.path(contract.weights)
    for name in external_files(path):
        if not model.path(str(folder / name)).is_file():
            raise ModelError(f"{path}: expected its weights {name} beside it, got none: fetch them")


def _best_batch(fixed: int | None, place: Place, runtime: Runtime) -> int:
    """The user's batch, else the graph's, else one picture on a processor: batches gain nothing."""
    return runtime.batch or fixed or (1 if place.kind == "cpu" else CARD_BATCH)


def _others(tensors: Sequence[Any], mask: str | None) -> list[Any]:
    return [tensor for tensor in tensors if tensor.name != mask]


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
