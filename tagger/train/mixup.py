"""MixUp: two pictures and their tags in one, as pixels or as what the network makes of them.

Zhang 2017, arXiv 1710.09412. A picture's partner is its neighbour in the batch; one weight holds
for a batch, so that it can be drawn from seed, epoch and step alone.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch


def weight(alpha: float, seed: int, epoch: int, step: int, process: int = 0) -> float:
    """The share of a batch's own pictures, 0.5 to 1, of Beta(alpha, alpha); 1 without alpha."""
    if not alpha:
        return 1.0
    share = np.random.default_rng([seed, epoch, 1, step, process]).beta(alpha, alpha)
    return float(max(share, 1 - share))


def mixed(value: Any, share: float) -> Any:
    """Tensors float [N, ...] with their neighbours': share of their own, the rest of the others'.

    Also each tensor in a dataclass, a dict, a list or a tuple; what is None stays so.
    """
    if share == 1.0 or value is None:
        return value
    if isinstance(value, torch.Tensor):
        return value * share + value.roll(1, 0) * (1 - share) if value.ndim else value
    if isinstance(value, dict):
        return {name: mixed(each, share) for name, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        found = {each.name: mixed(getattr(value, each.name), share) for each in fields(value)}
        return replace(value, **found)
    if isinstance(value, (list, tuple)):
        return type(value)(mixed(each, share) for each in value)
    return value


def mixed_targets(
    truth: torch.Tensor, known: torch.Tensor, share: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Targets, float [N, n], and where they are known, bool [N, n]: of both pictures."""
    if share == 1.0:
        return truth, known
    return mixed(truth.float(), share), known & known.roll(1, 0)
