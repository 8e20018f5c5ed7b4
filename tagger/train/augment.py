"""What is done to a batch of pictures before the network sees it.

Every number is drawn from seed, epoch and picture alone, so a training that was broken off
continues with the same pictures, whatever the batch.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from .config import TrainConfig

DRAWS = 9
"""Numbers drawn for one picture: flip, x, y, zoom, cut or not, cut x, cut y, cut size, colours."""


def draw(rows: NDArray[np.intp], seed: int, epoch: int) -> NDArray[np.float32]:
    """What chance says of each row in an epoch, float32[N, 9], 0 to 1.

    A counter-based generator (Philox, Salmon 2011) starts anywhere at once: at a row's number.
    """
    numbers = np.empty((len(rows), DRAWS), np.float32)
    for place, row in enumerate(rows.tolist()):
        stream = np.random.Philox(key=(seed << 32) + epoch, counter=[0, row, 0, 0])
        numbers[place] = np.random.Generator(stream).random(DRAWS, dtype=np.float32)
    return numbers


def augment(images: torch.Tensor, chance: torch.Tensor, config: TrainConfig) -> torch.Tensor:
    """Change pictures float32 [N, 3, S, S] in -1..1 as `chance` [N, 9] in 0..1 says."""
    if config.augment.flip or config.augment.shift or config.augment.zoom:
        images = _move(images, chance, config)
    if config.augment.colour:
        change = 1 + (2 * chance[:, 8] - 1) * config.augment.colour
        images = (images * change[:, None, None, None]).clamp(-1, 1)
    return _cut(images, chance, config.augment.cutout) if config.augment.cutout else images


def _move(images: torch.Tensor, chance: torch.Tensor, config: TrainConfig) -> torch.Tensor:
    """Mirror, scale and shift in one sampling; without zoom, by whole pixels and so unblurred."""
    side = images.shape[-1]
    mirror = 1 - 2 * (chance[:, 0] < config.augment.flip).float()
    scale = 1 + (2 * chance[:, 3] - 1) * config.augment.zoom
    # affine_grid's unit is half a side
    across, down = (
        2 * torch.round((2 * chance[:, n] - 1) * config.augment.shift * side) / side for n in (1, 2)
    )
    zero = torch.zeros_like(scale)
    matrix = torch.stack(
        [
            torch.stack([mirror / scale, zero, across], 1),
            torch.stack([zero, 1 / scale, down], 1),
        ],
        1,
    )
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    mode = "bilinear" if config.augment.zoom else "nearest"
    return F.grid_sample(images, grid, mode=mode, padding_mode="border", align_corners=False)


def _cut(images: torch.Tensor, chance: torch.Tensor, share: float) -> torch.Tensor:
    """Grey out a square in half of the pictures (DeVries and Taylor 2017, arXiv 1708.04552)."""
    side = images.shape[-1]
    half = chance[:, 7] * share / 2 * (chance[:, 4] < 0.5)
    place = (torch.arange(side, device=images.device) + 0.5) / side
    beside = (place[None] - chance[:, 5, None]).abs() < half[:, None]
    above = (place[None] - chance[:, 6, None]).abs() < half[:, None]
    return images.masked_fill((above[:, :, None] & beside[:, None, :])[:, None], 0.0)
