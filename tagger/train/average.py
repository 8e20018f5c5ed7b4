"""A moving average of a network's weights and statistics, which is what a training gives.

timm's ModelEmaV3 copies the module, which a sharded one (FSDP2) forbids: here the tensors alone
are kept, shard by shard, and change places with the network's own while it is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


class Average:
    """The average of what a network's `state_dict` holds, on the same devices.

    Its first steps are shorter, so that the random weights of the start are soon forgotten:
    a step keeps min(keep, (1 + n) / (10 + n)) (tf.train.ExponentialMovingAverage's rule).
    """

    def __init__(self, network: nn.Module, keep: float) -> None:
        self.tensors: dict[str, Any] = {
            name: value.detach().clone() for name, value in network.state_dict().items()
        }
        self.keep = keep

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take a step's weights in; `step` counts from 0."""
        keep = min(self.keep, (1 + step) / (10 + step))
        new = network.state_dict()
        floats = [name for name, value in self.tensors.items() if value.is_floating_point()]
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            [local(self.tensors[k]) for k in floats], [local(new[k]) for k in floats], 1 - keep
        )
        for name in self.tensors.keys() - set(floats):
            local(self.tensors[name]).copy_(local(new[name]))

    @contextmanager
    def swapped(self, network: nn.Module) -> Iterator[nn.Module]:
        """Within the block the network has the averaged weights, after it its own, bit for bit."""
        self.swap(network)
        try:
            yield network
        finally:
            self.swap(network)

    @torch.no_grad()
    def swap(self, network: nn.Module) -> None:
        """The network's weights and the averaged ones change places."""
        for name, value in network.state_dict().items():
            own, other = local(value), local(self.tensors[name])
            kept = own.clone()
            own.copy_(other)
            other.copy_(kept)


def local(tensor: Any) -> torch.Tensor:
    """The part of a tensor that lies here: of a sharded one its shard, else all of it."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor
