"""Losses: what each label of each picture costs, before anything is masked, weighted or summed.

All take logits, [N, n] of any float, and targets, float32 [N, n] in 0..1, and give float32 [N, n];
where a formula tells positives from negatives, a target of more than 1/2 is a positive. Sigmoid,
logarithm and sum are float32 whatever the logits are.

Summed over labels, not averaged: with thousands of them the mean starves each of gradient
(fpgaminer/joytag's README; SmilingWolf's trainings sum as well).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

from .config import LossOptions

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
_LEAST = 1e-8
"""What a probability is raised to before its logarithm, in ASL as published."""


def make_loss(kind: str, options: LossOptions, epoch: int = 0) -> Loss:
    """The loss of this name with its settings; `epoch`, from 0, is for SPLC, which waits."""
    o = options
    return {
        "bce": bce,
        "asl": lambda x, y: asl(x, y, o.asl_gamma_negative, o.asl_gamma_positive, o.asl_clip),
        "focal": lambda x, y: focal(x, y, o.focal_alpha, o.focal_gamma),
        "hill": lambda x, y: hill(x, y, o.hill_lambda, o.hill_margin, o.hill_gamma),
        "splc": lambda x, y: splc(
            x, y, o.splc_tau, o.splc_margin, o.splc_gamma, epoch >= o.splc_from
        ),
        "mse": mse,
        "cross_entropy": cross_entropy,
        "softmax": softmax,
    }[kind]


def smoothed(targets: torch.Tensor, share: float) -> torch.Tensor:
    """Targets of which this share goes to 1/2: 1 and 0 become 1 - share/2 and share/2."""
    return targets * (1 - share) + share / 2 if share else targets


def bce(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy: -t log p - (1 - t) log(1 - p)."""
    return F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")


def asl(
    logits: torch.Tensor,
    targets: torch.Tensor,
    gamma_negative: float = 4.0,
    gamma_positive: float = 0.0,
    clip: float = 0.05,
) -> torch.Tensor:
    """The asymmetric loss: easy negatives, of which there are thousands, count for little.

    As published (Ridnik 2021, arXiv 2009.14119; Alibaba-MIIL/ASL), which trains with no gradient
    through the focusing weight. timm's AsymmetricLossMultiLabel is the same, but up to 1.0.26 it
    gives only the sum over all labels, the unknown ones too.
    """
    p = logits.float().sigmoid()
    off = (1 - p + clip).clamp(max=1)
    cost = -targets * p.clamp(min=_LEAST).log() - (1 - targets) * off.clamp(min=_LEAST).log()
    with torch.no_grad():
        right = p * targets + off * (1 - targets)
        gamma = gamma_positive * targets + gamma_negative * (1 - targets)
        weight = (1 - right).pow(gamma)
    return cost * weight


def focal(
    logits: torch.Tensor, targets: torch.Tensor, alpha: float = 0.25, gamma: float = 2.0
) -> torch.Tensor:
    """The focal loss, easy answers count for little (Lin 2017, arXiv 1708.02002)."""
    from torchvision.ops import sigmoid_focal_loss

    return sigmoid_focal_loss(logits.float(), targets, alpha, gamma, reduction="none")


def hill(
    logits: torch.Tensor,
    targets: torch.Tensor,
    bend: float = 1.5,
    margin: float = 1.0,
    gamma: float = 2.0,
) -> torch.Tensor:
    """Hill: a negative that the network is sure is positive was perhaps never tagged.

    Positives: -(1 - q)^gamma log q with q = sigmoid(logit - margin). Negatives: (bend - p) p^2,
    which for 1.5 is steepest at p = 1/2 and flat again at 1. (Zhang 2021, arXiv 2112.07368.)
    """
    x = logits.float()
    p, q = x.sigmoid(), (x - margin).sigmoid()
    positive = -((1 - q) ** gamma) * F.logsigmoid(x - margin)
    return targets * positive + (1 - targets) * (bend - p) * p**2


def splc(
    logits: torch.Tensor,
    targets: torch.Tensor,
    tau: float = 0.6,
    margin: float = 1.0,
    gamma: float = 2.0,
    correct: bool = True,
) -> torch.Tensor:
    """SPLC: a negative of a probability over tau is learned as the positive it seems to be.

    Positives have `margin` taken off their logits, then both are focal. Without `correct` nothing
    changes sides, as in the authors' first epoch. (Zhang 2021, arXiv 2112.07368.)
    """
    x = logits.float()
    x = torch.where(targets > 0.5, x - margin, x)
    if correct:
        targets = torch.where(x.detach().sigmoid() > tau, torch.ones_like(targets), targets)
    p = x.sigmoid()
    focus = ((1 - p) * targets + p * (1 - targets)) ** gamma
    return focus * bce(x, targets)


def mse(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The squared distance of probability and target (morshop/anime-art-tagger)."""
    return (logits.float().sigmoid() - targets) ** 2


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """-log softmax at the one label that is true; a picture without just one costs nothing.

    Over characters this is Animesion's classification (arkel23/animesion).
    """
    one = ((targets.sum(1, keepdim=True) - 1).abs() < 1e-4).float()
    return -targets * one * F.log_softmax(logits.float(), 1)


def softmax(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of a softmax with 1/k for each of a picture's k labels; without any, nothing.

    (anthony-dipofi/danbooru-tagger.)
    """
    shares = targets / targets.sum(1, keepdim=True).clamp(min=1e-6)
    return -shares * F.log_softmax(logits.float(), 1)


def ordinal(logits: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of "is it above k" for each cut, float32 [N, K - 1].

    logits: of P(level > k), [N, K - 1]. level: int64 [N], 0 to K - 1. (CORAL, Cao 2020, arXiv
    1901.07884; the model is McCullagh's proportional odds, 1980.)
    """
    cuts = torch.arange(logits.shape[1], device=logits.device)
    return bce(logits, (level[:, None] > cuts).float())


def exclusion(layers: list[torch.Tensor], temperature: float, distance: int) -> torch.Tensor:
    """How far apart the class vectors of a network's layers are, to be subtracted: Animesion's.

    layers: [N, d] each, in order. The sum over layers of T^2 KL(softmax(later / T) ||
    softmax(layer / T)), averaged over pictures. A scalar, float32.
    """
    total = torch.zeros((), device=layers[0].device)
    for one, later in zip(layers, layers[distance:], strict=False):
        ours = F.log_softmax(one.float() / temperature, 1)
        theirs = F.softmax(later.float() / temperature, 1)
        total = total + F.kl_div(ours, theirs, reduction="batchmean")
    return total * temperature**2


def distillation(
    logits: torch.Tensor, teacher: torch.Tensor, temperature: float = 1.0
) -> torch.Tensor:
    """T^2 times the binary cross-entropy of both sets of logits over T, float32 [N, n].

    teacher: probabilities, [N, n]. (Hinton 2015, arXiv 1503.02531, label by label.)
    """
    aim = (teacher.float().clamp(1e-6, 1 - 1e-6).logit() / temperature).sigmoid()
    return bce(logits.float() / temperature, aim) * temperature**2
