"""The objective: every head's loss over what is known, weighted and summed, and its helpers."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..errors import OptionError
from . import losses
from .config import OVER_LABELS, HeadOptions, LossOptions
from .heads import OrdinalHead
from .model import Outputs, TaggerNetwork

MOST_POSITIVE_WEIGHT = 100.0
"""The cap of positives' weights (lodestones/taggerine's)."""


class Objective(nn.Module):
    """What a network's outputs cost.

    epoch: from 0, set by the training; SPLC begins to correct after its first.
    """

    epoch = 0
    weights: torch.Tensor
    positive_weights: torch.Tensor

    def __init__(
        self,
        network: TaggerNetwork,
        options: LossOptions,
        weights: NDArray[np.float32],
        positive_weights: NDArray[np.float32],
    ) -> None:
        super().__init__()
        self.options = options
        self._heads = [
            (plan.name, plan.options, isinstance(head, OrdinalHead))
            for plan, (_, head) in zip(network.plans, network.named_heads(), strict=True)
        ]
        for plan in network.plans:
            self.register_buffer(
                f"columns_{plan.name}", torch.from_numpy(plan.columns), persistent=False
            )
        self.register_buffer("weights", torch.from_numpy(weights), persistent=False)
        self.register_buffer(
            "positive_weights", torch.from_numpy(positive_weights), persistent=False
        )

    def forward(
        self,
        outputs: Outputs,
        truth: torch.Tensor,
        known: torch.Tensor,
        weight: torch.Tensor | None = None,
        teacher: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """The loss and its parts: float32 scalars, summed over labels, averaged over pictures.

        truth: bool or 0..1, [N, labels]. known: bool, [N, labels]; where it is False a label costs
        nothing and gets no gradient. weight: float[N], of each picture. teacher: another tagger's
        probabilities, float32 [N, labels], NaN where it says nothing.

        Gives "loss", the whole, and each head's share by name; "teacher" and "exclusion" where
        there is one.
        """
        truth, own = truth.float(), torch.ones(len(truth), device=truth.device)
        own = own if weight is None else weight.float()
        parts: dict[str, torch.Tensor] = {}
        for name, head, is_ordinal in self._heads:
            columns = self.get_buffer(f"columns_{name}")
            cost = self._ordinal if is_ordinal else self._by_label
            each = cost(outputs.parts[name], truth[:, columns], known[:, columns], head, columns)
            parts[name] = (each * own).sum() / len(truth) * head.weight
        total = torch.stack(list(parts.values())).sum()
        if teacher is not None:
            share = self.options.distill_weight
            parts["teacher"] = (
                share * (self._teacher(outputs.logits, teacher) * own).sum() / len(own)
            )
            total = (1 - share) * total + parts["teacher"]
        if self.options.exclusion_weight and outputs.layers:
            apart = losses.exclusion(
                list(outputs.layers),
                self.options.exclusion_temperature,
                self.options.exclusion_distance,
            )
            parts["exclusion"] = -self.options.exclusion_weight * apart
            total = total + parts["exclusion"]
        return {"loss": total, **parts}

    def _by_label(
        self,
        raw: torch.Tensor,
        truth: torch.Tensor,
        known: torch.Tensor,
        head: HeadOptions,
        columns: torch.Tensor,
    ) -> torch.Tensor:
        """Each picture's cost, float32 [N]."""
        kind = head.loss or self.options.loss
        is_true = truth  # before smoothing: whose share of a half is no sign that a label is there
        if kind in OVER_LABELS:
            # where one label is known to be true, the others' being unknown says nothing more
            raw = raw.float().masked_fill(~known & (truth == 0), _NEVER)
            truth = truth * known
        else:
            smoothing = self.options.mse_smoothing if kind == "mse" else 0.0
            truth = losses.smoothed(truth, smoothing or self.options.label_smoothing)
        each = losses.make_loss(kind, self.options, self.epoch)(raw, truth)
        positive = self.positive_weights[columns]
        each = each * (1 + is_true * (positive - 1)) * self.weights[columns]
        return torch.where(known, each, 0.0).sum(1)

    def _ordinal(
        self,
        raw: torch.Tensor,
        truth: torch.Tensor,
        known: torch.Tensor,
        head: HeadOptions,
        columns: torch.Tensor,
    ) -> torch.Tensor:
        """Each picture's cost, float32 [N]; of two that were mixed, both ratings count."""
        del head, columns
        levels = torch.arange(truth.shape[1], device=truth.device)
        each = torch.stack([losses.ordinal(raw, level.expand(len(raw))).sum(1) for level in levels])
        return torch.where(known.all(1), (each.T * truth).sum(1), 0.0)

    def _teacher(self, logits: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
        """Each picture's cost, float32 [N], over the labels that the teacher speaks of."""
        says = ~teacher.isnan()
        each = losses.distillation(
            logits, teacher.nan_to_num(0.5), self.options.distill_temperature
        )
        return torch.where(says, each, 0.0).sum(1)


_NEVER = -1e4
"""A logit that a softmax gives no share."""


def make_objective(
    network: TaggerNetwork,
    options: LossOptions,
    positives: NDArray[np.int64],
    known: NDArray[np.int64],
) -> Objective:
    """The objective of these settings for a network.

    positives, known: int64[labels], of how many training pictures a label is true, and known.
    """
    if options.exclusion_weight and not any(plan.options.kind == "ifa" for plan in network.plans):
        raise OptionError(
            "exclusion_weight: expected a head of kind ifa, whose layers it pushes apart, got none"
        )
    return Objective(
        network,
        options,
        frequency_weights(positives, options.frequency_power),
        positive_weights(positives, known, options.positive_power),
    )


def frequency_weights(positives: NDArray[np.int64], power: float) -> NDArray[np.float32]:
    """1 / positives^power, 1 on average over labels that have any, float32[n].

    (That WD's v3 weighs its labels by frequency is known; its formula is not.)
    """
    there = positives > 0
    weights = np.ones(len(positives), np.float64)
    if power and there.any():
        weights[there] = positives[there] ** -float(power)
        weights[there] /= weights[there].mean()
        weights[~there] = 1.0
    return weights.astype(np.float32)


def positive_weights(
    positives: NDArray[np.int64], known: NDArray[np.int64], power: float
) -> NDArray[np.float32]:
    """(negatives / positives)^power, from 1 to MOST_POSITIVE_WEIGHT, float32[n]."""
    if not power:
        return np.ones(len(positives), np.float32)
    odds = (known - positives) / np.maximum(positives, 1)
    return (odds.clip(1) ** power).clip(1, MOST_POSITIVE_WEIGHT).astype(np.float32)
