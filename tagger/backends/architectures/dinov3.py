"""taggerine: a DINOv3 ViT of pictures of any shape, whose tokens for the whole picture are tagged.

As its author's `inference_tagger_standalone.py` has it: a class token and four registers before the
patches, rotary places for the patches alone, a SiLU-gated feed-forward layer, and a head of one
matrix or two over the class token and the registers side by side. Tensors have the names of
transformers' DINOv3; the mask token is of training.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from ..weights import State

Turns = tuple[torch.Tensor, torch.Tensor]  # cosines and sines, [N, 1, tokens, HEAD]

HEAD = 64
"""Channels of one attention head."""
THETA = 100.0
"""The slowest rotation is this many times slower than the fastest, almost."""
REACH = 2.0
"""Places go from -2 to 2: the author keeps what DINOv3 trains with by chance."""


class _Attention(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(channels, channels)
        self.k_proj = nn.Linear(channels, channels, bias=False)
        self.v_proj = nn.Linear(channels, channels)
        self.o_proj = nn.Linear(channels, channels)

    def forward(self, x: torch.Tensor, turns: Turns, mask: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            layer(x).unflatten(-1, (-1, HEAD)).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k = _rotated(q, turns), _rotated(k, turns)
        found = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.o_proj(found.transpose(1, 2).flatten(2))


class _FeedForward(nn.Module):
    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(channels, hidden)
        self.up_proj = nn.Linear(channels, hidden)
        self.down_proj = nn.Linear(hidden, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class _Block(nn.Module):
    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = _Attention(channels)
        self.layer_scale1 = nn.Parameter(torch.empty(channels))
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = _FeedForward(channels, hidden)
        self.layer_scale2 = nn.Parameter(torch.empty(channels))

    def forward(self, x: torch.Tensor, turns: Turns, mask: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.norm1(x), turns, mask) * self.layer_scale1
        return x + self.mlp(self.norm2(x)) * self.layer_scale2


class _Head(nn.Sequential):
    """Matrices that stay in float32 whatever the rest computes in, as the author's do."""

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> _Head:
        return super()._apply(lambda tensor: tensor.to(fn(tensor.new_empty(0)).device), recurse)


class Dinov3(nn.Module):
    """Patches [N, s, patch * patch * 3], places [N, s, 2], valid [N, s] -> logits [N, n]."""

    def __init__(self, state: State) -> None:
        super().__init__()
        channels, pixels = state["patches.weight"].shape
        registers = state["register_tokens"].shape[1]
        hidden = state["layer.0.mlp.gate_proj.weight"].shape[0]
        numbers = [int(found[1]) for name in state if (found := re.match(r"layer\.(\d+)\.", name))]
        if channels % HEAD:
            raise ValueError(f"{channels} channels in heads of {HEAD}")
        self.cls_token = nn.Parameter(torch.empty(1, 1, channels))
        self.register_tokens = nn.Parameter(torch.empty(1, registers, channels))
        self.patches = nn.Linear(pixels, channels)
        self.layer = nn.ModuleList(_Block(channels, hidden) for _ in range(max(numbers) + 1))
        self.norm = nn.LayerNorm(channels)
        shapes = [state[name].shape for name in sorted(state) if re.match(r"head\.\d\.w", name)]
        self.head = _Head(
            *(
                nn.Linear(into, out, bias=f"head.{number}.bias" in state)
                for number, (out, into) in enumerate(shapes)
            )
        )
        self.num_classes = shapes[-1][0]

    def forward(
        self, patches: torch.Tensor, places: torch.Tensor, valid: torch.Tensor
    ) -> torch.Tensor:
        return self.head(self.embed(patches, places, valid).float())

    def embed(
        self, patches: torch.Tensor, places: torch.Tensor, valid: torch.Tensor
    ) -> torch.Tensor:
        """Class token and registers, what the head sees, [N, tokens * channels]."""
        count = len(patches)
        whole = torch.cat([self.cls_token, self.register_tokens], dim=1)
        before = whole.shape[1]
        x = torch.cat([whole.expand(count, -1, -1), self.patches(patches)], dim=1)
        by = functional.pad(angles(places, valid), (0, 0, before, 0))[:, None]
        turns = by.cos().to(x.dtype), by.sin().to(x.dtype)
        mask = functional.pad(valid, (before, 0), value=True)[:, None, None]
        for block in self.layer:
            x = block(x, turns, mask)
        return self.norm(x[:, :before]).flatten(1)


def angles(places: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """How far each patch's channels are turned, float32 [N, s, HEAD]: rows, then columns, twice.

    A place is the patch's middle as a share of its own picture's sides.
    """
    sides = (places * valid[..., None]).amax(1, keepdim=True) + 1
    middles = ((places + 0.5) / sides * 2 - 1) * REACH
    steps = torch.arange(HEAD // 4, device=places.device) * (4 / HEAD)
    turns = 2 * math.pi * middles[..., None] * THETA**-steps
    return turns.flatten(-2).repeat(1, 1, 2)


def _rotated(x: torch.Tensor, turns: Turns) -> torch.Tensor:
    """Each half of a head's channels turned into the other; an angle of 0 changes nothing."""
    first, second = x.chunk(2, dim=-1)
    cosine, sine = turns
    return x * cosine + torch.cat([-second, first], dim=-1) * sine


def build(state: State, _: Path) -> tuple[nn.Module, State]:
    """The network for these tensors, whose names are brought to ours."""
    trunk, head = {}, {}
    for name, tensor in state.items():
        if not name.startswith("backbone."):
            head[name] = tensor.float()
        elif "rope_embeddings" not in name and not name.endswith("mask_token"):
            trunk[_plain(name)] = tensor
    convolution = trunk.pop("patch_embeddings.weight")
    trunk["patches.weight"] = convolution.permute(0, 2, 3, 1).flatten(1).contiguous()
    trunk["patches.bias"] = trunk.pop("patch_embeddings.bias")
    width = trunk["norm.weight"].shape[0] * (1 + trunk["register_tokens"].shape[1])
    ours = {**trunk, **_matrices(head, width)}
    return Dinov3(ours), ours


def _plain(name: str) -> str:
    """A tensor's name without its wrappers' and without transformers' `lambda1`."""
    name = name.removeprefix("backbone.").removeprefix("model.").removeprefix("embeddings.")
    return name.removesuffix(".lambda1")


def _matrices(head: State, width: int) -> State:
    """The head's one matrix, or two of which the first takes the tokens, whatever their names."""
    names = [name.removesuffix(".weight") for name in head if name.endswith(".weight")]
    names.sort(key=lambda name: head[f"{name}.weight"].shape[1] != width)
    if not 1 <= len(names) <= 2 or head[f"{names[0]}.weight"].shape[1] != width:
        raise ValueError(f"a head of {', '.join(sorted(head)) or 'nothing'}")
    order = {name: number for number, name in enumerate(names)}
    parts = (name.rpartition(".") for name in head)
    return {f"head.{order[b]}.{end}": head[f"{b}.{end}"] for b, _, end in parts}
