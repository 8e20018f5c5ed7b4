"""JTP-3 Hydra: timm's NaFlex SigLIP 2, and a head in which each tag asks the patches itself.

A tag's query attends to all patches of the picture; a feed-forward layer and a matrix of its own
make its logit of what comes back. Queries are stored normalised; the roots that they were made of
in training may lie beside them and are not needed.
"""

from __future__ import annotations

from pathlib import Path

import timm
import torch
from torch import nn
from torch.nn import functional

from ..weights import State
from .shapes import head_count, transformer

NAME = "naflexvit_so400m_patch16_siglip"
_HEAD = "attn_pool."
_OF_TRAINING = tuple(
    f"{_HEAD}{name}" for name in ("cls", "roots", "clsroots.", "clscls.", "_extra")
)


class HydraHead(nn.Module):
    """Patches' features [N, s, c] and which of them are valid [N, s] -> logits [N, n]."""

    def __init__(self, state: State) -> None:
        super().__init__()
        heads, tags, width = state[f"{_HEAD}q"].shape
        inner, outer = heads * width, state[f"{_HEAD}out_proj.weight"].shape[2]
        self.q = nn.Parameter(torch.empty(heads, tags, width))
        self.kv = nn.Linear(state[f"{_HEAD}kv.weight"].shape[1], 2 * inner, bias=False)
        hidden = state[f"{_HEAD}ff_out.weight"].shape[1]
        self.ff_norm = nn.LayerNorm(inner)
        self.ff_in = nn.Linear(inner, 2 * hidden, bias=False)
        self.ff_out = nn.Linear(hidden, inner, bias=False)
        self.out_proj = nn.ParameterDict({"weight": torch.empty(tags, inner, outer)})

    def forward(self, x: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        heads, _, width = self.q.shape
        pairs = self.kv(x).unflatten(-1, (2, heads, width)).permute(2, 0, 3, 1, 4)
        key = functional.rms_norm(pairs[0], (width,), eps=1e-5)
        query = self.q.expand(len(x), -1, -1, -1)
        mask = valid[:, None, None, :]
        asked = functional.scaled_dot_product_attention(query, key, pairs[1], attn_mask=mask)
        y = asked.transpose(1, 2).flatten(2)
        y = y + self.ff_out(_swiglu(self.ff_in(self.ff_norm(y))))
        y = torch.matmul(y.unsqueeze(-2), self.out_proj["weight"]).squeeze(-2)
        return _swiglu(y).mean(-1)


class Hydra(nn.Module):
    """Patches [N, s, patch * patch * 3] of -1..1, places [N, s, 2], valid [N, s] -> [N, n]."""

    def __init__(self, backbone: nn.Module, tags: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.num_classes = tags

    def forward(
        self, patches: torch.Tensor, places: torch.Tensor, valid: torch.Tensor
    ) -> torch.Tensor:
        found = self.backbone.forward_features(patches, places, valid)  # pyright: ignore
        return self.backbone.attn_pool(found["patches"], valid)  # pyright: ignore

    def embed(
        self, patches: torch.Tensor, places: torch.Tensor, valid: torch.Tensor
    ) -> torch.Tensor:
        """The mean of the picture's patches, [N, c]: its tags ask them one by one."""
        found = self.backbone.forward_features(patches, places, valid)["patches"]  # pyright: ignore
        share = valid[..., None].to(found.dtype)
        return (found * share).sum(1) / share.sum(1)


def _swiglu(x: torch.Tensor) -> torch.Tensor:
    value, gate = x.chunk(2, dim=-1)
    return functional.silu(value) * gate


def build(state: State, _: Path) -> tuple[nn.Module, State]:
    """The network for these tensors."""
    channels, pixels = state["embeds.proj.weight"].shape
    grid = state["embeds.pos_embed"].shape[1:3]
    backbone = timm.create_model(
        NAME,
        num_classes=0,
        patch_size=round((pixels / 3) ** 0.5),
        num_heads=head_count(channels),
        pos_embed_grid_size=tuple(grid),
        pos_embed_interp_mode="bilinear",
        **transformer(state, channels),
    )
    backbone.attn_pool = HydraHead(state)
    kept = {name: value for name, value in state.items() if not name.startswith(_OF_TRAINING)}
    network = Hydra(backbone, state[f"{_HEAD}q"].shape[1])
    return network, {f"backbone.{name}": value for name, value in kept.items()}
