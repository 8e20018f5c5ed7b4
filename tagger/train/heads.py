"""Heads: from a trunk's features to scores of some labels.

A head gives raw outputs, which its loss takes, and turns them into log-odds, logit(p) of each of
its labels: then a sigmoid is the right probability whatever the head is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from ..errors import OptionError
from ..export.rows import RATINGS
from .config import HeadOptions
from .mldecoder import MlDecoder
from .trunk import Features, Trunk, layer_count

LEAST_PRIOR, GREATEST_PRIOR = 1e-5, 0.99
"""Where a label's prior is clipped before its log-odds become the head's bias."""
FIRST_WEIGHTS = 0.1
"""Factor of a head's first weights, so that its bias, the priors, is what it says at first."""
RATING_SCALE = (0.0, 0.25, 0.5, 1.0)
"""Where general, sensitive, questionable and explicit lie from 0 to 1. On it furry-image-model's
cuts hold: safe below 1/3, explicit from 2/3 on."""


class Head(nn.Module):
    """A head that ends in one linear layer over its embedding."""

    hidden = 0
    """Width of an embedding of its own; 0 where it has none."""

    def __init__(self, options: HeadOptions, labels: int, width: int, exclusive: bool) -> None:
        super().__init__()
        self.exclusive = exclusive
        self.drop = nn.Dropout(options.dropout)
        self.out: Any = nn.Linear(width, labels)

    def embed(self, features: Features) -> torch.Tensor:
        """What the last layer sees, [N, width]."""
        return features.pooled

    def score(self, embedding: torch.Tensor) -> torch.Tensor:
        """Raw outputs, [N, labels]."""
        return self.out(self.drop(embedding))

    def forward(self, features: Features) -> torch.Tensor:
        """Raw outputs, [N, labels]."""
        return self.score(self.embed(features))

    def log_odds(self, raw: torch.Tensor) -> torch.Tensor:
        """logit(p) of each label, float32 [N, labels]."""
        return exclusive_log_odds(raw) if self.exclusive else raw.float()

    def set_priors(self, priors: NDArray[np.float64], constants: NDArray[np.float32]) -> None:
        """Begin with the labels' log-odds, log(p / (1 - p)), p clipped.

        A label that is not NaN in `constants`, float32[n], gets that logit for good: its weights
        are zero, and the loss, where it is never known, gives it no gradient. (RetinaNet's
        initialisation, Lin 2017, arXiv 1708.02002, with each label's own prior.)
        """
        learned = np.isnan(constants)
        bias = np.where(learned, log_odds_of(priors), constants)
        with torch.no_grad():
            self.out.weight.mul_(FIRST_WEIGHTS)
            self.out.weight[torch.from_numpy(~learned)] = 0
            self.out.bias.copy_(torch.from_numpy(bias.astype(np.float32)))


class LinearHead(Head):
    """Linear, behind a hidden layer where one is asked for (furry-image-model has 128)."""

    def __init__(self, options: HeadOptions, labels: int, width: int, exclusive: bool) -> None:
        super().__init__(options, labels, options.hidden or width, exclusive)
        self.hidden = options.hidden
        self.body = (
            nn.Sequential(nn.Linear(width, options.hidden), nn.ReLU())
            if options.hidden
            else nn.Identity()
        )

    def embed(self, features: Features) -> torch.Tensor:
        """The hidden layer's output, or the pooled features."""
        return self.body(features.pooled)


class ConcatHead(Head):
    """Maximum and mean over the picture, a hidden layer between two dropouts.

    Norm, dropout .25, linear 512, ReLU, norm, dropout .5, linear: fastai's head as
    RF5/danbooru-pretrained has it.
    """

    def __init__(self, options: HeadOptions, labels: int, trunk: Trunk, exclusive: bool) -> None:
        hidden, late = options.hidden or 512, options.dropout or 0.5
        super().__init__(options, labels, hidden, exclusive)
        self.hidden = hidden
        self._layout, width = trunk.layout, 2 * trunk.layout.features
        self.body = nn.Sequential(
            nn.BatchNorm1d(width),
            nn.Dropout(late / 2),
            nn.Linear(width, hidden),
            nn.ReLU(),
            nn.BatchNorm1d(hidden),
        )
        self.drop = nn.Dropout(late)

    def embed(self, features: Features) -> torch.Tensor:
        """The hidden layer's output, normalised."""
        places = self._layout.places(features.maps)
        return self.body(torch.cat([places.amax(1), places.mean(1)], 1))


class LeakyHead(Head):
    """The head of morshop/anime-art-tagger as published, fault included.

    Leaky ReLU, norm, dropout .25, linear, leaky ReLU, a clamp at 10. The second leaky ReLU is over
    the logits: a logit of -10 counts as -.1, so absent tags score just under .5.
    """

    def __init__(self, options: HeadOptions, labels: int, width: int, exclusive: bool) -> None:
        super().__init__(options, labels, width, exclusive)
        self.norm = nn.BatchNorm1d(width)
        self.drop = nn.Dropout(options.dropout or 0.25)

    def embed(self, features: Features) -> torch.Tensor:
        """The pooled features behind the first leaky ReLU, normalised."""
        return self.norm(F.leaky_relu(features.pooled))

    def score(self, embedding: torch.Tensor) -> torch.Tensor:
        """Raw outputs, at most 10."""
        return F.leaky_relu(super().score(embedding)).clamp(-10, 10)

    def set_priors(self, priors: NDArray[np.float64], constants: NDArray[np.float32]) -> None:
        """None: the published head begins as torch does, and below 0 it could say no prior."""


class IfaHead(Head):
    """Every block's class vector, weighed: arkel23/animesion's --interm_features_fc.

    Linear over layers to one, ReLU, layer norm, linear.
    """

    def __init__(
        self, options: HeadOptions, labels: int, width: int, layers: int, exclusive: bool
    ) -> None:
        super().__init__(options, labels, width, exclusive)
        self.hidden = width
        self.mix = nn.Linear(layers, 1)
        self.norm = nn.LayerNorm(width, eps=1e-12)

    def embed(self, features: Features) -> torch.Tensor:
        """The weighed class vectors, normalised."""
        mixed = self.mix(torch.stack(features.layers, -1)).squeeze(-1)
        return self.norm(F.relu(mixed))


class OrdinalHead(Head):
    """One number for a picture and cuts on its scale: four ratings in their order.

    Raw outputs are the logits of P(rating > k) = sigmoid(s - cut_k), [N, 3]; cuts stay in order.
    (Proportional odds, McCullagh 1980; one weight vector and a bias for each cut as in CORAL, Cao
    2020, arXiv 1901.07884.)
    """

    scale: torch.Tensor

    def __init__(self, options: HeadOptions, labels: int, width: int) -> None:
        super().__init__(options, labels, options.hidden or width, exclusive=False)
        self.hidden = options.hidden
        self.body = LinearHead(options, 1, width, exclusive=False).body
        self.out = nn.Linear(options.hidden or width, 1, bias=False)
        self.register_buffer("scale", torch.tensor(RATING_SCALE), persistent=False)
        self.first = nn.Parameter(torch.zeros(1))
        self.gaps = nn.Parameter(torch.full((labels - 2,), 0.5))

    def embed(self, features: Features) -> torch.Tensor:
        """The hidden layer's output, or the pooled features."""
        return self.body(features.pooled)

    def score(self, embedding: torch.Tensor) -> torch.Tensor:
        """Logits of P(rating > k), [N, 3]."""
        steps = F.softplus(self.gaps).clamp(min=1e-4).cumsum(0)
        cuts = self.first + torch.cat([torch.zeros_like(self.first), steps])
        return super().score(embedding) - cuts

    def log_odds(self, raw: torch.Tensor) -> torch.Tensor:
        """logit of each rating's probability, float32 [N, 4]; the probabilities sum to 1."""
        raw = raw.float()
        above, below = raw[:, :-1], raw[:, 1:]  # P(>k) falls with k
        inside = F.logsigmoid(above) + F.logsigmoid(-below) + (1 - (below - above).exp()).log()
        outside = (torch.sigmoid(-above) + torch.sigmoid(below)).log()
        return torch.cat([-raw[:, :1], inside - outside, raw[:, -1:]], 1)

    def scalar(self, odds: torch.Tensor) -> torch.Tensor:
        """The rating from 0 to 1 that is expected on RATING_SCALE, float32 [N], of [N, 4]."""
        return odds.sigmoid() @ self.scale

    def set_priors(self, priors: NDArray[np.float64], constants: NDArray[np.float32]) -> None:
        """Begin with cuts that give the ratings' shares."""
        shares = priors.clip(LEAST_PRIOR) / priors.clip(LEAST_PRIOR).sum()
        cuts = -log_odds_of(1 - shares.cumsum()[:-1])
        gaps = np.diff(cuts).clip(1e-2)
        with torch.no_grad():
            self.out.weight.mul_(FIRST_WEIGHTS)
            self.first.fill_(float(cuts[0]))
            self.gaps.copy_(torch.from_numpy(np.log(np.expm1(gaps)).astype(np.float32)))


class DecoderHead(Head):
    """Queries that look at every place of the picture: ML-Decoder."""

    def __init__(self, options: HeadOptions, labels: int, trunk: Trunk, exclusive: bool) -> None:
        super().__init__(options, 1, 1, exclusive)
        self._layout = trunk.layout
        self.out = MlDecoder(labels, options.groups, options.width, trunk.layout.features)

    def embed(self, features: Features) -> torch.Tensor:
        """The places, [N, places, d]."""
        return self._layout.places(features.maps)

    def set_priors(self, priors: NDArray[np.float64], constants: NDArray[np.float32]) -> None:
        """Begin with the labels' log-odds."""
        bias = np.where(np.isnan(constants), log_odds_of(priors), constants)
        with torch.no_grad():
            self.out.weight.mul_(FIRST_WEIGHTS)
            self.out.bias.copy_(torch.from_numpy(bias.astype(np.float32)))


def make_head(options: HeadOptions, labels: int, trunk: Trunk, exclusive: bool) -> Head:
    """The head of this kind for so many labels. Raises OptionError where the trunk lacks what
    it reads, or the labels are not what it is for.
    """
    kind, width = options.kind, trunk.pooled
    if kind == "ordinal":
        if labels != len(RATINGS):
            raise OptionError(
                f"heads: expected the four ratings for an ordinal head, got {labels} labels: "
                f"say labels: [rating]"
            )
        return OrdinalHead(options, labels, width)
    if kind == "concat":
        return ConcatHead(options, labels, trunk, exclusive)
    if kind == "ifa":
        return IfaHead(options, labels, width, layer_count(trunk.network), exclusive)
    if kind == "ml_decoder":
        return DecoderHead(options, labels, trunk, exclusive)
    return (LeakyHead if kind == "leaky" else LinearHead)(options, labels, width, exclusive)


def log_odds_of(priors: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(p / (1 - p)), p clipped to LEAST_PRIOR and GREATEST_PRIOR."""
    clipped = priors.clip(LEAST_PRIOR, GREATEST_PRIOR)
    return np.log(clipped / (1 - clipped))


def exclusive_log_odds(raw: torch.Tensor) -> torch.Tensor:
    """logit(p) of a softmax's probabilities, float32 [N, n]; p is at most 1 - 1e-6."""
    log_p = F.log_softmax(raw.float(), 1).clamp(max=-1e-6)
    return log_p - (1 - log_p.exp()).log()
