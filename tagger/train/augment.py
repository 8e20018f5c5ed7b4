"""What is done to a batch of pictures before the network sees it.

Every number is drawn from seed, epoch and picture alone, so a training that was broken off
continues with the same pictures, whatever the batch.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from .config import AugmentOptions

FLIP, X, Y, ZOOM, CUT, CUT_X, CUT_Y, CUT_SIZE, CONTRAST = range(9)
CROP, CROP_X, CROP_Y, TURN, BRIGHT, SATURATION, KERNEL = range(9, 16)
DRAWS = 16
"""Numbers drawn for one picture; each has its place for good."""
LUMA = (0.114, 0.587, 0.299)
"""Share of blue, green and red in what is bright (Rec. 601), in the network's order, BGR."""
SATURATION_SHARE = 0.2
"""Of `colour`: a tag such as `pink hair` bears little."""


def draw(rows: NDArray[np.intp], seed: int, epoch: int) -> NDArray[np.float32]:
    """What chance says of each row in an epoch, float32[N, 16], 0 to 1.

    A counter-based generator (Philox, Salmon 2011) starts anywhere at once: at a row's number.
    """
    numbers = np.empty((len(rows), DRAWS), np.float32)
    for place, row in enumerate(rows.tolist()):
        stream = np.random.Philox(key=(seed << 32) + epoch, counter=[0, row, 0, 0])
        numbers[place] = np.random.Generator(stream).random(DRAWS, dtype=np.float32)
    return numbers


def flipped(chance: NDArray[np.float32], options: AugmentOptions) -> NDArray[np.bool_]:
    """Which pictures are mirrored, bool[N]."""
    return chance[:, FLIP] < options.flip


def augment(images: torch.Tensor, chance: torch.Tensor, options: AugmentOptions) -> torch.Tensor:
    """Change pictures float32 [N, 3, S, S], BGR, -1..1, as `chance` [N, 16] in 0..1 says."""
    if options.rotate or options.crop < 1:
        images = _cut_out(images, chance, options)
    elif options.flip or options.shift or options.zoom:
        images = _move(images, chance, options)
    if options.colour:
        images = _tint(images, chance, options.colour)
    return _cut(images, chance, options.cutout) if options.cutout else images


def _move(images: torch.Tensor, chance: torch.Tensor, options: AugmentOptions) -> torch.Tensor:
    """Mirror, scale and shift in one sampling; without zoom, by whole pixels and so unblurred."""
    mirror, scale, across, down = _places(images, chance, options)
    zero = torch.zeros_like(scale)
    rows = [torch.stack([mirror / scale, zero, across], 1)]
    rows.append(torch.stack([zero, 1 / scale, down], 1))
    mode = "bilinear" if options.zoom else "nearest"
    return _sample(images, torch.stack(rows, 1), mode, "border")


def _cut_out(images: torch.Tensor, chance: torch.Tensor, options: AugmentOptions) -> torch.Tensor:
    """Mirror, scale, shift, crop and turn in one sampling; what comes in is white, like padding."""
    mirror, scale, across, down = _places(images, chance, options)
    share = 1 - chance[:, CROP] * (1 - options.crop)
    across = across + (1 - share) * (2 * chance[:, CROP_X] - 1)
    down = down + (1 - share) * (2 * chance[:, CROP_Y] - 1)
    angle = (2 * chance[:, TURN] - 1) * math.radians(options.rotate)
    size = share / scale
    cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
    rows = [torch.stack([mirror * cos, -sin, across], 1)]
    rows.append(torch.stack([mirror * sin, cos, down], 1))
    return 1 - _sample(1 - images, torch.stack(rows, 1), "bilinear", "zeros")


def _places(
    images: torch.Tensor, chance: torch.Tensor, options: AugmentOptions
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mirror (1 or -1), scale, and the shift across and down by whole pixels; each [N]."""
    side = images.shape[-1]
    mirror = 1 - 2 * (chance[:, FLIP] < options.flip).float()
    scale = 1 + (2 * chance[:, ZOOM] - 1) * options.zoom
    # affine_grid's unit is half a side
    across, down = (
        2 * torch.round((2 * chance[:, n] - 1) * options.shift * side) / side for n in (X, Y)
    )
    return mirror, scale, across, down


def _sample(images: torch.Tensor, matrix: torch.Tensor, mode: str, padding: str) -> torch.Tensor:
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode=mode, padding_mode=padding, align_corners=False)


def _tint(images: torch.Tensor, chance: torch.Tensor, colour: float) -> torch.Tensor:
    """Contrast, brightness and a little saturation; never the hue, which tags name."""

    def change(which: int, most: float) -> torch.Tensor:
        return ((2 * chance[:, which] - 1) * most)[:, None, None, None]

    images = images * (1 + change(CONTRAST, colour)) + change(BRIGHT, colour)
    luma = torch.tensor(LUMA, device=images.device)[None, :, None, None]
    grey = (images * luma).sum(1, keepdim=True)
    stronger = (images - grey) * change(SATURATION, colour * SATURATION_SHARE)
    return (images + stronger).clamp(-1, 1)


def _cut(images: torch.Tensor, chance: torch.Tensor, share: float) -> torch.Tensor:
    """Grey out a square in half of the pictures (DeVries and Taylor 2017, arXiv 1708.04552)."""
    side = images.shape[-1]
    half = chance[:, CUT_SIZE] * share / 2 * (chance[:, CUT] < 0.5)
    place = (torch.arange(side, device=images.device) + 0.5) / side
    beside = (place[None] - chance[:, CUT_X, None]).abs() < half[:, None]
    above = (place[None] - chance[:, CUT_Y, None]).abs() < half[:, None]
    return images.masked_fill((above[:, :, None] & beside[:, None, :])[:, None], 0.0)
