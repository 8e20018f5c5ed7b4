"""deepghs' `preprocess.json`: stages of torchvision's kind, as one Preprocess.

`{"test": [stages], ..}` or `{"stages": [stages]}`; a stage is `{"type": .., its settings}`. Known
are pad_to_size, resize, center_crop, normalize and those that do nothing to RGB pixels.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..csvrows import read_text
from ..errors import LabelFileError, ModelError, OptionError
from ..preprocess import Layout, Preprocess

_NOTHING = ("convert_rgb", "maybe_to_tensor", "to_tensor")


def read_stages(path: Path, layout: Layout = "nchw") -> Preprocess:
    """Read how a model's pictures are prepared; transparency shows white, as deepghs has it.

    Raises:
        ModelError: no such file, or stages that nobody here knows.
    """
    try:
        told: Any = json.loads(read_text(path))
        stages = told.get("test") or told["stages"]
        start = Preprocess(fit="stretch", layout=layout, scale=1 / 255)
        return _followed(stages, start)
    except (LabelFileError, OptionError) as error:
        sentence = str(error)
        raise ModelError(
            sentence if sentence.startswith(str(path)) else f"{path}: {sentence}"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path}: expected deepghs' stages, got {error!r} in them") from error


def _followed(stages: list[dict[str, Any]], preprocess: Preprocess) -> Preprocess:
    for stage in stages:
        settings = {name: value for name, value in stage.items() if name != "type"}
        preprocess = _step(stage["type"], settings, preprocess)
    return preprocess


def _step(kind: str, settings: dict[str, Any], before: Preprocess) -> Preprocess:
    if kind == "pad_to_size":
        size, colour = _pair(settings["size"]), settings.get("background_color", "white")
        kernel = settings.get("interpolation", "bilinear")
        boxed = replace(before, size=size, fit="letterbox", fill=colour)
        return replace(boxed, resample=kernel, canvas_resample=kernel)
    if kind == "resize":
        kernel = settings.get("interpolation", "bilinear")
        return _resized(settings["size"], kernel, before)
    if kind == "center_crop":
        return replace(before, size=_pair(settings["size"]))
    if kind == "normalize":
        return replace(before, mean=tuple(settings["mean"]), std=tuple(settings["std"]))
    if kind == "rescale":
        return replace(before, scale=float(settings.get("rescale_factor", 1 / 255)))
    if kind in _NOTHING:
        return before
    raise OptionError(f"expected stages such as resize and normalize, got {kind!r}")


def _resized(size: Any, kernel: str, before: Preprocess) -> Preprocess:
    """One number is the short side (of a square: both); two are height and width."""
    whole = isinstance(size, (int, float)) or len(size) == 1
    if before.fit == "letterbox":
        if before.size == _pair(size):
            return before
        return replace(before, size=_pair(size), canvas=before.size, resample=kernel)
    return replace(before, size=_pair(size), resample=kernel, fit="crop" if whole else "stretch")


def _pair(size: Any) -> tuple[int, int]:
    """Width and height; two numbers are height and width, as torchvision has them."""
    if isinstance(size, (int, float)):
        return int(size), int(size)
    numbers = [int(number) for number in size]
    return numbers[-1], numbers[0]
