"""JTP PILOT and PILOT2: timm's SigLIP ViT; PILOT2's head has a gate beside each tag."""

from __future__ import annotations

from pathlib import Path

import timm
from torch import nn

from ..weights import State
from .shapes import head_count, transformer

NAME = "vit_so400m_patch14_siglip_384"


def build(state: State, _: Path) -> tuple[nn.Module, State]:
    """The network for these tensors: n columns, or 2n with the gates behind the tags."""
    state = {name.replace("head.linear.", "head."): value for name, value in state.items()}
    patch = state["patch_embed.proj.weight"]
    network = timm.create_model(
        NAME,
        num_classes=len(state["head.bias"]),
        img_size=round(state["pos_embed"].shape[1] ** 0.5) * patch.shape[-1],
        patch_size=patch.shape[-1],
        num_heads=head_count(patch.shape[0]),
        **transformer(state, patch.shape[0]),
    )
    return network, state
