"""Network and loss as one module: what is wrapped for several processes, and compiled."""

from __future__ import annotations

import torch
from torch import nn

from .mixup import mixed, mixed_targets
from .model import TaggerNetwork
from .objective import Objective


class Whole(nn.Module):
    """From pictures and what is true of them to the parts of the loss."""

    def __init__(self, network: TaggerNetwork, objective: Objective) -> None:
        super().__init__()
        self.network = network
        self.objective = objective

    def forward(
        self,
        images: torch.Tensor,
        truth: torch.Tensor,
        known: torch.Tensor,
        share: float = 1.0,
        at: str = "pixels",
        judging: bool = False,
        teacher: torch.Tensor | None = None,
        weight: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Parts of the loss, scalars in fp32, `loss` their total; with `judging`, `logits` too.

        images: float32 [N, 3, S, S]; truth, known: bool [N, n]; share: MixUp's, 1 for none, of
        pixels or embeddings as `at` says; teacher: another tagger's probabilities, float32 [N, n],
        NaN where it says nothing; weight: of each picture's cost, float32 [N].
        """
        if at == "pixels":
            images = mixed(images, share)
        features = self.network.features(images)
        if at != "pixels":
            features = mixed(features, share)
        outputs = self.network.outputs(features)
        truth, known = mixed_targets(truth, known, share)
        if teacher is not None:
            teacher = mixed(teacher, share)
        parts = self.objective(outputs, truth, known, weight, teacher)
        return {**parts, "logits": outputs.logits.float()} if judging else parts
