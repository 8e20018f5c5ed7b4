"""DeepDanbooru's residual network as AUTOMATIC1111 converted it to torch.

The tensors are `n_Conv_0` to `n_Conv_178`, batch norms folded in. What follows are its facts: six
stages of bottlenecks, of which each first one has a shortcut of its own; TensorFlow's padding
(what is odd goes right and below); the classifier is a 1 x 1 convolution before the mean.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from ..weights import State

# Of each stage: bottlenecks, stride of the first, and whether its shortcut's number comes last.
_STAGES = (
    (3, 1, False),
    (8, 2, False),
    (20, 2, False),
    (20, 2, True),
    (3, 2, False),
    (3, 2, False),
)
_PREFIX = "n_Conv_"


class _Bottleneck(nn.Module):
    """Numbers of its convolutions, and how they are joined; the convolutions are the network's."""

    def __init__(self, stride: int, numbers: tuple[int, int, int], shortcut: int | None) -> None:
        super().__init__()
        self.stride = stride
        self.numbers = numbers
        self.shortcut = shortcut


class DeepDanbooru(nn.Module):
    """float [N, 3, H, W], RGB of 0 to 1 -> logits [N, n]."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._blocks = list(_bottlenecks())
        strided = {0: 2}
        for block in self._blocks:
            strided[block.numbers[1]] = block.stride
            if block.shortcut is not None:
                strided[block.shortcut] = block.stride
        count = self._blocks[-1].numbers[-1] + 2
        for number in range(count):
            name = f"{_PREFIX}{number}"
            out, into, size, _ = state[f"{name}.weight"].shape
            bias = f"{name}.bias" in state
            layer = nn.Conv2d(into, out, size, strided.get(number, 1), bias=bias)
            self.add_module(name, layer)
        self.num_classes = int(state[f"{_PREFIX}{count - 1}.weight"].shape[0])
        self._last = count - 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.forward_head(self.forward_features(x))

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """The last maps, [N, channels, h, w]."""
        x = functional.relu(self._convolve(0, functional.pad(x, (2, 3, 2, 3))))
        x = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1), value=-torch.inf), 3, 2)
        for block in self._blocks:
            first, middle, last = block.numbers
            y = functional.relu(self._convolve(first, x))
            around = (1, 1, 1, 1) if block.stride == 1 else (0, 1, 0, 1)
            y = functional.relu(self._convolve(middle, functional.pad(y, around)))
            y = self._convolve(last, y)
            x = x if block.shortcut is None else self._convolve(block.shortcut, x)
            x = functional.relu(y + x)
        return x

    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        """Logits, [N, n]; with `pre_logits` the maps' mean, [N, channels], as timm's networks."""
        return (x if pre_logits else self._convolve(self._last, x)).mean(dim=(2, 3))

    def _convolve(self, number: int, x: torch.Tensor) -> torch.Tensor:
        return self.get_submodule(f"{_PREFIX}{number}")(x)


def _bottlenecks() -> list[_Bottleneck]:
    found: list[_Bottleneck] = []
    number = 1
    for count, stride, shortcut_last in _STAGES:
        for place in range(count):
            if place:
                found.append(_Bottleneck(1, (number, number + 1, number + 2), None))
                number += 3
                continue
            first = number if shortcut_last else number + 1
            shortcut = number + 3 if shortcut_last else number
            found.append(_Bottleneck(stride, (first, first + 1, first + 2), shortcut))
            number += 4
    return found


def build(state: State, _: Path) -> tuple[nn.Module, State]:
    """The network for these tensors."""
    return DeepDanbooru(state), state
