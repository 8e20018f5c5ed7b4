"""How a flat picture gets a model's shape: padded, letterboxed, cropped.

Knows no models: shape, colour and kernel come as a Frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .pixels import Colour, rgb
from .resample import By, Method, library, resize, resized

Size = tuple[int, int]
Rounding = Literal["nearest", "floor"]

# Rows of a padded canvas are resized in bands of about this many pixels, so that a strip of
# 800 x 30,000 never becomes a square of 30,000 x 30,000 in memory. Pillow holds 4 bytes each, and
# is as fast with fewer; torch, which holds 3, has more to do for each band.
_CANVAS = 1_000_000
_BAND = 8_000_000
# Before a centre crop, a strip longer than this many times its breadth is cut to its middle.
_STRIP = 8


@dataclass(frozen=True)
class Frame:
    """A shape to fill, (width, height), what stands beside the picture, and how it is resized.

    `rounding` is a letterbox's, of the picture's sides to whole pixels.
    """

    size: Size
    fill: Colour
    resample: Method = "bicubic"
    by: By = "pillow"
    rounding: Rounding = "nearest"

    def resize(self, image: Image.Image, size: Size) -> Image.Image:
        """Resize with this frame's kernel, by its library."""
        return resized(image, size, self.resample, self.by)


def pad(image: Image.Image, frame: Frame) -> Image.Image:
    """Centre on the smallest canvas of the frame's shape, then resize that.

    Pillow resizes in two passes, across and then down, with uint8 between them; here they are two
    calls, so the whole canvas never has to exist. Rows above and below are padded in between:
    a row of one colour stays that colour when it is resized across.
    """
    height, target = image.height, frame.size[0]
    canvas_width, canvas_height = _canvas(image.size, frame.size)
    if image.width == canvas_width:
        column = frame.resize(image, (target, height))
    else:
        column = Image.new(image.mode, (target, height))
        for start, band in _widened(image, canvas_width, frame.fill):
            column.paste(frame.resize(band, (target, band.height)), (0, start))
    return frame.resize(_heighten(column, canvas_height, frame.fill), frame.size)


def _widened(image: Image.Image, width: int, fill: Colour) -> Iterator[tuple[int, Image.Image]]:
    """Bands of an image padded to a width, each with its first row, until the next is asked for.

    One canvas serves for all: its memory is fetched once, and it may lie in the processor's cache.
    """
    rows = min(image.height, max(1, _CANVAS // width))
    canvas = None if fill == "edge" else _blank(image.mode, (width, rows), fill)
    for start in range(0, image.height, rows):
        count = min(rows, image.height - start)
        if canvas is None:
            band = image.crop((0, start, image.width, start + count))
            yield start, _widen(band, width, fill)
        else:
            canvas.paste(image, ((width - image.width) // 2, -start))
            yield start, canvas if count == rows else canvas.crop((0, 0, width, count))


def pads_pixels(size: Size, frame: Frame) -> bool:
    """Whether `pad_pixels` is the fastest way for a picture of that size."""
    canvas = _canvas(size, frame.size)
    return frame.fill != "edge" and library(frame.resample, frame.by, canvas, frame.size) == "torch"


def pad_pixels(pixels: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    """`pad` of RGB pixels, uint8 [H, W, 3], without Pillow; the frame's fill is one colour."""
    height, width = pixels.shape[:2]
    canvas_width, canvas_height = _canvas((width, height), frame.size)
    column = _column(pixels, canvas_width, frame)
    if height < canvas_height:
        top = (canvas_height - height) // 2
        tall = _filled(canvas_height, frame.size[0], frame.fill)
        tall[top : top + height] = column
        column = tall
    return resize(column, frame.size, frame.resample, frame.by)


def _column(pixels: NDArray[np.uint8], canvas_width: int, frame: Frame) -> NDArray[np.uint8]:
    """Pixels padded to a width and resized across, uint8 [H, the frame's width, 3]."""
    height, width = pixels.shape[:2]
    target = frame.size[0]
    if width == canvas_width:
        return resize(pixels, (target, height), frame.resample, frame.by)
    left = (canvas_width - width) // 2
    step = max(1, _BAND // canvas_width)
    wide = _filled(min(step, height), canvas_width, frame.fill)
    column = np.empty((height, target, 3), np.uint8)
    for start in range(0, height, step):
        band = wide[: height - start]
        band[:, left : left + width] = pixels[start : start + step]
        column[start : start + step] = resize(band, (target, len(band)), frame.resample, frame.by)
    return column


def _filled(height: int, width: int, fill: Colour) -> NDArray[np.uint8]:
    """One colour, uint8 [H, W, 3]."""
    # rows of bytes: they are filled several times faster than pixels of three
    rows = np.empty((height, 3 * width), np.uint8)
    rows[:] = np.tile(np.array(rgb(fill), np.uint8), width)
    return np.reshape(rows, (height, width, 3))


def letterbox(image: Image.Image, frame: Frame) -> Image.Image:
    """Resize in proportion to just fit inside, small pictures too, then centre on the fill."""
    image = frame.resize(image, inner(image.size, frame))
    if frame.fill == "edge":
        return Image.fromarray(_edged(np.array(image), frame.size))
    return _heighten(_widen(image, frame.size[0], frame.fill), frame.size[1], frame.fill)


def inner(size: Size, frame: Frame) -> Size:
    """The sides (width, height) of a letterbox's picture; its offset is half the rest, floored."""
    (width, height), (most_width, most_height) = size, frame.size
    scale = min(most_width / width, most_height / height)
    if frame.rounding == "nearest":
        wide, high = round(width * scale), round(height * scale)
    else:  # the long side fills the frame, whatever floats make of it
        full = most_width * height <= most_height * width
        wide = most_width if full else int(most_height * (width / height))
        high = int(most_width / (width / height)) if full else most_height
    return max(1, min(most_width, wide)), max(1, min(most_height, high))


def mask(size: Size, frame: Frame) -> NDArray[np.uint8]:
    """Where a letterbox's picture stands, uint8 [H, W]: 255 there, 0 in the padding."""
    width, height = inner(size, frame)
    left, top = (frame.size[0] - width) // 2, (frame.size[1] - height) // 2
    found = np.zeros((frame.size[1], frame.size[0]), np.uint8)
    found[top : top + height, left : left + width] = 255
    return found


def crop(image: Image.Image, frame: Frame) -> Image.Image:
    """Short side to size, long side in proportion (rounded down), then the centre.

    The rounding is torchvision's `Resize` and `CenterCrop`, which is what such models trained on.
    """
    (width, height), (target_width, target_height) = image.size, frame.size
    reach = _STRIP * max(1, -(-max(frame.size) // min(frame.size))) * min(image.size)
    if max(image.size) > reach:  # the far ends of a strip are cut off anyway: spare their pixels
        left, top = max(0, (width - reach) // 2), max(0, (height - reach) // 2)
        image = image.crop((left, top, left + min(width, reach), top + min(height, reach)))
        width, height = image.size
    if target_width * height >= target_height * width:
        size = (target_width, max(target_height, target_width * height // width))
    else:
        size = (max(target_width, target_height * width // height), target_height)
    left = round((size[0] - target_width) / 2)
    top = round((size[1] - target_height) / 2)
    middle = (left, top, left + target_width, top + target_height)
    return frame.resize(image, size).crop(middle)


def _canvas(size: Size, target: Size) -> Size:
    """The smallest canvas of `target`'s shape that holds `size`, both (width, height)."""
    (width, height), (target_width, target_height) = size, target
    return (
        max(width, -(-height * target_width // target_height)),
        max(height, -(-width * target_height // target_width)),
    )


def _widen(image: Image.Image, width: int, fill: Colour) -> Image.Image:
    if image.width == width:
        return image
    left = (width - image.width) // 2
    right = left + image.width
    size = (width, image.height)
    if fill == "edge":
        edges = ((0, 0, left), (image.width - 1, right, width))
        canvas = Image.new(image.mode, size)
        for column, start, end in edges:
            strip = image.crop((column, 0, column + 1, image.height))
            if end > start:
                strip = strip.resize((end - start, image.height), Image.Resampling.NEAREST)
                canvas.paste(strip, (start, 0))
    else:
        canvas = _blank(image.mode, size, fill)
    canvas.paste(image, (left, 0))
    return canvas


def _heighten(image: Image.Image, height: int, fill: Colour) -> Image.Image:
    if image.height == height:
        return image
    turned = image.transpose(Image.Transpose.TRANSPOSE) if fill == "edge" else image
    if fill == "edge":
        return _widen(turned, height, fill).transpose(Image.Transpose.TRANSPOSE)
    canvas = _blank(image.mode, (image.width, height), fill)
    canvas.paste(image, (0, (height - image.height) // 2))
    return canvas


def _edged(pixels: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Repeat the outermost pixels; an odd rest puts the picture between two pixels.

    So does DeepDanbooru's `transform_and_pad_image`, which moves the picture by half of the rest,
    linearly interpolated.
    """
    for axis, target in ((0, size[1]), (1, size[0])):
        before, odd = divmod(target - pixels.shape[axis], 2)
        first = _extended(pixels, axis, before, before + odd)
        if odd:
            second = _extended(pixels, axis, before + 1, before)
            first = ((first.astype(np.uint16) + second + 1) // 2).astype(np.uint8)
        pixels = first
    return pixels


def _extended(pixels: NDArray[np.uint8], axis: int, before: int, after: int) -> NDArray[np.uint8]:
    amounts = [(0, 0)] * 3
    amounts[axis] = (before, after)
    return np.pad(pixels, amounts, mode="edge")


def _blank(mode: str, size: Size, fill: Colour) -> Image.Image:
    """A canvas of one colour; with an alpha channel, a transparent one."""
    return Image.new(mode, size, rgb(fill) if mode == "RGB" else 0)
