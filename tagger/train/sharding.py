"""Sharding (FSDP2): whether each process holds a part of the network, and its whole tensors."""

from __future__ import annotations

import os
from typing import Any

import torch
from accelerate import Accelerator, DistributedType


def shards(accelerator: Accelerator) -> bool:
    """Whether each process will hold a part of what is prepared."""
    return accelerator.distributed_type == DistributedType.FSDP


def passed_over(accelerator: Accelerator) -> bool:
    """Whether sharding was asked for (`accelerate launch --use_fsdp`) and does not happen."""
    asked = os.environ.get("ACCELERATE_USE_FSDP", "").lower() in ("1", "true", "yes")
    return asked and not shards(accelerator)


def gathered(tensor: Any) -> torch.Tensor:
    """The tensor itself; of one in parts all of it, for which every process has to ask."""
    return tensor.full_tensor() if _in_parts(tensor) else tensor


@torch.no_grad()
def put(own: Any, value: torch.Tensor) -> Any:
    """Copy a whole tensor into one of ours, or into the part of it that lies here; gives ours.

    Raises RuntimeError for one of another shape.
    """
    if own.shape != value.shape:
        raise RuntimeError(f"shape {tuple(value.shape)} instead of {tuple(own.shape)}")
    if _in_parts(own):
        from torch.distributed.tensor import distribute_tensor

        spread: Any = distribute_tensor(value.to(own.device), own.device_mesh, own.placements)
        own.to_local().copy_(spread.to_local())
    else:
        own.copy_(value)
    return own


def _in_parts(tensor: Any) -> bool:
    """Whether it is a DTensor, without importing what builds of torch for one process lack."""
    return hasattr(tensor, "full_tensor")
