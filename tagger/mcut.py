"""MCut: the threshold that stands in the widest gap between scores.

Largeron, Moulin and Géry, "MCut: a thresholding strategy for multi-label classification",
IDA 2012. Knows nothing of labels or tags.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .scores import FLOOR


def mcut(values: ArrayLike) -> float:
    """The middle of the widest gap between scores in descending order, two scores or more.

    Of equally wide gaps the highest counts.
    """
    return _widest(np.sort(np.asarray(values, np.float64).ravel())[::-1])[0]


def cut(high: NDArray[np.float32], scores: NDArray[np.float32]) -> float:
    """`mcut(scores)` without sorting them all; below 0.01 the answer may be another number.

    high: those of the scores that are 0.01 or more, in any order; scores: float32[n], n > 1.

    The descending row needs no sorting below the first score L over which a gap of at least L
    stands: no score is below 0, so every later gap is at most L wide, and of equal gaps the
    first counts. Nearly always L is the least of the high scores, else the next below it.
    """
    if not high.size:
        return 0.0
    falling = np.sort(high)[::-1].astype(np.float64)
    if high.size < scores.size:
        if high.size == 1 or _widest(falling)[1] < falling[-1]:
            falling = np.append(falling, _below_floor(scores))
        threshold, width = _widest(falling)
        return threshold if width >= falling[-1] else mcut(scores)
    return _widest(falling)[0]


def surely_cut(scores: NDArray[np.float32], floor: float) -> bool:
    """Whether the cut parts the scores alike, whatever those below `floor` are that stand as 0.

    With L the least known score, the gap below it is wider than L - floor and at most L wide;
    a cut at or below that gap takes all that is known.
    """
    high = np.sort(scores[scores >= np.float32(floor)])[::-1].astype(np.float64)
    if high.size in (0, 1, scores.size):
        return True
    width = _widest(high)[1]
    return bool(width >= high[-1] or width <= high[-1] - floor)


def _below_floor(scores: NDArray[np.float32]) -> float:
    """The greatest score under 0.01."""
    return float(scores[~(scores >= np.float32(FLOOR))].max())


def _widest(falling: NDArray[np.float64]) -> tuple[float, float]:
    """The middle of the first widest gap of a falling row, and the gap's width."""
    gaps = falling[:-1] - falling[1:]
    at = int(np.argmax(gaps))
    return float(falling[at] + falling[at + 1]) / 2, float(gaps[at])
