"""Resizing as Pillow does it, by the fastest library at hand.

Pillow is the reference: the authors of the taggers prepared their pictures with it. Torch's
antialiased resize of uint8 follows the same kernels with coarser weights, and stays within one
level of 255 where a picture shrinks to half or less. Where it grows, or shrinks by little, a few
samples in a million are two off, and Pillow has little to do: there only Pillow is `auto`. So it
is where nobody has paid for importing torch.

A resize is two passes with rounding and clipping between them, and which comes first shows at
hard edges: up to 20 levels. Pillow went across and then down until version 12, when the taggers'
authors used it; version 13 goes down first where that is cheaper. Here it is always across and
then down, so that a picture has one result whatever is installed.
"""

from __future__ import annotations

import sys
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .errors import OptionError

Method = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos", "area"]
By = Literal["pillow", "torch", "auto"]

PILLOW: tuple[Method, ...] = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
METHODS: tuple[Method, ...] = (*PILLOW, "area")
# The kernels whose antialiased form torch has with Pillow's own parameters (bicubic: a = -0.5).
_TORCH_METHODS = ("bilinear", "bicubic")
# From this factor on torch is within one level of Pillow.
_SHRUNK = 2


def resize(
    picture: Image.Image | NDArray[np.uint8],
    size: tuple[int, int],
    method: Method = "bicubic",
    by: By = "pillow",
) -> NDArray[np.uint8]:
    """Resize an RGB picture, uint8 [H, W, 3] or a Pillow image, to `size` = (width, height).

    "area" is TensorFlow's: the mean of what a new pixel covers, parts of pixels included, which
    Pillow's "box" is only for whole factors. `by="pillow"` is exact; `"torch"` is within 1 of it;
    `"auto"` is torch where that is already imported, knows the method and halves the picture or
    more, else Pillow. Raises OptionError for a method torch lacks.
    """
    before = picture.size if isinstance(picture, Image.Image) else picture.shape[1::-1]
    if library(method, by, before, size) == "torch":
        return _resize_torch(_array(picture), size, method)
    return _array(_two_passes(_image(picture), size, method))


def resized(
    image: Image.Image,
    size: tuple[int, int],
    method: Method = "bicubic",
    by: By = "pillow",
    gap: float = 0.0,
) -> Image.Image:
    """`resize` from a Pillow image to a Pillow image, which spares two copies; any mode by Pillow.

    With `gap` (Pillow's `reducing_gap`) a picture that is more than so many times too large is
    averaged down by a whole number first.
    """
    if image.mode == "RGBA":  # as Pillow does, once for both passes: hidden colours don't bleed
        return resized(image.convert("RGBa"), size, method, "pillow", gap).convert("RGBA")
    if image.mode == "RGB" and library(method, by, image.size, size) == "torch":
        return Image.fromarray(_resize_torch(_array(image), size, method))
    across = down = 1
    if gap > 0:
        across, down = (int(a / b / gap) or 1 for a, b in zip(image.size, size, strict=True))
    if across == down == 1:
        return _two_passes(image, size, method)
    width, height = image.width / across, image.height / down
    image = image.reduce((across, down))
    wide = image.resize((size[0], image.height), _filter(method), (0, 0, width, image.height))
    return wide.resize(size, _filter(method), (0, 0, size[0], height))


def _two_passes(image: Image.Image, size: tuple[int, int], method: Method) -> Image.Image:
    if method == "area":
        return Image.fromarray(_resize_area(_array(image), size))
    for step in ((size[0], image.height), size):
        if image.size != step:  # Pillow would copy it
            image = image.resize(step, _filter(method))
    return image


def library(
    method: Method, by: By, before: tuple[int, int], after: tuple[int, int]
) -> Literal["pillow", "torch"]:
    """The library that `by` means here and now, from and to a (width, height).

    Raises OptionError for a method that it lacks.
    """
    if method not in METHODS:
        raise OptionError(f"resample: expected one of {', '.join(METHODS)}, got {method!r}")
    if by == "torch" and method not in _TORCH_METHODS:
        raise OptionError(f"resample: torch has no antialiased {method}: resize by pillow")
    if by != "auto":
        return by
    shrinks = all(b == a or b >= _SHRUNK * a for b, a in zip(before, after, strict=True))
    return "torch" if shrinks and method in _TORCH_METHODS and is_loaded("torch") else "pillow"


def is_loaded(name: str) -> bool:
    """Whether somebody has imported a library, to the end: nobody waits for it, or pays for it."""
    module = sys.modules.get(name)
    return module is not None and not getattr(module.__spec__, "_initializing", False)


def _filter(method: Method) -> Image.Resampling:
    return Image.Resampling[method.upper()]


def _image(picture: Image.Image | NDArray[np.uint8]) -> Image.Image:
    return picture if isinstance(picture, Image.Image) else Image.fromarray(picture)


def _array(picture: Image.Image | NDArray[np.uint8]) -> NDArray[np.uint8]:
    # np.array, not asarray: the latter is a read-only view, which torch warns about.
    return np.array(picture) if isinstance(picture, Image.Image) else picture


def _resize_area(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    across = np.einsum("xw,hwc->hxc", _shares(pixels.shape[1], size[0]), pixels, optimize=True)
    down = np.einsum("yh,hxc->yxc", _shares(pixels.shape[0], size[1]), across, optimize=True)
    return np.floor(down + 0.5).astype(np.uint8)


def _shares(before: int, after: int) -> NDArray[np.float32]:
    """How much each of `before` pixels gives to each of `after`, float32 [after, before]."""
    edges = np.arange(after + 1, dtype=np.float64) * before / after
    starts = np.arange(before, dtype=np.float64)
    ends = np.minimum(starts + 1, edges[1:, None])
    covered = np.maximum(ends - np.maximum(starts, edges[:-1, None]), 0)
    return (covered * after / before).astype(np.float32)


def _resize_torch(
    pixels: NDArray[np.uint8], size: tuple[int, int], method: Method
) -> NDArray[np.uint8]:
    import torch as library  # here, because importing it takes seconds

    torch: Any = library
    width, height = size
    pixels = np.require(pixels, requirements=("C", "W"))  # torch warns of what is read-only
    # Channels last in memory is what makes torch take its vector path for uint8. The batch comes
    # first, so that its stride says so too: else torch gives the channels back as planes.
    planes = torch.from_numpy(pixels).unsqueeze(0).permute(0, 3, 1, 2)
    with torch.inference_mode():  # across comes before down, as here
        planes = torch.nn.functional.interpolate(
            planes, size=(height, width), mode=method, antialias=True
        )
    return np.require(planes[0].permute(1, 2, 0).numpy(), requirements="C")
