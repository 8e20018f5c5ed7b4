"""Networks of single models that no library has, or that need a head of their own.

Read downward:
    deepdanbooru  the WebUI's DeepDanbooru: a residual network of 179 convolutions
    joytag        JoyTag's ViT
    jtp           JTP PILOT and PILOT2: a SigLIP ViT of timm's, with a plain or gated head
    hydra         JTP-3: a NaFlex ViT of timm's, with a query for each tag
    dinov3        taggerine: a DINOv3 ViT of pictures of any shape

Each has `build(state, config)`: the tensors by name, whose shapes tell its size, and where its
`config.json` would lie.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import BackendError, ModelError
from ..weights import fill, first_line, read_weights

if TYPE_CHECKING:
    import torch

# An architecture's name in a contract -> our module for it, and what must be importable.
_BUILDERS = {
    "torchdeepdanbooru": ".deepdanbooru",
    "joytag": ".joytag",
    "jtp": ".jtp",
    "hydra": ".hydra",
    "dinov3": ".dinov3",
}


def build(name: str, weights: Path, config: Path) -> torch.nn.Module:
    """The network of that name, filled from `weights`; its `num_classes` are its columns.

    Raises:
        ModelError: no such network, or the file is truncated, foreign or another network's.
        BackendError: it is built on timm, which is not installed.
    """
    if name not in _BUILDERS:
        known = ", ".join(_BUILDERS)
        raise ModelError(f"{weights}: expected an architecture of {known}, got {name!r}")
    try:
        module = importlib.import_module(_BUILDERS[name], __name__)
    except ImportError as error:
        raise BackendError(
            f"{weights}: expected timm to run it, got {error}: install it"
        ) from error
    state = read_weights(weights)
    try:
        network, state = module.build(state, config)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise ModelError(
            f"{weights}: expected the tensors of {name}, got others ({first_line(error)}): they "
            f"belong to another model"
        ) from error
    fill(network, state, weights, name)
    return network
