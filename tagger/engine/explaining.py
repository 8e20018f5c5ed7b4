"""Why a tag: heat over the picture itself, from heat over the picture as the model is fed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..backends.explain import Method, Progress, attributed, occlude
from ..errors import OptionError
from ..framing import Frame, inner
from ..labels import LabelSet
from ..preprocess import Batch, Preprocess
from ..spelling import key
from .tagger import Tagger

TINT = np.array((68, 1, 84)), np.array((33, 145, 140)), np.array((253, 231, 37))
"""Cold, half and hot, RGB: the ends and the middle of the viridis map (van der Walt, Smith 2015),
which a reader who sees few colours, or a grey print, still puts in order."""
_MOST = 0.72
"""How opaque the hottest place is painted."""


@dataclass(frozen=True, eq=False)
class Why:
    """What speaks for one tag of one picture.

    name: as the model spells it. score: its probability. method: what was done, for a person.
    heat: float32 [h, w] in 0..1 over the whole picture, coarser than it; 0 beyond what the model
    was shown, and everywhere if nothing speaks for the tag.
    """

    name: str
    score: float
    method: str
    heat: NDArray[np.float32]


def why(
    tagger: Tagger,
    image: Image.Image,
    tags: Sequence[str],
    method: Method = "auto",
    progress: Progress | None = None,
) -> list[Why]:
    """Say for each tag, in any spelling, where the picture shows it.

    By gradients nothing else runs on the model meanwhile; between the runs of "occlusion", which
    `progress` is told of, others have their turn.

    Raises:
        OptionError: the model does not know a tag; near ones are named.
        BackendError: the method is not to be had for this model, or the device refused.
    """
    columns = [_column(tagger.labels, tag, tagger.name) for tag in tags]
    pixels = tagger.fit(image)
    with tagger.alone() as backend:
        found = attributed(backend, pixels, columns, method)
    if found is None:
        found = occlude(_InTurns(tagger), pixels, columns, progress=progress)
    box = area(image.size, tagger.preprocess)
    return [
        Why(tagger.labels[column].name, each.score, each.method, over(each.values, box))
        for column, each in zip(columns, found, strict=True)
    ]


class _InTurns:
    """A tagger's backend, taken for each run and given back after it."""

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger
        self.contract = tagger.backend.contract
        self.best_batch = tagger.backend.best_batch

    def run(self, batch: Batch) -> NDArray[np.float32]:
        with self._tagger.alone() as backend:
            return backend.run(batch)


def area(size: tuple[int, int], preprocess: Preprocess) -> tuple[float, float, float, float]:
    """Where a picture of (width, height) lies in its fitted one: left, top, right, bottom.

    In parts of the fitted picture's sides, 0 to 1; beyond them where a crop left something out.
    """
    width, height = size
    wide, high = preprocess.canvas or preprocess.size
    if preprocess.fit == "pad":
        scale = min(wide / width, high / height)
        sides = width * scale / wide, height * scale / high
    elif preprocess.fit == "letterbox":
        frame = Frame((wide, high), preprocess.fill, rounding=preprocess.rounding)
        across, down = inner(size, frame)
        sides = across / wide, down / high
    elif preprocess.fit == "crop":
        scale = max(wide / width, high / height)
        sides = width * scale / wide, height * scale / high
    else:
        sides = 1.0, 1.0
    left, top = (1 - sides[0]) / 2, (1 - sides[1]) / 2
    return left, top, left + sides[0], top + sides[1]


_GRID = 112
"""Longest side of the heat over a picture: finer than any model's places."""


def over(heat: NDArray[np.float32], box: tuple[float, float, float, float]) -> NDArray[np.float32]:
    """Heat of a fitted picture, float32 [h, w], as heat of the picture that lies in its `box`."""
    left, top, right, bottom = box
    shape = right - left, bottom - top
    longest = max(shape)
    across, down = (max(1, round(_GRID * side / longest)) for side in shape)
    x = left + (np.arange(across) + 0.5) / across * shape[0]
    y = top + (np.arange(down) + 0.5) / down * shape[1]
    values = _between(_between(heat, y).T, x).T
    values[(y < 0) | (y > 1)] = 0
    values[:, (x < 0) | (x > 1)] = 0
    most = float(values.max(initial=0))
    return (values / most if most > 0 else values).astype(np.float32)


def paint(image: Image.Image, heat: NDArray[np.float32]) -> Image.Image:
    """The picture, grey, under its heat in colours; RGB, of the picture's size."""
    grey = image.convert("RGBA")
    white = Image.new("RGBA", grey.size, "white")
    below = np.asarray(Image.alpha_composite(white, grey).convert("L"), np.float32)[..., None]
    fine = Image.fromarray(heat.astype(np.float32), mode="F")
    fine = fine.resize(image.size, Image.Resampling.BICUBIC)
    value = np.clip(np.asarray(fine, np.float32), 0, 1)[..., None]
    half = value * 2
    cold, middle, hot = TINT
    colour = np.where(half < 1, cold + (middle - cold) * half, middle + (hot - middle) * (half - 1))
    share = _MOST * np.sqrt(value)
    return Image.fromarray((below * (1 - share) + colour * share).round().astype(np.uint8), "RGB")


def _between(values: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rows at places 0..1 of the first axis, linearly between the rows' middles."""
    at = np.clip(places * len(values) - 0.5, 0, len(values) - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(values) - 1)
    share = (at - low)[:, None]
    return (values[low] * (1 - share) + values[high] * share).astype(np.float32)


def _column(labels: LabelSet, tag: str, model: str) -> int:
    wanted = key(tag)
    for at, name in enumerate(labels.names):
        if name and key(name) == wanted:
            return at
    raise OptionError(_unknown(labels, tag, model))


def _unknown(labels: LabelSet, tag: str, model: str) -> str:
    import difflib

    near = difflib.get_close_matches(tag, labels.names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"`tagger models {model}` says more"
    return f"expected a tag that {model} knows, got {tag!r}: {hint}"
