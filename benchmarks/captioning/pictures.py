"""A mixed set of pictures as a booru's are: sizes, formats and bytes, not what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

SIZES = (
    *((936, 1320), (1100, 1556), (1320, 1760), (1410, 1990), (1590, 2250)),
    *((2110, 1190), (1760, 1320), (1126, 1126), (1410, 794), (990, 1760)),
)
SHAPES = 140


def make(folder: Path, count: int) -> list[Path]:
    """Draw the first `count` pictures that are not there yet: 12 JPEG, 5 PNG, 3 WebP of twenty.

    One PNG of them has alpha. Noise makes their bytes those of drawings with texture: about 0.8,
    2.4 and 0.4 MB.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_make(folder, number) for number in range(count)]


def _make(folder: Path, number: int) -> Path:
    place = number % 20
    suffix = ".jpg" if place < 12 else ".png" if place < 17 else ".webp"
    path = folder / f"{number:04d}{suffix}"
    if path.exists():
        return path
    how: dict[str, Any] = {}
    if suffix == ".jpg":
        how = {"quality": 92, "subsampling": 0} if number % 2 else {"quality": 90}
    if suffix == ".webp":
        how = {"quality": 90}
    image = draw(number, {".jpg": 3, ".png": 5, ".webp": 1}[suffix])
    if place == 12:
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    beside = path.with_name(f".{path.name}")
    image.save(beside, {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}[suffix], **how)
    beside.rename(path)
    return path


def draw(seed: int, noise: float) -> Image.Image:
    """Flat shapes, lines, a gradient over all, and noise of that many levels."""
    rng = np.random.default_rng(seed)
    width, height = SIZES[rng.integers(len(SIZES))]
    image = Image.new("RGB", (width, height), _colour(rng, 120))
    pen = ImageDraw.Draw(image)
    for _ in range(SHAPES):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        a, b = rng.uniform(10, width / 4, 2)
        colour, kind = _colour(rng), rng.integers(4)
        if kind == 0:
            pen.ellipse((x - a, y - b, x + a, y + b), fill=colour, outline=(20, 20, 30), width=3)
        elif kind == 1:
            corners = rng.uniform(-1, 1, (5, 2)) * (a, b) + (x, y)
            pen.polygon([tuple(corner) for corner in corners], fill=colour)
        else:
            for strand in range(12):
                box = (x - a - 4 * strand, y - b + 3 * strand, x + a, y + b + 6 * strand)
                pen.arc(box, *sorted(rng.uniform(0, 360, 2)), fill=colour, width=2)
    down, across = (np.linspace(*rng.uniform(-30, 30, 2), side) for side in (height, width))
    light = down[:, None, None] + across[None, :, None]
    grain = rng.normal(0, noise, (height, width, 1))
    levels = np.clip(np.asarray(image, np.float32) + light + grain, 0, 255)
    return Image.fromarray(levels.astype(np.uint8))


def _colour(rng: np.random.Generator, darkest: int = 0) -> tuple[int, ...]:
    return tuple(rng.integers(darkest, 256, 3).tolist())
