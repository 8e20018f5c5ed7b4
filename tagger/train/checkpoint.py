"""A training's whole state in one safetensors file: whole or not at all.

Tensors: `network.*`, `average.*`, `optimizer.<weight>.<moment>`. The rest (epoch, step, figures)
is JSON in the file's metadata, so that the two can't come apart.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn

from ..errors import UsageError


@dataclass(frozen=True)
class State:
    """How far a training is: whole epochs and steps done, seconds taken, the best figure so far."""

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    best: float = -1.0


def save(
    path: Path,
    state: State,
    network: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write a checkpoint through a file beside it, so that a full disk leaves the last one."""
    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    tensors |= {f"optimizer.{k}": v for k, v in _moments(network, optimizer).items()}
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_tensors(path, whole, {"state": json.dumps(asdict(state))})


def load(
    path: Path, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer
) -> State:
    """Read a checkpoint into network, average and optimizer, in place.

    Raises UsageError where there is none or it is of another network.
    """
    try:
        with safetensors.safe_open(str(path), "pt") as file:
            state = State(**json.loads(file.metadata()["state"]))
        tensors = safetensors.torch.load_file(path)
        network.load_state_dict(_under(tensors, "network."))
        average.load_state_dict(_under(tensors, "average."))
    except (OSError, safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: expected a checkpoint, got {error}: start anew") from error
    except RuntimeError as error:
        raise UsageError(
            f"{path}: expected a checkpoint of this network, got another's: --resume with the "
            f"settings of the run"
        ) from error
    _restore(network, optimizer, _under(tensors, "optimizer."))
    return state


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], about: dict[str, str]) -> None:
    """Write safetensors atomically."""
    new = path.with_name(f".{path.name}.new")
    try:
        safetensors.torch.save_file(tensors, new, metadata={"format": "pt", **about})
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _moments(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    names: dict[torch.Tensor, str] = {own: name for name, own in network.named_parameters()}
    return {
        f"{names[weight]}.{moment}": value
        for weight, own in optimizer.state.items()
        for moment, value in own.items()
    }


def _restore(
    network: nn.Module, optimizer: torch.optim.Optimizer, moments: dict[str, torch.Tensor]
) -> None:
    weights = dict(network.named_parameters())
    for name, value in moments.items():
        owner, _, moment = name.rpartition(".")
        weight = weights[owner]
        own: dict[str, Any] = optimizer.state[weight]
        # a step count lies on the CPU, moments beside and laid out like their weight
        own[moment] = value if value.ndim == 0 else torch.empty_like(weight).copy_(value)


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
