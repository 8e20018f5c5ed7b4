"""Pictures as vectors: what a model says of a picture before it decides about tags."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..preprocess import Batch, Preprocess

EMBEDDING = "embedding"
"""The output of a graph that is the trunk's; a head's own is `embedding_HEAD`."""


class Embedder(Protocol):
    """One opened model that gives vectors."""

    @property
    def preprocess(self) -> Preprocess:
        """How pictures are prepared."""
        ...

    @property
    def best_batch(self) -> int:
        """Pictures in a batch at which it is fastest."""
        ...

    @property
    def library(self) -> str:
        """Who runs it, for a person."""
        ...

    @property
    def device(self) -> str:
        """The device really in use."""
        ...

    @property
    def head(self) -> str:
        """Whose vectors: empty for the trunk's."""
        ...

    def embed(self, batch: Batch) -> NDArray[np.float32]:
        """Turn a batch as `preprocess.stack` makes it into vectors, float32 [N, d]."""
        ...

    def close(self) -> None:
        """Free the weights."""
        ...


def output_of(head: str) -> str:
    """The name of the graph's output for a head."""
    return f"{EMBEDDING}_{head}" if head else EMBEDDING
