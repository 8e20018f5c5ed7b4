"""Networks of timm: what a `config.json` describes, as timm itself builds it."""

from __future__ import annotations

import difflib
import inspect
from pathlib import Path

import timm
import torch

from ..errors import ModelError
from .weights import first_line, read_config

# What `timm.create_model` takes for itself: a config.json that sets these could read a pickle
# (`checkpoint_path`) or the network (`pretrained`).
_REFUSED = set(inspect.signature(timm.create_model).parameters) - {"kwargs"}


def describe(path: Path) -> torch.nn.Module:
    """The architecture that a timm `config.json` names, with random weights.

    Raises:
        ModelError: no JSON, no architecture of timm's, or arguments it does not take.
    """
    config = read_config(path)
    name, settings = config.get("architecture"), config.get("model_args") or {}
    if not isinstance(name, str) or ":" in name or not timm.is_model(name):
        near = difflib.get_close_matches(str(name), timm.list_models(), n=1)
        hint = f": did its author mean {near[0]}?" if near else ": update timm"
        raise ModelError(f"{path}: expected an architecture of timm, got {name!r}{hint}")
    if not isinstance(settings, dict) or _REFUSED & set(settings):
        raise ModelError(f"{path}: expected model_args of the architecture alone, got {settings}")
    classes = config.get("num_classes")
    try:
        return timm.create_model(name, pretrained=False, num_classes=classes, **settings)
    except Exception as error:  # whatever the architecture's own code makes of its arguments
        raise ModelError(
            f"{path}: expected num_classes and model_args for {name}, got {classes} and "
            f"{settings}: {first_line(error)}"
        ) from error
