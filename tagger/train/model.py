"""The network: an architecture of timm's, its head's first bias, the average of its weights.

It takes BGR pixels in -1..1, [N, 3, side, side], and gives logits, [N, labels]: WD's convention,
so that tools that load WD's safetensors load ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import nn

from ..errors import OptionError
from .config import TrainConfig, arguments

LEAST_PRIOR, GREATEST_PRIOR = 1e-5, 0.99
"""Where a label's prior is clipped before its log-odds become the head's bias."""
FIRST_WEIGHTS = 0.1
"""Factor of the head's first weights, so that its bias, the priors, is what it says at first."""


def make_network(config: TrainConfig, labels: int) -> nn.Module:
    """Build the architecture with random weights. Raises OptionError for what timm refuses."""
    own, architecture = arguments(config.network.model_args), config.network.architecture
    if not timm.is_model(architecture):
        near = timm.list_models(f"*{architecture}*")[:3]
        hint = f"did you mean {near[0]}?" if near else "timm.list_models() lists them"
        raise OptionError(f"architecture: expected one of timm's, got {architecture!r}: {hint}")
    try:
        return timm.create_model(
            config.network.architecture, pretrained=False, num_classes=labels, **own
        )
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise OptionError(
            f"model_args: expected settings of {architecture}, got {own}: {error}"
        ) from error


def set_head(network: Any, priors: NDArray[np.float64], constants: NDArray[np.float32]) -> None:
    """Let the head begin with the labels' log-odds, log(p / (1 - p)), p clipped.

    A label that is not NaN in `constants`, float32[n], gets that logit for good: its weights are
    zero, and the loss, where it is never known, gives it no gradient. (RetinaNet's initialisation,
    Lin 2017, arXiv 1708.02002, with each label's own prior.)
    """
    head = network.get_classifier()
    if not isinstance(head, nn.Linear) or head.bias is None:
        raise OptionError(
            f"architecture: expected a linear head with a bias, got {type(head).__name__}"
        )
    clipped = priors.clip(LEAST_PRIOR, GREATEST_PRIOR)
    learned = np.isnan(constants)
    bias = np.where(learned, np.log(clipped / (1 - clipped)), constants)
    with torch.no_grad():
        head.weight.mul_(FIRST_WEIGHTS)
        head.weight[torch.from_numpy(~learned)] = 0
        head.bias.copy_(torch.from_numpy(bias.astype(np.float32)))
