"""The keys of `tagger.json`, schema 1: name, default, sentence and range of each.

`docs/manifest.md` explains them, `manifest` turns them into a ModelSpec and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import OptionError
from ..options import check, option
from ..preprocess import Alpha, Channels, Fit, Layout, Rounding
from ..resample import Method
from ..thresholds import Thresholds
from .contract import Activation, Runtime

SCHEMA = 1


@dataclass(frozen=True)
class Inputs:
    """What is done to a picture before the weights see it."""

    name: str | None = option(None, help="name of the input; without it, the only one")
    mask: str | None = option(
        None, help="name of a second input of onnx, bool, true where the picture is padded"
    )
    layout: Layout = option("nhwc", help="order of the tensor's axes")
    size: tuple[int, int] = option((448, 448), ge=1, help="width and height in pixels")
    channels: Channels = option("bgr", help="order of the colours")
    scale: float = option(1.0, help="factor for values of 0 to 255, before mean and std")
    mean: tuple[float, float, float] = option(
        (0.0, 0.0, 0.0), help="taken away after scale, in the order of channels"
    )
    std: tuple[float, float, float] = option(
        (1.0, 1.0, 1.0), help="divided by after mean, in the order of channels"
    )
    fit: Fit = option(
        "pad",
        help="pad to the shape and resize, stretch, crop the centre, letterbox: resize and pad, or "
        "native patches",
    )
    fill: str = option("white", help="colour of the padding: white, black, grey, #rrggbb or edge")
    resample: Method = option("bicubic", help="filter of the resize, as Pillow has it")
    background: str = option(
        "white", help="colour behind transparent pixels: white, black, grey or #rrggbb"
    )
    alpha: Alpha = option(
        "before",
        help="before: transparency composited before the resize; after: in floats after it, with "
        "a letterbox's padding; mask: before, and the padding told to the network",
    )
    rounding: Rounding = option("nearest", help="of a letterbox's sides to whole pixels")
    canvas: tuple[int, int] | None = option(
        None, ge=1, help="width and height of a letterbox that is then stretched to size"
    )
    canvas_resample: Method = option("bilinear", help="filter of the resize for that canvas")
    reducing_gap: float = option(
        0.0, ge=0, help="average down first while this many times too large; 0: never"
    )
    patch: int = option(16, ge=1, help="side of a patch in pixels, for fit patches")
    max_patches: int = option(1024, ge=1, help="most patches of a picture, for fit patches")
    longest: int = option(
        0, ge=0, help="longest side in pixels, for fit patches, instead of max_patches; 0: that"
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Outputs:
    """Where the scores come out, and what makes probabilities of them."""

    name: str | None = option(None, help="name of the output; without it, the one at index")
    index: int = option(0, ge=0, help="position of the output where it has no name here")
    activation: Activation = option(
        "none",
        help="none: these are probabilities; sigmoid; softmax within the categories of softmax "
        "and sigmoid elsewhere; gated: 2n columns, sigmoid of one half times sigmoid of the other",
    )
    softmax: tuple[str, ...] = option(
        (), help="categories whose labels exclude each other, for activation softmax"
    )

    def __post_init__(self) -> None:
        check(self)
        if bool(self.softmax) != (self.activation == "softmax"):
            raise OptionError(
                f"softmax: expected categories for activation softmax and no other, got "
                f"{list(self.softmax)} for activation {self.activation}"
            )


@dataclass(frozen=True)
class Way:
    """One way to run the model: a weights file, how it is fed and read."""

    runtime: Runtime = option(
        "onnx",
        help="onnx: ONNX Runtime; timm: torch, with a config.json beside the weights; torch: one "
        "of Tagger's own networks",
    )
    architecture: str = option(
        "", help="for torch, the network: joytag, torchdeepdanbooru, jtp, hydra or dinov3"
    )
    weights: str = option("model.onnx", help="the weights, a path inside the folder")
    batch: int | None = option(None, ge=1, help="the batch size the graph is fixed to, where it is")
    pool: int = option(
        1, ge=1, help="what timm's pixels are averaged down by before the network sees them"
    )
    inputs: Inputs = option(factory=Inputs, help="what is done to a picture before")
    outputs: Outputs = option(factory=Outputs, help="where the scores come out")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class LabelFile:
    """The label file: row order is the order of the outputs."""

    file: str = option("selected_tags.csv", help="the label file, a path inside the folder")
    count: int | None = option(None, ge=1, help="number of labels, checked where given")
    categories: Mapping[str, str] | None = option(
        None, help="number in the category column to name; without it, Danbooru's"
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Sum:
    """What a file must be."""

    size: int | None = option(None, ge=0, help="bytes")
    sha256: str | None = option(None, help="SHA-256 as 64 hex digits, verified at opening")

    def __post_init__(self) -> None:
        check(self)
        if self.sha256 is not None and not _is_hash(self.sha256):
            raise OptionError(f"sha256: expected 64 hex digits, got {self.sha256!r}")


@dataclass(frozen=True)
class Manifest:
    """The whole of a `tagger.json`."""

    schema: int = option(help="version of this format: 1", choices=(SCHEMA,))
    name: str = option("", help="what the author calls the model; the folder's name is used")
    title: str = option("", help="one line for a person")
    family: str = option("", help="the architecture or series it belongs to")
    source: str = option("", help="where it comes from: an address or a sentence")
    licence: str = option("unknown", help="SPDX identifier, or a name")
    precision: str = option("fp32", help="of the stored weights")
    contracts: tuple[Way, ...] = option(
        (Way(),), help="the ways to run it, the preferred one first"
    )
    labels: LabelFile = option(factory=LabelFile, help="the label file")
    thresholds: Thresholds = option(factory=Thresholds, help="the author's operating point")
    files: Mapping[str, Sum] = option(factory=dict, help="path inside the folder to size and hash")

    def __post_init__(self) -> None:
        check(self)
        if not self.contracts:
            raise OptionError("contracts: expected at least one way to run it, got none")


def _is_hash(text: str) -> bool:
    return len(text) == 64 and all(digit in "0123456789abcdef" for digit in text.lower())
