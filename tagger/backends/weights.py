"""Tensors and settings from a model's files into a network. Nothing in a file is ever run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import safetensors.torch
import torch

from ..errors import ModelError

State = dict[str, torch.Tensor]


def read_weights(path: Path) -> State:
    """The tensors of a safetensors file or of a torch checkpoint, by name.

    Raises:
        ModelError: no such file, truncated, foreign, or a checkpoint with code in it.
    """
    if not path.is_file():
        raise ModelError(f"{path}: expected a file, got none: fetch the model again")
    if path.suffix.lower() in (".pt", ".pth"):
        return _checkpoint(path)
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise ModelError(
            f"{path}: expected safetensors, got a truncated or foreign file ({error}): fetch it "
            f"again"
        ) from error


def _checkpoint(path: Path) -> State:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's readers share no class of error
        if "weights only" in str(error).lower() and "GLOBAL" in str(error):
            raise ModelError(
                f"{path}: expected tensors and tags alone, got a checkpoint with code in it: "
                f"don't use this file"
            ) from error
        raise ModelError(
            f"{path}: expected a torch checkpoint, got a truncated or foreign file: fetch it again"
        ) from error
    if not isinstance(found, dict):
        raise ModelError(f"{path}: expected tensors by name, got {type(found).__name__}")
    rows = cast("dict[Any, Any]", found)
    return {str(name): value for name, value in rows.items() if isinstance(value, torch.Tensor)}


def fill(network: torch.nn.Module, state: State, path: Path, what: str) -> None:
    """Put the tensors of `path` into a network, described as `what`.

    Raises:
        ModelError: names or shapes differ; the first that does is named.
    """
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: tensor.shape for name, tensor in state.items()}
    if wanted != found:
        different = sorted(name for name, _ in wanted.items() ^ found.items())
        raise ModelError(
            f"{path}: expected the {len(wanted)} tensors of {what}, got {len(found)}, "
            f"{different[0]!r} differs: one of the two belongs to another model"
        )
    network.load_state_dict(state, assign=True)


def read_config(path: Path) -> dict[str, Any]:
    """A `config.json` as an object; ModelError where it is none."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path}: expected the network's config, got no file: fetch it") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: expected the network's config in JSON, got {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: expected the network's config in JSON, got no object")
    return cast("dict[str, Any]", config)


def first_line(error: BaseException) -> str:
    """An error's first line, or its kind."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
