"""The pictures most like one, by the cosine between vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .vectors import Vectors


def nearest(vectors: Vectors, query: NDArray[np.float32], count: int) -> list[tuple[int, float]]:
    """Rows and cosines, -1 to 1, of the vectors nearest to float32 [d], the nearest first.

    Raises UsageError if the query is of another width: it is another model's.
    """
    if len(vectors) and query.shape != vectors.values.shape[1:]:
        raise UsageError(
            f"expected a vector of {vectors.values.shape[1]} numbers as in the table, got "
            f"{len(query)}: ask the model that made the table, {vectors.model}"
        )
    if not len(vectors):
        return []
    direction = query.astype(np.float64) / max(float(np.linalg.norm(query)), 1e-12)
    cosines = np.clip(vectors.directions.astype(np.float64) @ direction, -1, 1)
    order = np.argsort(-cosines, kind="stable")[:count]
    return [(int(at), float(cosines[at])) for at in order]
