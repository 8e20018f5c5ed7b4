"""A training's whole state in one safetensors file: whole or not at all.

Tensors: `network.*`, `average.*`, `optimizer.<weight>.<moment>`,
`group.<number>.<name>`. The rest (how far it is, the
schedule, the scaler, figures) is JSON in the file's metadata, so that the two can't come apart.
Of chance nothing is kept: all of it comes from seed, epoch, step and picture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn

from ..bytecount import readable
from ..errors import TaggerError, UsageError
from .schedule import Plateau
from .sharding import gathered, put

LAST, BEFORE, BEST = "last.safetensors", "before.safetensors", "best.safetensors"


@dataclass(frozen=True)
class State:
    """How far a training is.

    epoch: whole ones done. batch: steps done of the one under way, of `total` summed loss. step:
    of all. seconds: taken. best: the best mAP so far, best_loss: the calibration loss there (-1:
    none yet), waited: epochs since. scaler: of fp16's loss. groups, numbers: what the optimizer
    keeps beside tensors, by group and by weight.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    total: float = 0.0
    seconds: float = 0.0
    best: float = -1.0
    best_loss: float = -1.0
    waited: int = 0
    plateau: Plateau = field(default_factory=Plateau)
    scaler: Mapping[str, float] = field(default_factory=dict)
    groups: Sequence[Mapping[str, float]] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> str:
        """The state as JSON; a float comes back as the same float."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> State:
        """Read it back. Raises ValueError, TypeError or KeyError for what is none."""
        given = json.loads(text)
        return cls(**{**given, "plateau": Plateau(**given["plateau"])})


def write(folder: Path, tensors: dict[str, torch.Tensor], state: State, best: bool) -> None:
    """Write the last checkpoint through a file beside it, keeping the one before; also the best.

    Raises TaggerError where the disk has no room: what was there before stays.
    """
    about = {"state": state.as_json()}
    if best:  # first: broken off in between, this epoch is done again
        write_tensors(folder / BEST, tensors, about)
    write_tensors(folder / f"new-{LAST}", tensors, about)
    last = folder / LAST
    if last.exists():
        last.replace(folder / BEFORE)
    (folder / f"new-{LAST}").replace(last)


def read(path: Path) -> tuple[State, dict[str, torch.Tensor]]:
    """A checkpoint's state and tensors. Raises UsageError where there is none."""
    try:
        return _state(path), safetensors.torch.load_file(path)
    except _UNREADABLE as error:
        raise UsageError(f"{path}: expected a checkpoint, got {error}: start anew") from error


def find(folder: Path) -> Path | None:
    """The newest whole checkpoint of a run: the last, or the one before where that is broken.

    Where neither is whole it is the newest, which `read` refuses.
    """
    there = [folder / name for name in (LAST, BEFORE) if (folder / name).is_file()]
    return next((path for path in there if _is_whole(path)), there[0] if there else None)


_UNREADABLE = (OSError, safetensors.SafetensorError, KeyError, TypeError, ValueError)


def _state(path: Path) -> State:
    with safetensors.safe_open(str(path), "pt") as file:
        return State.of_json(file.metadata()["state"])


def _is_whole(path: Path) -> bool:
    """By its header, which says how long the file has to be."""
    try:
        _state(path)
    except _UNREADABLE:
        return False
    return True


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], about: dict[str, str]) -> None:
    """Write safetensors atomically. Raises TaggerError where there is no room."""
    new = path.with_name(f".{path.name}.new")
    try:
        safetensors.torch.save_file(tensors, new, metadata={"format": "pt", **about})
        new.replace(path)
    except (OSError, safetensors.SafetensorError) as error:
        size = sum(each.numel() * each.element_size() for each in tensors.values())
        raise TaggerError(
            f"{path}: expected room for a checkpoint of {readable(size)}, got {error}: free some "
            f"and --resume"
        ) from error
    finally:
        new.unlink(missing_ok=True)


def collect(
    network: nn.Module, average: Mapping[str, Any], optimizer: torch.optim.Optimizer
) -> dict[str, torch.Tensor]:
    """All tensors of a training, whole and on the processor.

    Of a sharded network every process has to ask at once.
    """
    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.items()}
    for name, value in _moments(network, optimizer).items():
        if isinstance(value, torch.Tensor):
            tensors[f"optimizer.{name}"] = value
    for number, group in enumerate(optimizer.param_groups):
        own = {k: v for k, v in group.items() if isinstance(v, torch.Tensor)}
        tensors |= {f"group.{number}.{k}": v for k, v in own.items()}
    return {name: full(tensor) for name, tensor in tensors.items()}


def beside(state: State, network: nn.Module, optimizer: torch.optim.Optimizer) -> State:
    """The state with what the optimizer keeps beside tensors."""
    groups = [
        {k: v for k, v in group.items() if isinstance(v, (int, float)) and k != "params"}
        for group in optimizer.param_groups
    ]
    moments = _moments(network, optimizer).items()
    numbers = {name: v for name, v in moments if isinstance(v, (int, float))}
    return replace(state, groups=groups, numbers=numbers)


def restore(
    tensors: dict[str, torch.Tensor],
    network: nn.Module,
    average: Mapping[str, Any],
    optimizer: torch.optim.Optimizer,
    state: State,
) -> None:
    """Put a checkpoint's tensors in their places. Raises KeyError or RuntimeError for others'."""
    with torch.no_grad():
        for name, own in network.state_dict().items():
            put(own, tensors[f"network.{name}"])
        for name, own in average.items():
            put(own, tensors[f"average.{name}"])
    weights = dict(network.named_parameters())
    for name, value in under(tensors, "optimizer.").items():
        owner, _, moment = name.rpartition(".")
        weight = weights[owner]
        own: dict[str, Any] = optimizer.state[weight]
        same = value.shape == weight.shape and value.ndim
        own[moment] = (
            put(torch.empty_like(weight), value) if same else value.to(_place(value, weight))
        )
    for name, number in state.numbers.items():
        owner, _, moment = name.rpartition(".")
        optimizer.state[weights[owner]][moment] = number
    for name, value in under(tensors, "group.").items():
        number, _, own_name = name.partition(".")
        group = optimizer.param_groups[int(number)]
        group[own_name] = value  # a step count, on the processor
    for group, kept in zip(optimizer.param_groups, state.groups, strict=True):
        group.update(kept)


def under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with a prefix, without it."""
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}


def _moments(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    names: dict[torch.Tensor, str] = {own: name for name, own in network.named_parameters()}
    return {
        f"{names[weight]}.{moment}": value
        for weight, own in optimizer.state.items()
        for moment, value in own.items()
    }


def _place(value: torch.Tensor, weight: torch.Tensor) -> torch.device:
    """A step count lies on the processor, moments beside their weight."""
    return value.device if value.ndim == 0 else weight.device


def full(tensor: Any) -> torch.Tensor:
    """A copy on the processor; of a tensor in parts, of all of it."""
    return gathered(tensor).detach().cpu().clone().contiguous()
