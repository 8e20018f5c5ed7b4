"""The loss: binary cross-entropy on logits, summed over the labels that are known."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def bce(
    logits: torch.Tensor, truth: torch.Tensor, known: torch.Tensor, smoothing: float = 0.0
) -> torch.Tensor:
    """Binary cross-entropy, summed over known labels, averaged over pictures; a scalar, float32.

    logits: any float, [N, n]. truth, known: bool [N, n]; where known is False, a label counts for
    nothing and its logit gets no gradient. smoothing: this share of a target goes to 1/2.

    The sum, not the mean, over labels: with thousands of them the mean starves each of gradient
    (fpgaminer/joytag's README; SmilingWolf's trainings sum as well).
    """
    targets = truth.float()
    if smoothing:
        targets = targets * (1 - smoothing) + smoothing / 2
    each = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")
    return (each * known).sum() / len(logits)
