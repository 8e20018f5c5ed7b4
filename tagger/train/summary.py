"""A network's layers: what comes out of each, its weights, and how much it computes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from .model import TaggerNetwork


@dataclass(frozen=True)
class Layer:
    """One module: its name, its class, what it gives for one picture, its weights and those that
    are trained.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    weights: int
    trained: int


@dataclass(frozen=True)
class Summary:
    """A network's layers in the order they compute.

    operations: multiplications with additions, for one picture, forward.
    """

    layers: tuple[Layer, ...]
    weights: int
    trained: int
    operations: int

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """A table for a terminal."""
        rows = [("layer", "kind", "gives", "weights", "trained")]
        rows += [
            (
                each.name,
                each.kind,
                " x ".join(map(str, each.shape)),
                f"{each.weights:,}",
                f"{each.trained:,}",
            )
            for each in self.layers
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        table = [
            "  ".join(
                cell.rjust(width) if column > 2 else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        total = (
            f"{self.weights:,} weights, {self.trained:,} of them trained; "
            f"{self.operations / 1e6:,.1f} million multiplications a picture"
        )
        return [*table, total]


def network_summary(network: TaggerNetwork, side: int, depth: int = 2) -> Summary:
    """Describe a network for pictures of `side` pixels; nothing is computed and no memory taken.

    depth: how far into the trunk modules are listed: 2 names its stages. Heads are listed by their
    layers.
    """
    shadow = _shadow(network)
    found: dict[str, Layer] = {}
    hooks = [
        module.register_forward_hook(_note(name, found))
        for name, module in shadow.named_modules()
        if name.count(".") == (2 if name.startswith("heads.") else depth - 1)
        and not isinstance(module, (nn.Identity, nn.Dropout))
    ]
    images = torch.empty(1, 3, side, side, device="meta")
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        shadow.eval()(images)
    for hook in hooks:
        hook.remove()
    weights, trained = _count(network)
    operations = counter.get_total_flops() // 2
    return Summary(tuple(found.values()), weights, trained, operations)


def _shadow(network: TaggerNetwork) -> TaggerNetwork:
    """The network without its numbers."""
    memo: dict[int, Any] = {}
    for weight in network.parameters():
        memo[id(weight)] = nn.Parameter(weight.detach().to("meta"), weight.requires_grad)
    for buffer in network.buffers():
        memo[id(buffer)] = buffer.detach().to("meta")
    return copy.deepcopy(network, memo)


def _note(name: str, found: dict[str, Layer]) -> Any:
    def note(module: nn.Module, _: Any, given: Any) -> None:
        weights, trained = _count(module)
        shape = _shape(given)
        found[name] = Layer(name, type(module).__name__, shape, weights, trained)

    return note


def _shape(given: Any) -> tuple[int, ...]:
    if isinstance(given, torch.Tensor):
        return tuple(given.shape[1:])
    return _shape(given[0]) if isinstance(given, Sequence) and given else ()


def _count(module: nn.Module) -> tuple[int, int]:
    weights = [(weight.numel(), weight.requires_grad) for weight in module.parameters()]
    return sum(n for n, _ in weights), sum(n for n, moves in weights if moves)
