"""JoyTag's ViT: plain blocks with a learned scale, maybe a stem of convolutions, no class token.

Its `config.json` says how many heads and what stem; widths come from the tensors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ...errors import ModelError
from ..weights import State, read_config

_ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU}


class _Scale(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.skip = nn.Parameter(torch.empty(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.skip


class _ChannelNorm(nn.Module):
    """A layer norm over the channels of [N, c, h, w]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x.transpose(1, 3)).transpose(1, 3)


class _FeedForward(nn.Module):
    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(channels, hidden)
        self.linear2 = nn.Linear(hidden, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear2(functional.gelu(self.linear1(x)))


class _Block(nn.Module):
    def __init__(self, channels: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.fused_attn, self.attn_drop = True, nn.Identity()  # by these names, as timm's blocks
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.qkv_proj = nn.Linear(channels, 3 * channels)
        self.out_proj = nn.Linear(channels, channels)
        self.mlp = _FeedForward(channels, hidden)
        self.skip_init1, self.skip_init2 = _Scale(channels), _Scale(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        split = self.qkv_proj(self.norm1(x)).unflatten(-1, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4)
        if self.fused_attn:
            y = functional.scaled_dot_product_attention(query, key, value)
        else:  # where somebody looks at the attention
            scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
            y = self.attn_drop(scores.softmax(-1)) @ value
        x = x + self.skip_init1(self.out_proj(y.transpose(1, 2).flatten(2)))
        return x + self.skip_init2(self.mlp(self.norm2(x)))


class JoyTag(nn.Module):
    """float [N, 3, H, W] -> logits [N, n]."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        channels, patch = int(config["d_model"]), int(config["patch_size"])
        self.num_classes = int(config["n_tags"])
        self._mean_last = bool(config.get("head_mean_after", False))
        stem = config.get("cnn_stem")
        self.patch_embeddings: nn.Module = (
            _stem(stem) if stem else nn.Conv2d(3, channels, patch, patch)
        )
        self.pos_embedding = nn.Module()
        self._learned = not config["use_sine"]
        if self._learned:
            count = (int(config["image_size"]) // patch) ** 2
            self.pos_embedding.embedding = nn.Embedding(count, channels)
            self.pos_embedding.register_buffer("position_ids", torch.arange(count))
        shape = channels, int(config["mlp_dim"]), int(config["num_heads"])
        self.blocks = nn.ModuleList(_Block(*shape) for _ in range(int(config["num_blocks"])))
        self.norm = nn.LayerNorm(channels)
        self.head = nn.Linear(channels, self.num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.forward_head(self.forward_features(x))

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """The places, rows first, [N, places, channels]."""
        x = self.patch_embeddings(x)
        height, width = x.shape[2:]
        x = x.flatten(2).transpose(1, 2)
        x = x + self._places(height, width, x)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        """Logits, [N, n]; with `pre_logits` the places' mean, [N, channels], as timm's networks."""
        if pre_logits:
            return x.mean(1)
        return self.head(x).mean(1) if self._mean_last else self.head(x.mean(1))

    def _places(self, height: int, width: int, x: torch.Tensor) -> torch.Tensor:
        if self._learned:
            return self.pos_embedding.embedding.weight  # pyright: ignore
        return waves(height, width, x.shape[-1]).to(x)


def waves(height: int, width: int, channels: int) -> torch.Tensor:
    """Sines and cosines of column and row, float32 [height * width, channels], rows first.

    A quarter of the channels for each, at frequencies from 1 down to 1 / 10,000.
    """
    quarter = channels // 4
    speeds = 1.0 / (10_000 ** (torch.arange(quarter) / (quarter - 1)))
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    across, down = (each.flatten()[:, None] * speeds[None] for each in (columns, rows))
    return torch.cat([across.sin(), across.cos(), down.sin(), down.cos()], dim=1)


def _stem(text: str) -> nn.Module:
    """`conv:c=64,s=2;ln;relu;...`: convolutions of 3 x 3, stride 2, padding 1 unless told."""
    layers: list[nn.Module] = []
    channels = 3
    for word in text.split(";"):
        kind, _, rest = word.partition(":")
        said = dict(each.split("=") for each in rest.split(",") if each)
        if kind == "conv":
            out = int(said["c"])
            size, stride, padding = (int(said.get(k, d)) for k, d in (("k", 3), ("s", 2), ("p", 1)))
            layers.append(nn.Conv2d(channels, out, size, stride, padding))
            channels = out
        elif kind == "bn":
            layers.append(nn.BatchNorm2d(channels))
        elif kind == "ln":
            layers.append(_ChannelNorm(channels))
        else:
            layers.append(_ACTIVATIONS[kind]())
    stem = nn.Module()
    stem.conv = nn.Sequential(*layers)
    stem.forward = stem.conv.forward
    return stem


def build(state: State, config: Path) -> tuple[nn.Module, State]:
    """The network that its `config.json` describes."""
    said = read_config(config)
    if said.get("class") != "ViT":
        raise ModelError(f"{config}: expected JoyTag's ViT, got class {said.get('class')!r}")
    network = JoyTag(said)
    # the first releases had ratings and scores behind the tags
    for name in ("head.weight", "head.bias"):
        if len(state[name]) == network.num_classes + 9:
            state = {**state, name: state[name][: network.num_classes].clone()}
    return network, state
