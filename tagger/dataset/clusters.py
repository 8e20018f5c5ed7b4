"""Clusters: labels that keep the same company, by average linkage over PPMI vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..counts import TagCounts

MOST_LABELS = 400
"""Labels that are clustered, the most used; each step looks at a table of all pairs."""
SIMILAR = 0.7
"""Mean cosine down to which two clusters become one."""


def clusters(
    counts: TagCounts, labels: NDArray[np.intp], similar: float = SIMILAR
) -> list[list[int]]:
    """Groups of two and more of the labels, the largest first, the most used label first in each.

    The similarity of two labels is the cosine of their PPMI rows; that of two clusters the mean
    over their pairs (average linkage, UPGMA; Sokal and Michener 1958).
    """
    labels = labels[counts.frequency[labels] > 0]
    labels = labels[np.argsort(-counts.frequency[labels], kind="stable")][:MOST_LABELS]
    groups = average_linkage(counts.similarity(labels), similar)
    found = [[int(labels[member]) for member in sorted(group)] for group in groups]
    return sorted((group for group in found if len(group) > 1), key=lambda group: -len(group))


def average_linkage(similarity: NDArray[np.floating], least: float) -> list[list[int]]:
    """Join the two most similar clusters until no two are at least this similar."""
    table = np.array(similarity, np.float64)
    np.fill_diagonal(table, -np.inf)
    groups = [[member] for member in range(len(table))]
    while len(groups) > 1:
        a, b = sorted(divmod(int(np.argmax(table)), len(table)))
        if table[a, b] < least:
            break
        sizes = len(groups[a]), len(groups[b])
        mean = (sizes[0] * table[a] + sizes[1] * table[b]) / sum(sizes)
        table[a], table[:, a], table[a, a] = mean, mean, -np.inf
        table = np.delete(np.delete(table, b, 0), b, 1)
        groups[a] += groups.pop(b)
    return groups
