"""Vectors by ONNX Runtime: from an output of the graph, or from before its classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendError, ModelError, OptionError
from ..models.spec import Contract, Model
from ..patches import Patches
from ..preprocess import Batch
from ..settings import Runtime
from .classifier import expose
from .embedding import EMBEDDING, output_of
from .onnxrt import OnnxBackend, check_external
from .place import Place
from .sessions import failure, open_session


def open_embedder(
    model: Model, contract: Contract, place: Place, runtime: Runtime, head: str
) -> OnnxEmbedder:
    """Open a model for its vectors; a graph that gives none is edited in memory.

    Raises:
        ModelError: the file is truncated or foreign, or contradicts the contract or the labels.
        BackendError: no classifier is found to take vectors before.
        OptionError: it has no such head.
    """
    path = model.path(contract.weights)
    check_external(model, contract)
    session = open_session(str(path), path, place, runtime.threads)
    named = [one.name for one in session.get_outputs()]
    wanted = output_of(head)
    if wanted not in named:
        if head:
            heads = [each.removeprefix(f"{EMBEDDING}_") for each in named if EMBEDDING in each]
            raise OptionError(
                f"head: expected a head of {model.name} with vectors of its own, got {head!r}: "
                f"it has {', '.join(each for each in heads if each != EMBEDDING) or 'none'}"
            )
        graph, wanted = expose(path, contract.output)
        session = open_session(graph, path, place, runtime.threads)
    return OnnxEmbedder(OnnxBackend(session, contract, model.labels, path), session, wanted, head)


class OnnxEmbedder:
    """One session of which one output is asked."""

    best_batch = 1

    def __init__(self, backend: OnnxBackend, session: Any, output: str, head: str) -> None:
        self.preprocess, self.library = backend.contract.preprocess, backend.library
        self.device, self.head = (
            session.get_providers()[0].lower().removesuffix("executionprovider"),
            head,
        )
        self.best_batch = backend.fixed or (1 if self.device == "cpu" else 8)
        self._backend: OnnxBackend | None = backend
        self._session: Any = session
        self._output = output

    def embed(self, batch: Batch) -> NDArray[np.float32]:
        """Vectors, float32 [N, d]."""
        if self._backend is None or isinstance(batch, Patches):
            raise BackendError("expected an open model of whole pictures: load it again")
        step = self._backend.fixed or max(1, len(batch))
        parts = [self._step(batch[at : at + step], step) for at in range(0, len(batch), step)]
        return np.concatenate(parts)

    def close(self) -> None:
        """Free the session."""
        self._backend = self._session = None

    def _step(self, batch: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
        assert self._backend
        count, path = len(batch), self._backend.path
        if count < size and self._backend.fixed:
            batch = np.concatenate([batch, np.repeat(batch[-1:], size - count, axis=0)])
        try:
            found = self._session.run([self._output], self._backend.feed(batch))[0]
        except Exception as error:  # ONNX Runtime's own errors share no class below this
            raise failure(path, error, "run it") from error
        values = np.asarray(found, np.float32)
        if (
            values.ndim < 2
            or values.shape[0] != len(batch)
            or values[0].size != max(values.shape[1:])
        ):
            raise ModelError(
                f"{path}: expected a vector for each picture from {self._output!r}, got numbers of "
                f"shape {values.shape}: use another model"
            )
        return values.reshape(len(batch), -1)[:count]
