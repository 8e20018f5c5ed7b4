"""A picture of what chance does to pictures: each as it is, then as some epochs see it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from .augment import KERNEL, augment, draw, flipped
from .config import TrainConfig
from .data import Decoded
from .loader import kernel_of
from .material import decoded
from .mixup import mixed, weight
from .pixels import to_images
from .plan import Plan
from .rows import splits
from .samples import spread
from .written import write_png

ROWS, EPOCHS, SIDE, GAP, LINE = 6, 6, 128, 6, 16
"""Pictures from everywhere, times each is seen, and pixels."""


def show_augmentation(plan: Plan, path: Path) -> None:
    """Write the PNG: a row a picture, the first column as it is; sided tags are named below."""
    config, source = plan.config, decoded(plan)
    training, *_ = splits(config, plan.dataset, source.broken)
    rows = training[spread(training, ROWS)]
    step, high = SIDE + GAP, SIDE + GAP + LINE
    sheet = Image.new("RGB", (GAP + (1 + EPOCHS) * step, GAP + len(rows) * high + LINE), "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, 2), "as it is", fill="#555555")
    pen.text((GAP + step, 2), f"epochs 1 to {EPOCHS}", fill="#555555")
    for column in range(1 + EPOCHS):
        seen = _seen(config, source, rows, column - 1)
        for place, row in enumerate(rows):
            at = (GAP + column * step, GAP + LINE + place * high)
            picture = Image.fromarray(seen[place]).resize((SIDE, SIDE), Image.Resampling.NEAREST)
            sheet.paste(picture, at)
            names = _sided(plan, int(row), column - 1)
            pen.text((at[0], at[1] + SIDE + 2), names[:22], fill="#222222")
    write_png(path, sheet)


def _seen(config: TrainConfig, source: Decoded, rows: np.ndarray, epoch: int) -> np.ndarray:
    """The pictures of an epoch, -1 for none, uint8 [N, S, S, 3], RGB."""
    options = config.augment
    chance = draw(rows, config.run.seed, max(0, epoch))
    kernels = options.kernels if epoch >= 0 else ()
    pixels = np.stack(
        [
            source.read(int(r), kernel_of(kernels, c))
            for r, c in zip(rows, chance[:, KERNEL], strict=True)
        ]
    )
    images = to_images(torch.from_numpy(pixels), torch.device("cpu"))
    if epoch >= 0:
        images = augment(images, torch.from_numpy(chance), options)
        if options.mixup_at == "pixels":
            images = mixed(images, weight(options.mixup, config.run.seed, epoch, epoch))
    levels = ((images.flip(1).permute(0, 2, 3, 1) + 1) * 127.5).round().clamp(0, 255)
    return levels.to(torch.uint8).numpy()


def _sided(plan: Plan, row: int, epoch: int) -> str:
    """The tags of a picture that have a side, as that epoch has them."""
    config, targets, flips = plan.config, plan.targets, plan.flips
    rows = np.array([row])
    truth, known = targets.of(rows)
    if epoch >= 0:
        flips.apply(truth, known, flipped(draw(rows, config.run.seed, epoch), config.augment))
    sided = flips.alone | (flips.partner != np.arange(len(flips.partner)))
    found = np.flatnonzero(truth[0] & known[0] & sided)
    return ", ".join(targets.rows.labels[int(place)].name for place in found)
