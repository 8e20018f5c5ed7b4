"""From pixels to what the network is fed, on the device."""

from __future__ import annotations

import torch
from torch import nn


def to_images(pixels: torch.Tensor, device: torch.device, side: int = 0) -> torch.Tensor:
    """uint8 [N, S, S, 3], RGB -> what the network is fed: float32 [N, 3, S, S], BGR, -1..1.

    With `side` smaller than S, averaged down to it.
    """
    planes = pixels.to(device, non_blocking=True).permute(0, 3, 1, 2).flip(1)
    images = planes.float().mul_(2 / 255).sub_(1)
    if side and side != images.shape[-1]:
        images = nn.functional.interpolate(images, (side, side), mode="bilinear", antialias=True)
    return images
