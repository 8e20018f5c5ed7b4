"""From a picture to what a model is fed, as data that travels with the model.

`fit` makes uint8 pixels of the model's size (cheap to keep and to copy), `normalise` makes the
floats. Training and tagging both come through here, so they can't part. Files, EXIF and colour
profiles are not known here: see `images`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .errors import OptionError
from .framing import Frame, Rounding, crop, letterbox, mask, pad, pad_pixels, pads_pixels
from .options import check, option
from .patches import Patches, cut, patched_size, shrunk_size
from .pixels import Colour, check_colour, flatten, levels, straight
from .resample import By, Method, resized

Fit = Literal["pad", "stretch", "crop", "letterbox", "patches"]
Alpha = Literal["before", "after", "mask"]
Channels = Literal["rgb", "bgr"]
Layout = Literal["nhwc", "nchw"]
Triple = tuple[float, float, float]
Batch = NDArray[np.uint8] | Patches


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
        "is. crop: short side to the size, then the centre. letterbox: resized to fit inside, then "
        "padded. patches: native shape, whole patches.",
    )
    fill: Colour = option(
        "white",
        help="What is padded with: white, black, grey (half), #rrggbb, (r, g, b), or edge: the "
        "outermost pixels repeated.",
    )
    background: Colour = option(
        "white", help="What shows through transparent pixels: as `fill`, without edge."
    )
    resample: Method = option("bicubic", help="The kernel that resizes, in Pillow's terms.")
    alpha: Alpha = option(
        "before",
        help="before: transparent parts are composited before the resize. after: in floats after "
        "it, and padding is transparent. mask: before; a letterbox's padding is told besides.",
    )
    rounding: Rounding = option("nearest", help="Of a letterbox's sides to whole pixels.")
    canvas: tuple[int, int] | None = option(
        None,
        help="Width and height of a letterbox that is then stretched to `size`; without it, "
        "`size` itself is boxed.",
        ge=1,
    )
    canvas_resample: Method = option("bilinear", help="The kernel that resizes for that canvas.")
    reducing_gap: float = option(
        0.0, help="Average down first while this many times too large; 0: never.", ge=0
    )
    channels: Channels = option("rgb", help="The order of the channels in the tensor.")
    layout: Layout = option("nhwc", help="The order of the tensor's axes.")
    scale: float = option(1.0, help="Factor of a level before mean and std, such as 1/255.")
    mean: Triple = option((0.0, 0.0, 0.0), help="Subtracted, in the order of `channels`.")
    std: Triple = option((1.0, 1.0, 1.0), help="Divided by, in the order of `channels`.")
    patch: int = option(16, help="Side of a patch in pixels, for `patches`.", ge=1)
    max_patches: int = option(1024, help="Most patches of one picture, for `patches`.", ge=1)
    longest: int = option(
        0, help="Longest side in pixels, for `patches`, instead of `max_patches`; 0: that.", ge=0
    )

    def __post_init__(self) -> None:
        check(self)
        object.__setattr__(self, "fill", check_colour("fill", self.fill, "edge"))
        object.__setattr__(self, "background", check_colour("background", self.background))
        if self.fit != "letterbox" and (self.alpha == "mask" or self.canvas):
            raise OptionError(f"fit: expected letterbox for a mask or a canvas, got {self.fit}")
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


def fit(
    picture: Image.Image | NDArray[np.uint8], preprocess: Preprocess, by: By = "pillow"
) -> NDArray[np.uint8]:
    """Make a picture of any mode, or RGB pixels [H, W, 3], into RGB pixels of the model's size.

    uint8 [H, W, 3]. With `alpha` other than "before", [H, W, 4]: the last channel is alpha, or the
    mask. `by` is the library that resizes, see `resample.resize`.
    """
    frame = Frame(preprocess.size, preprocess.fill, preprocess.resample, by, preprocess.rounding)
    if (
        preprocess.fit == "pad"
        and preprocess.alpha == "before"
        and pads_pixels(_size(picture), frame)
    ):
        if isinstance(picture, Image.Image):
            picture = np.asarray(flatten(picture, preprocess.background))
        return pad_pixels(picture, frame)
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    late = preprocess.alpha == "after"
    flat = straight(image) if late else flatten(image, preprocess.background)
    size = flat.size
    if preprocess.fit == "letterbox" and preprocess.canvas:
        first = replace(frame, size=preprocess.canvas, resample=preprocess.canvas_resample)
        flat = letterbox(flat, first)
    if preprocess.fit in _FRAMED and not preprocess.canvas:
        flat = _FRAMED[preprocess.fit](flat, frame)
    else:
        to = _patched(size, preprocess) if preprocess.fit == "patches" else preprocess.size
        flat = resized(flat, to, preprocess.resample, by, preprocess.reducing_gap)
    pixels = np.array(flat)
    if preprocess.alpha == "mask":
        return np.concatenate([pixels, mask(size, frame)[..., None]], axis=2)
    return pixels


def _patched(size: tuple[int, int], preprocess: Preprocess) -> tuple[int, int]:
    if preprocess.longest:
        return shrunk_size(size, preprocess.patch, preprocess.longest)
    return patched_size(size, preprocess.patch, preprocess.max_patches)


def _size(picture: Image.Image | NDArray[np.uint8]) -> tuple[int, int]:
    return picture.size if isinstance(picture, Image.Image) else picture.shape[1::-1]


_FRAMED = {"pad": pad, "letterbox": letterbox, "crop": crop}


def stack(pictures: Sequence[NDArray[np.uint8]], preprocess: Preprocess) -> Batch:
    """Fitted pictures as one batch: uint8 [N, H, W, 3 or 4], or Patches for `patches`."""
    if preprocess.fit == "patches":
        return cut(pictures, preprocess.patch)
    return np.stack(pictures)


def composite(batch: NDArray[np.uint8], preprocess: Preprocess) -> NDArray[Any]:
    """RGB levels [N, H, W, 3] of fitted pixels that may have a fourth channel.

    For `alpha` "after", alpha * level + (1 - alpha) * background in float32, where grey is 127.5.
    """
    if preprocess.alpha != "after":
        return batch[..., :3]
    share = batch[..., 3:].astype(np.float32) / np.float32(255)
    background = np.array(levels(preprocess.background), np.float32)
    return batch[..., :3] * share + (1 - share) * background


def normalise(batch: NDArray[np.uint8], preprocess: Preprocess) -> NDArray[np.float32]:
    """Turn fitted pixels, uint8 [N, H, W, 3 or 4], into the model's float32 input.

    The result is [N, H, W, 3] or [N, 3, H, W] as `layout` says, channels in the order `channels`.
    """
    if batch.ndim != 4 or batch.shape[3] not in (3, 4):
        raise ValueError(f"expected pixels [N, H, W, 3], got shape {batch.shape}")
    planes = preprocess.layout == "nchw"
    source = composite(batch, preprocess)
    count, height, width = batch.shape[:3]
    values = np.empty(
        (count, 3, height, width) if planes else (count, height, width, 3), np.float32
    )
    order = (2, 1, 0) if preprocess.channels == "bgr" else (0, 1, 2)
    for channel, (gain, offset) in enumerate(zip(preprocess.gain, preprocess.offset, strict=True)):
        view = values[:, channel] if planes else values[..., channel]
        view[...] = source[..., order[channel]]
        if gain != 1:
            view *= gain
        if offset != 0:
            view += offset
    return values


# SmilingWolf's taggers (v1 to v3, ONNX), after the author's Space `wd-tagger/app.py`.
WD = Preprocess(channels="bgr")
