"""Where in a picture a model sees a tag: heat over the picture as it is fed.

Three ways. `gradient` asks the network itself: for convolutions Grad-CAM (Selvaraju et al. 2017),
for transformers a roll-out of attention weighted by gradients (Chefer, Gur and Wolf 2021).
`rollout` is the plain roll-out (Abnar and Zuidema 2020): where the network looks, whatever the tag.
`occlusion` covers one part after the other and sees how far the score falls: it needs nothing of
a model but its scores, so it works for every one, and takes a hundred runs.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendError
from ..models.spec import Contract, Model
from ..pixels import rgb
from ..preprocess import Batch, Preprocess, stack
from .protocol import Backend

Method = Literal["auto", "gradient", "rollout", "occlusion"]
WINDOWS = 10
"""Places of the cover along each side, each half over its neighbour."""
Progress = Callable[[int, int], None]
"""Runs of the model done, runs in all; may raise to stop."""
_SURE = 1e-6
"""A probability's distance from 0 and 1 where it becomes a log-odd."""


@dataclass(frozen=True, eq=False)
class Heat:
    """What speaks for a tag, by place.

    values: float32 [h, w] in 0..1 over the fitted picture, coarser than it; the greatest is 1, all
    are 0 where nothing speaks for the tag. score: the tag's probability. method: what was done, for
    a person.
    """

    values: NDArray[np.float32]
    score: float
    method: str


@runtime_checkable
class Attributes(Protocol):
    """A backend whose network can be asked by gradients."""

    def attribute(
        self, batch: Batch, columns: Sequence[int], plain: bool
    ) -> tuple[list[NDArray[np.float32]], str] | None:
        """Heat of one picture for each output column, any scale from 0, and what was done.

        None where the network has neither attention nor maps to ask. plain: the plain roll-out.
        """
        ...


class Scorer(Protocol):
    """What covering needs: pictures in, probabilities out, as `Backend` gives them."""

    @property
    def contract(self) -> Contract: ...
    @property
    def best_batch(self) -> int: ...
    def run(self, batch: Batch) -> NDArray[np.float32]: ...


def by_torch(model: Model) -> Model:
    """The same model, run by torch where it has weights for that and torch is here.

    ONNX Runtime is the faster one on a processor, and has no gradients.
    """
    ways = tuple(way for way in model.contracts if way.runtime != "onnx")
    here = all(importlib.util.find_spec(name) for name in ("torch", "timm", "safetensors"))
    return replace(model, contracts=ways) if ways and here else model


def attributed(
    backend: Backend, pixels: NDArray[np.uint8], columns: Sequence[int], method: Method = "auto"
) -> list[Heat] | None:
    """Where a fitted picture, uint8 [H, W, 3 or 4], shows each output column, as the network says.

    "auto" is `gradient` where the network can be asked; None where that leaves it to `occlude`.

    Raises:
        BackendError: the method is not to be had for this model; the sentence names one that is.
    """
    preprocess = backend.contract.preprocess
    if method != "occlusion" and isinstance(backend, Attributes):
        batch = stack([pixels], preprocess)
        found = backend.attribute(batch, columns, method == "rollout")
        if found is not None:
            scores = backend.run(batch)[0]
            maps, done = found
            return [
                Heat(_scaled(each), float(scores[column]), done)
                for each, column in zip(maps, columns, strict=True)
            ]
    if method in ("gradient", "rollout"):
        what = "attention" if method == "rollout" else "attention or maps of features"
        raise BackendError(
            f"{method}: expected a network in torch with {what} to ask, got {backend.library} "
            f'without: use "occlusion", which needs scores alone'
        )
    return None


def occlude(
    backend: Scorer,
    pixels: NDArray[np.uint8],
    columns: Sequence[int],
    windows: int = WINDOWS,
    progress: Progress | None = None,
) -> list[Heat]:
    """Cover a fitted picture part by part; heat is how far log-odds fall, on average over covers.

    The cover has the colour that the model's pictures are padded with, or the picture's mean.
    `progress` is told before each batch.
    """
    rows, sides = (_edges(length, windows) for length in pixels.shape[:2])
    places = [(i, j) for i in range(len(rows) - 2) for j in range(len(sides) - 2)]
    preprocess = backend.contract.preprocess
    cover = _cover(pixels, preprocess)
    whole = backend.run(stack([pixels], preprocess))[0, columns]
    falls = np.zeros((len(rows) - 1, len(sides) - 1, len(columns)), np.float32)
    times = np.zeros((*falls.shape[:2], 1), np.float32)
    step = max(1, backend.best_batch)
    for at in range(0, len(places), step):
        if progress:
            progress(at + 1, len(places) + 1)
        some = places[at : at + step]
        covered = [
            _covered(pixels, (rows[i], rows[i + 2], sides[j], sides[j + 2]), cover) for i, j in some
        ]
        scores = backend.run(stack(covered, preprocess))[:, columns]
        for (i, j), fall in zip(some, _odds(whole) - _odds(scores), strict=True):
            falls[i : i + 2, j : j + 2] += fall
            times[i : i + 2, j : j + 2] += 1
    mean = falls / times
    return [
        Heat(_scaled(mean[..., at]), float(whole[at]), "occlusion") for at in range(len(columns))
    ]


def _edges(length: int, windows: int) -> list[int]:
    """Where cells begin and end along a length; a window is two cells, the next a cell further."""
    cells = min(windows + 1, max(2, length))
    return np.linspace(0, max(2, length), cells + 1).round().astype(int).tolist()


def _cover(pixels: NDArray[np.uint8], preprocess: Preprocess) -> NDArray[np.uint8]:
    """A colour that says nothing, uint8 [3 or 4]."""
    if preprocess.fit in ("pad", "letterbox") and preprocess.fill != "edge":
        colour = np.array(rgb(preprocess.fill), np.uint8)
    else:
        colour = pixels[..., :3].mean(axis=(0, 1)).round().astype(np.uint8)
    if pixels.shape[2] == 3:
        return colour
    return np.append(colour, np.uint8(255))


def _covered(
    pixels: NDArray[np.uint8], box: tuple[int, int, int, int], cover: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    top, low, left, right = box
    copy = pixels.copy()
    copy[top:low, left:right] = cover
    return copy


def _odds(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    inside = np.clip(scores, _SURE, 1 - _SURE)
    return np.log(inside / (1 - inside)).astype(np.float32)


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """From 0 to 1: what speaks against a tag is 0."""
    positive = np.maximum(values, 0).astype(np.float32)
    most = float(positive.max(initial=0))
    if not most > 0 or not np.isfinite(most):
        return np.zeros_like(positive)
    return (positive / most).astype(np.float32)
