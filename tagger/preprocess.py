"""From a picture to what a model is fed, as data that travels with the model.

`fit` makes uint8 pixels of the model's size (cheap to keep and to copy), `normalise` makes the
floats. Training and tagging both come through here, so they can't part. Files, EXIF and colour
profiles are not known here: see `images`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .errors import OptionError
from .options import check, option
from .pixels import Colour, check_colour, flatten, rgb
from .resample import By, Method, resize

Fit = Literal["pad", "stretch", "crop", "patches"]
Channels = Literal["rgb", "bgr"]
Layout = Literal["nhwc", "nchw"]
Triple = tuple[float, float, float]

# Rows of a padded canvas are resized in bands of about this many pixels (Pillow holds 4 bytes
# each), so that a strip of 800 x 30,000 never becomes a square of 30,000 x 30,000 in memory.
_BAND = 8_000_000
# Before a centre crop, a strip longer than this many times its breadth is cut to its middle.
_STRIP = 8


@dataclass(frozen=True)
class Preprocess:
    """How one model wants its pictures.

    A channel's level v, 0 to 255, becomes (v * scale - mean) / std. Raises OptionError for what
    can't be meant.
    """

    size: tuple[int, int] = option(
        (448, 448), help="Width and height in pixels; `patches` does not use it.", ge=1
    )
    fit: Fit = option(
        "pad",
        help="pad: centred on a canvas of the size's shape, then resized. stretch: resized as it "
        "is. crop: short side to the size, then the centre. patches: native shape, whole patches.",
    )
    fill: Colour = option(
        "white",
        help="What `pad` pads with: white, black, grey (half), #rrggbb, (r, g, b), or edge: the "
        "outermost pixels repeated.",
    )
    background: Colour = option(
        "white", help="What shows through transparent pixels: as `fill`, without edge."
    )
    resample: Method = option("bicubic", help="The kernel that resizes, in Pillow's terms.")
    channels: Channels = option("rgb", help="The order of the channels in the tensor.")
    layout: Layout = option("nhwc", help="The order of the tensor's axes.")
    scale: float = option(1.0, help="Factor of a level before mean and std, such as 1/255.")
    mean: Triple = option((0.0, 0.0, 0.0), help="Subtracted, in the order of `channels`.")
    std: Triple = option((1.0, 1.0, 1.0), help="Divided by, in the order of `channels`.")
    patch: int = option(16, help="Side of a patch in pixels, for `patches`.", ge=1)
    max_patches: int = option(1024, help="Most patches of one picture, for `patches`.", ge=1)

    def __post_init__(self) -> None:
        check(self)
        object.__setattr__(self, "fill", check_colour("fill", self.fill, "edge"))
        object.__setattr__(self, "background", check_colour("background", self.background))
        for name, value in (("scale", self.scale), ("std", min(self.std))):
            if value <= 0:
                raise OptionError(f"{name}: expected a number above 0, got {value:g}")

    @property
    def gain(self) -> NDArray[np.float32]:
        """Factor for each channel, float32 [3]: the model sees `value * gain + offset`."""
        return (np.float64(self.scale) / np.asarray(self.std, np.float64)).astype(np.float32)

    @property
    def offset(self) -> NDArray[np.float32]:
        """Summand for each channel, float32 [3]: the model sees `value * gain + offset`."""
        return (-np.asarray(self.mean, np.float64) / np.asarray(self.std)).astype(np.float32)


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
    column[:top] = column[top] if preprocess.fill == "edge" else rgb(preprocess.fill)
    bottom = top + height
    column[bottom:] = column[bottom - 1] if preprocess.fill == "edge" else rgb(preprocess.fill)
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
        canvas = Image.new("RGB", (width, band.height), rgb(fill))
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


# SmilingWolf's taggers (v1 to v3, ONNX), after the author's Space `wd-tagger/app.py`.
WD = Preprocess(channels="bgr")
