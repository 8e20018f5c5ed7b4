"""Pictures of any shape as whole square patches (NaFlex): how many, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEP = 1e-5
"""Where JTP-3's author stops searching for the scale."""


@dataclass(frozen=True, eq=False)
class Patches:
    """A batch of N pictures, as long as its longest one.

    pixels: uint8 [N, s, patch * patch * 3], RGB, rows of a patch after one another. places: int64
    [N, s, 2], row and column of each patch. valid: bool [N, s], false for what only fills up.
    """

    pixels: NDArray[np.uint8]
    places: NDArray[np.int64]
    valid: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pixels)


def patched_size(size: tuple[int, int], patch: int, most: int) -> tuple[int, int]:
    """Say how large a picture of `size` (width, height) becomes in at most `most` patches.

    JTP-3's rule: a picture that has no more whole patches than that keeps them; a larger one is
    shrunk by the largest scale at which its sides, rounded up, have as many. None grows.
    """
    across, down = (max(side // patch, 1) for side in size)

    def at(scale: float) -> tuple[int, int]:
        columns, rows = (ceil(side * scale / patch) for side in size)
        return min(columns, across), min(rows, down)

    if across * down <= most:
        return across * patch, down * patch
    # A strip too thin even for the smallest scale keeps its shape as far as patches allow.
    best = at(_STEP) if np.prod(at(_STEP)) <= most else (min(across, most), min(down, most))
    low, high = _STEP, 1.0
    while high - low >= _STEP:
        middle = (low + high) / 2
        found = at(middle)
        if found[0] * found[1] > most:
            high = middle
            continue
        low, best = middle, found
        if found[0] * found[1] == most:
            break
    return best[0] * patch, best[1] * patch


def shrunk_size(size: tuple[int, int], patch: int, longest: int) -> tuple[int, int]:
    """Say how large a picture of `size` (width, height) becomes where its long side is limited.

    taggerine's rule: the long side becomes the whole patches in it, at most `longest` pixels; the
    short one goes along and becomes the whole patches in that. None grows, but to one patch.
    """
    long = max(size)
    scale = max(patch, min(long, longest) // patch * patch) / long
    width, height = (max(patch, round(side * scale) // patch * patch) for side in size)
    return width, height


def cut(pictures: Sequence[NDArray[np.uint8]], patch: int) -> Patches:
    """Cut pictures, uint8 [H, W, 3] with sides in whole patches, into one batch."""
    longest = max(p.shape[0] * p.shape[1] // patch**2 for p in pictures)
    shape = (len(pictures), longest)
    batch = Patches(
        np.zeros((*shape, patch * patch * 3), np.uint8),
        np.zeros((*shape, 2), np.int64),
        np.zeros(shape, np.bool_),
    )
    for row, picture in enumerate(pictures):
        down, across = picture.shape[0] // patch, picture.shape[1] // patch
        count = down * across
        grid: Any = picture
        grid = grid.reshape(down, patch, across, patch, 3).transpose(0, 2, 1, 3, 4)
        batch.pixels[row, :count] = grid.reshape(count, -1)
        batch.places[row, :count] = [(y, x) for y in range(down) for x in range(across)]
        batch.valid[row, :count] = True
    return batch
