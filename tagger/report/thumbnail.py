"""A small copy of a picture as a data URI, for a page that needs nothing beside it."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from ..images import open_image

SIDE = 144
MOST_PIXELS = 60_000_000
"""Of a picture that is decoded for a thumbnail."""


def thumbnail(picture: Path, side: int = SIDE) -> str:
    """WEBP of at most `side` by `side` pixels. Raises ImageError if the picture can't be read."""
    image = open_image(picture, MOST_PIXELS)
    clear = "A" in image.getbands() or "transparency" in image.info
    small = image.convert("RGBA" if clear else "RGB")
    small.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return data_uri(small)


def data_uri(image: Image.Image) -> str:
    """A picture, RGB or RGBA, as WEBP in a data URI."""
    kept = io.BytesIO()
    image.save(kept, "WEBP", quality=78, method=2)
    return "data:image/webp;base64," + base64.b64encode(kept.getvalue()).decode("ascii")
