"""Outlines through points: closed curves with corners, ovals, tapering tubes. No pixels here."""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np

Points = list[tuple[float, ...]]  # (x, y), or (x, y, 1) for a sharp corner

STEPS = 7  # straight pieces in one curve piece: smooth at three pixels a unit


@cache
def _basis() -> np.ndarray:
    """The cubic Hermite basis at the steps of one piece: float64[STEPS, 4]."""
    t = np.linspace(0, 1, STEPS, endpoint=False)[:, None]
    return np.hstack(
        [2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, 3 * t**2 - 2 * t**3, t**3 - t**2]
    )


def curve(points: Points, closed: bool = True) -> np.ndarray:
    """Run a Catmull-Rom curve through the points, with corners where asked: float64[n, 2]."""
    return _curve(tuple(points), closed)


@lru_cache(2048)  # most shapes are the same in every figure's own frame
def _curve(points: tuple[tuple[float, ...], ...], closed: bool) -> np.ndarray:
    here = np.array([p[:2] for p in points], dtype=float)
    smooth = np.array([[len(p) < 3] for p in points], dtype=float)
    after = np.vstack([here[1:], here[:1]])
    slope = (after - np.vstack([here[-1:], here[:-1]])) / 2 * smooth
    if not closed:
        slope[0], slope[-1] = (here[1] - here[0]) / 2, (here[-1] - here[-2]) / 2
    piece = np.stack([here, slope, after, np.vstack([slope[1:], slope[:1]])], 1)
    path = np.einsum("sk,nkd->nsd", _basis(), piece if closed else piece[:-1]).reshape(-1, 2)
    return path if closed else np.vstack([path, here[-1]])


@lru_cache(2048)
def oval(x: float, y: float, rx: float, ry: float, steps: int = 28) -> np.ndarray:
    """The outline of an ellipse: float64[steps, 2]."""
    a = np.linspace(0, 2 * math.pi, steps, endpoint=False)
    return np.stack([x + rx * np.cos(a), y + ry * np.sin(a)], 1)


def limb(centres: Points, widths: list[float], cap: float = 0.7) -> np.ndarray:
    """The outline of a bent, tapering tube through the centres: float64[n, 2].

    `cap` is how far the end bulges: 0 is cut flat, 1 is a half circle.
    """
    return _limb(tuple(centres), tuple(widths), cap)


@lru_cache(2048)
def _limb(
    centres: tuple[tuple[float, ...], ...], widths: tuple[float, ...], cap: float
) -> np.ndarray:
    path = _curve(centres, closed=False)
    along = np.linspace(0, len(widths) - 1, len(path))
    half = np.interp(along, np.arange(len(widths)), widths)[:, None] / 2
    way = np.gradient(path, axis=0)
    way /= np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-6)[:, None]
    across = np.stack([-way[:, 1], way[:, 0]], 1) * half
    a = np.linspace(0, math.pi, 9)[1:-1, None]
    end = path[-1:] + across[-1:] * np.cos(a) + way[-1:] * half[-1] * cap * np.sin(a)
    return np.vstack([path + across, end, (path - across)[::-1]])


def mirror(points: Points) -> Points:
    """The same shape on the other side of the y axis."""
    return [(-p[0], *p[1:]) for p in points]
