"""A picture's pixels as 8-bit RGB, whatever mode Pillow has them in.

Knows alpha, palettes, 16 and 32 bit; knows no files, profiles or sizes.
"""

from __future__ import annotations

import re
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from .errors import OptionError

Colour = str | tuple[int, int, int]

_COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128)}


def flatten(image: Image.Image, background: Colour = "white") -> Image.Image:
    """Turn a picture of any Pillow mode into RGB, transparent parts composited on `background`.

    16-bit grey is scaled to 8 bit, where Pillow's own conversion clips it. 32-bit integers beyond
    16 bit and floats beyond 0..65535 are stretched between their lowest and highest value.
    """
    image = _eight_bit(image)
    if not _has_alpha(image):
        return image if image.mode == "RGB" else image.convert("RGB")
    image = _straight(image)
    # Pillow's compositing leaves opaque pixels exactly as they are: spare the two big copies.
    if cast("tuple[int, int]", image.getchannel("A").getextrema())[0] == 255:
        return image.convert("RGB")
    canvas = Image.new("RGBA", image.size, (*rgb(background), 255))
    canvas.alpha_composite(image)
    return canvas.convert("RGB")


def rgb(colour: Colour) -> tuple[int, int, int]:
    """The levels of a checked colour, each 0 to 255."""
    if isinstance(colour, tuple):
        return colour
    if colour in _COLOURS:
        return _COLOURS[colour]
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def levels(colour: Colour) -> tuple[float, float, float]:
    """The levels of a checked colour for arithmetic in floats: grey is the exact middle, 127.5."""
    return (127.5, 127.5, 127.5) if colour == "grey" else rgb(colour)


def straight(image: Image.Image) -> Image.Image:
    """Turn a picture of any Pillow mode into RGBA, opaque where it has no alpha."""
    image = _eight_bit(image)
    return _straight(image) if _has_alpha(image) else image.convert("RGB").convert("RGBA")


def check_colour(name: str, value: object, *words: str) -> Colour:
    """A colour as it was given, a JSON list as a tuple; OptionError for anything else.

    `words` are allowed beside the colours' own names.
    """
    if isinstance(value, str):
        if value in (*_COLOURS, *words) or re.fullmatch("#[0-9a-fA-F]{6}", value):
            return value
    elif isinstance(value, (list, tuple)):
        levels = tuple(cast("list[object]", value))
        if len(levels) == 3 and all(type(v) is int and 0 <= v <= 255 for v in levels):
            return cast("tuple[int, int, int]", levels)
    known = ", ".join((*_COLOURS, *words))
    raise OptionError(f"{name}: expected {known}, #rrggbb or (r, g, b), got {value!r}")


def _has_alpha(image: Image.Image) -> bool:
    palette_alpha = image.palette is not None and image.palette.mode.endswith("A")
    return (
        image.mode in ("RGBA", "LA", "PA", "La", "RGBa")
        or "transparency" in image.info
        or (image.mode == "P" and palette_alpha)
    )


def _straight(image: Image.Image) -> Image.Image:
    """To RGBA, from any mode with an alpha channel or a transparent colour."""
    if image.mode == "La":
        image = image.convert("LA")
    return image if image.mode == "RGBA" else image.convert("RGBA")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Bring the modes that Pillow's `convert` clips or refuses to 8 bit; others pass."""
    if image.mode == "LAB":
        cms = cast("Any", ImageCms)
        lab, srgb = cms.createProfile("LAB"), cms.createProfile("sRGB")
        return cms.profileToProfile(image, lab, srgb, outputMode="RGB")
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    grey = Image.fromarray(_scale_to_8_bit(values.astype(np.float32), image.mode))
    clear = image.info.get("transparency")
    if isinstance(clear, int):  # 16-bit PNG with one transparent level
        grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return grey


def _scale_to_8_bit(values: NDArray[np.float32], mode: str) -> NDArray[np.uint8]:
    values = np.nan_to_num(values, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    # Mode I is 16-bit PNG to older Pillows; floats come as 0..1, 0..255 or 0..65535.
    whites = (1.0, 255.0, 65535.0) if mode == "F" else (65535.0,)
    white = next((white for white in whites if low >= 0 and high <= white), None)
    if white is None:
        values, white = values - low, high - low or 1.0
    return np.floor(values * (255.0 / white) + 0.5).astype(np.uint8)
