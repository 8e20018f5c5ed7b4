"""The optimizer: timm's by name, with weight decay where it belongs and a rate for each layer."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from timm.optim import create_optimizer_v2, list_optimizers
from torch import nn

from ..errors import OptionError
from .config import OptimOptions, arguments


def make_optimizer(network: nn.Module, options: OptimOptions) -> torch.optim.Optimizer:
    """Make the optimizer of a network's weights; those that never learn are left out later.

    Vectors (biases, normalisation) and what the network names in `no_weight_decay` have no weight
    decay. With layer decay a group has `lr_scale`, what its rate is multiplied by (BEiT, arXiv
    2106.08254). Raises OptionError for a name that timm lacks and for what the optimizer refuses.
    """
    own = arguments(options.optimizer_args, "optimizer_args")
    if options.optimizer.lower() == "sgd" and not options.momentum:
        own = {"nesterov": False, **own}  # timm's sgd is Nesterov's, which is none without
    if options.layer_decay and not hasattr(network, "group_matcher"):
        raise OptionError("layer_decay: expected a network with layers in order, got one without")
    with warnings.catch_warnings():  # of the scheduler's order, which is ours
        warnings.simplefilter("ignore")
        try:
            return create_optimizer_v2(
                network,
                opt=options.optimizer,
                lr=options.lr,
                weight_decay=options.weight_decay,
                momentum=options.momentum,
                layer_decay=options.layer_decay or None,
                **_tuples(own),
            )
        except (ValueError, TypeError, AssertionError, ImportError, RuntimeError) as error:
            raise _refused(options.optimizer, own, error) from error


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every group, by its layer's share."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("lr_scale", 1.0)


def _tuples(own: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in own.items()}


def _refused(name: str, own: dict[str, Any], error: Exception) -> OptionError:
    import difflib

    known = list_optimizers()
    if name.lower() not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "timm.optim.list_optimizers() lists them"
        return OptionError(f"optimizer: expected one of timm's, got {name!r}: {hint}")
    return OptionError(f"optimizer_args: expected settings of {name}, got {own}: {error}")
