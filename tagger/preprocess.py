"""From a picture to what a model is fed, as data that travels with the model.

`fit` makes uint8 pixels of the model's size (cheap to keep and to copy), `normalise` makes the
floats. Training and tagging both come through here, so they can't part. Files, EXIF and colour
profiles are not known here: see `images`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from .errors import OptionError
from .resample import METHODS, By, Method, resize

Fit = Literal["pad", "stretch", "crop", "patches"]
Channels = Literal["rgb", "bgr"]
Layout = Literal["nhwc", "nchw"]
Colour = str | tuple[int, int, int]
Triple = tuple[float, float, float]

_COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128)}
# Rows of a padded canvas are resized in bands of about this many pixels (Pillow holds 4 bytes
# each), so that a strip of 800 x 30,000 never becomes a square of 30,000 x 30,000 in memory.
_BAND = 8_000_000
# Before a centre crop, a strip longer than this many times its breadth is cut to its middle.
_STRIP = 8


def _tuple(name: str, value: object) -> tuple[object, ...]:
    if not isinstance(value, (list, tuple)):
        raise OptionError(f"{name}: expected a list of numbers, got {value!r}")
    return tuple(cast("list[object]", value))


def _checked_colour(name: str, value: object) -> Colour:
    edge = ("edge",) if name == "fill" else ()
    if isinstance(value, str):
        if value in (*_COLOURS, *edge) or re.fullmatch("#[0-9a-fA-F]{6}", value):
            return value
    elif isinstance(value, (list, tuple)):
        levels = tuple(cast("list[object]", value))
        if len(levels) == 3 and all(type(v) is int and 0 <= v <= 255 for v in levels):
            return cast("tuple[int, int, int]", levels)
    words = ", ".join((*_COLOURS, *edge))
    raise OptionError(f"{name}: expected {words}, #rrggbb or three levels 0..255, got {value!r}")


def _one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise OptionError(f"{name}: expected one of {', '.join(choices)}, got {value!r}")


def _whole(name: str, values: tuple[object, ...], count: int) -> None:
    if len(values) != count or not all(type(v) is int and v > 0 for v in values):
        what = "a whole number above 0" if count == 1 else f"{count} whole numbers above 0"
        raise OptionError(f"{name}: expected {what}, got {values[0] if count == 1 else values!r}")


def _finite(name: str, values: tuple[object, ...], count: int, positive: bool = False) -> None:
    for value in values:
        number = (
            value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
        )
        if not math.isfinite(number) or (positive and number <= 0):
            kind = "a number above 0" if positive else "a number"
            raise OptionError(f"{name}: expected {kind}, got {value!r}")
    if len(values) != count:
        raise OptionError(f"{name}: expected {count} numbers, got {len(values)}")


@dataclass(frozen=True)
class Preprocess:
    """How one model wants its pictures.

    Arithmetic of a channel value v in 0..255: (v * scale - mean) / std, with `mean` and `std` in
    the order of `channels`.
    """

    size: tuple[int, int] = (448, 448)
    """(width, height) in pixels; not used by `fit="patches"`."""
    fit: Fit = "pad"
    """pad: centred on a canvas of the target's shape, then resized. stretch: resized as it is.
    crop: short side to size, then the centre. patches: native shape, in whole patches."""
    fill: Colour = "white"
    """What `pad` pads with: white, black, grey (half), #rrggbb, (r, g, b) or edge (the picture's
    outermost pixels repeated)."""
    background: Colour = "white"
    """What shows through transparent pixels: as `fill`, without edge."""
    resample: Method = "bicubic"
    channels: Channels = "rgb"
    layout: Layout = "nhwc"
    scale: float = 1.0
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    patch: int = 16
    """Side of a patch in pixels, for `fit="patches"`."""
    max_patches: int = 1024
    """Most patches a picture may take, for `fit="patches"`."""

    def __post_init__(self) -> None:
        for name in ("size", "mean", "std"):  # JSON has lists, a frozen value wants tuples
            object.__setattr__(self, name, _tuple(name, getattr(self, name)))
        for name, kind in (("fit", Fit), ("channels", Channels), ("layout", Layout)):
            _one_of(name, getattr(self, name), get_args(kind))
        _one_of("resample", self.resample, METHODS)
        for name in ("fill", "background"):
            object.__setattr__(self, name, _checked_colour(name, getattr(self, name)))
        _whole("size", self.size, 2)
        _whole("patch", (self.patch,), 1)
        _whole("max_patches", (self.max_patches,), 1)
        _finite("mean", self.mean, 3)
        _finite("std", self.std, 3, positive=True)
        _finite("scale", (self.scale,), 1, positive=True)

    @property
    def gain(self) -> NDArray[np.float32]:
        """Factor for each channel, float32 [3]: the model sees `value * gain + offset`."""
        return (np.float64(self.scale) / np.asarray(self.std, np.float64)).astype(np.float32)

    @property
    def offset(self) -> NDArray[np.float32]:
        """Summand for each channel, float32 [3]: the model sees `value * gain + offset`."""
        return (-np.asarray(self.mean, np.float64) / np.asarray(self.std)).astype(np.float32)


# SmilingWolf's taggers (v1 to v3, ONNX), after the author's Space `wd-tagger/app.py`.
WD = Preprocess(channels="bgr")


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
    canvas = Image.new("RGBA", image.size, (*_rgb(background), 255))
    canvas.alpha_composite(image)
    return canvas.convert("RGB")


def fit(image: Image.Image, preprocess: Preprocess, by: By = "pillow") -> NDArray[np.uint8]:
    """Make a picture of any mode into RGB pixels of the model's size, uint8 [H, W, 3].

    `by` is the library that resizes, see `resample.resize`.
    """
    flat = flatten(image, preprocess.background)
    if preprocess.fit == "pad":
        return _pad(flat, preprocess, by)
    if preprocess.fit == "crop":
        return _crop(flat, preprocess, by)
    size = preprocess.size if preprocess.fit == "stretch" else patched_size(flat.size, preprocess)
    return resize(flat, size, preprocess.resample, by)


def normalise(batch: NDArray[np.uint8], preprocess: Preprocess) -> NDArray[np.float32]:
    """Turn fitted pixels, uint8 RGB [N, H, W, 3], into the model's float32 input.

    The result is [N, H, W, 3] or [N, 3, H, W] as `layout` says, channels in the order `channels`.
    """
    if batch.ndim != 4 or batch.shape[3] != 3:
        raise ValueError(f"expected pixels [N, H, W, 3], got shape {batch.shape}")
    planes = preprocess.layout == "nchw"
    source: Any = batch[..., ::-1] if preprocess.channels == "bgr" else batch
    values: NDArray[np.float32] = (source.transpose(0, 3, 1, 2) if planes else source).astype(
        np.float32, order="C"
    )
    for channel, (gain, offset) in enumerate(zip(preprocess.gain, preprocess.offset, strict=True)):
        view = values[:, channel] if planes else values[..., channel]
        if gain != 1:
            view *= gain
        if offset != 0:
            view += offset
    return values


def patched_size(size: tuple[int, int], preprocess: Preprocess) -> tuple[int, int]:
    """Say how large a picture of `size` (width, height) becomes under `fit="patches"`.

    The largest scale at which both sides, each rounded up to whole patches, take at most
    `max_patches` (NaFlexViT's rule); small pictures grow.
    """
    width, height = size
    across = _most_patches(width, height, preprocess.max_patches)
    down = _most_patches(height, width, preprocess.max_patches)
    if across * height >= down * width:  # the larger of the scales across / width, down / height
        down = _patches_beside(across, width, height)
    else:
        across = _patches_beside(down, height, width)
    return across * preprocess.patch, down * preprocess.patch


def _most_patches(side: int, other: int, limit: int) -> int:
    """Most patches along `side` whose companions along `other` stay within `limit` together."""
    counts = range(1, limit + 1)
    return max((n for n in counts if n * _patches_beside(n, side, other) <= limit), default=0)


def _patches_beside(count: int, side: int, other: int) -> int:
    return -(-count * other // side)


def _pad(image: Image.Image, preprocess: Preprocess, by: By) -> NDArray[np.uint8]:
    """Centre on the smallest canvas of the target's shape, then resize that.

    Pillow resizes in two passes, across and then down, with uint8 between them; here they are two
    calls, so the whole canvas never has to exist. Rows above and below are padded in between:
    a row of one colour stays that colour when it is resized across.
    """
    width, height = image.size
    canvas_width, canvas_height = _canvas(image.size, preprocess.size)
    target_width = preprocess.size[0]
    top = (canvas_height - height) // 2
    column = np.empty((canvas_height, target_width, 3), np.uint8)
    step = max(1, _BAND // canvas_width)
    for start in range(0, height, step):
        band = image.crop((0, start, width, min(start + step, height)))
        wide = _widen(band, canvas_width, preprocess.fill)
        across = (target_width, band.height)
        column[top + start : top + start + band.height] = resize(
            wide, across, preprocess.resample, by
        )
    column[:top] = column[top] if preprocess.fill == "edge" else _rgb(preprocess.fill)
    bottom = top + height
    column[bottom:] = column[bottom - 1] if preprocess.fill == "edge" else _rgb(preprocess.fill)
    return resize(column, preprocess.size, preprocess.resample, by)


def _canvas(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """The smallest canvas of `target`'s shape that holds `size`, both (width, height)."""
    (width, height), (target_width, target_height) = size, target
    return (
        max(width, -(-height * target_width // target_height)),
        max(height, -(-width * target_height // target_width)),
    )


def _widen(band: Image.Image, width: int, fill: Colour) -> Image.Image:
    if band.width == width:
        return band
    left = (width - band.width) // 2
    right = left + band.width
    if fill != "edge":
        canvas = Image.new("RGB", (width, band.height), _rgb(fill))
    else:
        canvas = Image.new("RGB", (width, band.height))
        first = band.crop((0, 0, 1, band.height))
        last = band.crop((band.width - 1, 0, band.width, band.height))
        for strip, start, end in ((first, 0, left), (last, right, width)):
            if end > start:
                size = (end - start, band.height)
                canvas.paste(strip.resize(size, Image.Resampling.NEAREST), (start, 0))
    canvas.paste(band, (left, 0))
    return canvas


def _crop(image: Image.Image, preprocess: Preprocess, by: By) -> NDArray[np.uint8]:
    """Short side to size, long side in proportion (rounded down), then the centre.

    The rounding is torchvision's `Resize` and `CenterCrop`, which is what such models trained on.
    """
    (width, height), (target_width, target_height) = image.size, preprocess.size
    reach = _STRIP * max(1, -(-max(preprocess.size) // min(preprocess.size))) * min(image.size)
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
    pixels = resize(image, size, preprocess.resample, by)
    return np.ascontiguousarray(pixels[top : top + target_height, left : left + target_width])


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
    grey = Image.fromarray(_scale_to_8_bit(values.astype(np.float64), image.mode))
    clear = image.info.get("transparency")
    if isinstance(clear, int):  # 16-bit PNG with one transparent level
        grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return grey


def _scale_to_8_bit(values: NDArray[np.float64], mode: str) -> NDArray[np.uint8]:
    values = np.nan_to_num(values, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    # Mode I is 16-bit PNG to older Pillows; floats come as 0..1, 0..255 or 0..65535.
    whites = (1.0, 255.0, 65535.0) if mode == "F" else (65535.0,)
    white = next((white for white in whites if low >= 0 and high <= white), None)
    if white is None:
        values, white = values - low, high - low or 1.0
    return np.floor(values * (255.0 / white) + 0.5).astype(np.uint8)


def _rgb(colour: Colour) -> tuple[int, int, int]:
    if isinstance(colour, tuple):
        return colour
    if colour in _COLOURS:
        return _COLOURS[colour]
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue
