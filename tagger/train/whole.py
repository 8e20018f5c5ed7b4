"""Network and loss as one module: what is wrapped for several processes, and compiled."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .losses import bce
from .mixup import mixed, mixed_targets


class Whole(nn.Module):
    """From pictures and what is true of them to the parts of the loss."""

    def __init__(self, network: nn.Module, smoothing: float) -> None:
        super().__init__()
        self.network = network
        self.smoothing = smoothing

    def forward(
        self,
        images: torch.Tensor,
        truth: torch.Tensor,
        known: torch.Tensor,
        share: float = 1.0,
        at: str = "pixels",
        judging: bool = False,
    ) -> dict[str, torch.Tensor]:
        """Parts of the loss, scalars in fp32, `loss` their total; with `judging`, `logits` too.

        images: float32 [N, 3, S, S]; truth, known: bool [N, n]; share: MixUp's, 1 for none, of
        pixels or embeddings as `at` says.
        """
        if at == "pixels":
            images = mixed(images, share)
        logits: Any = self.network(images)
        truth, known = mixed_targets(truth, known, share)
        parts = {"loss": bce(logits, truth, known, self.smoothing)}
        return {**parts, "logits": logits.float()} if judging else parts
