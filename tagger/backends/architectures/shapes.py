"""The size of a SigLIP transformer of timm's, told by its tensors."""

from __future__ import annotations

import re
from typing import Any

from ..weights import State

HEAD = 72
"""Channels of one attention head in SigLIP's SO400M: 1,152 in 16 heads."""


def head_count(channels: int) -> int:
    """Attention heads of that many channels; ValueError where they can't be SO400M's."""
    if channels % HEAD:
        raise ValueError(f"{channels} channels in heads of {HEAD}")
    return channels // HEAD


def transformer(state: State, channels: int) -> dict[str, Any]:
    """Channels, depth and width of the feed-forward layers, as timm's arguments."""
    numbers = [int(found[1]) for name in state if (found := re.match(r"blocks\.(\d+)\.", name))]
    hidden = state["blocks.0.mlp.fc1.weight"].shape[0]
    # half a channel more: timm rounds the product down
    ratio = (hidden + 0.5) / channels
    return {"embed_dim": channels, "depth": max(numbers) + 1, "mlp_ratio": ratio}
