"""The beginning of a training: network and objective, with former weights and priors in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .config import TrainConfig
from .former import Former
from .freezing import check_heads
from .headplan import plan_heads
from .model import TaggerNetwork, set_priors
from .objective import Objective, make_objective
from .targets import Targets, label_counts
from .transfer import fill, grown_plans
from .trunk import make_trunk


def begin(
    config: TrainConfig, targets: Targets, training: NDArray[np.intp], former: Former | None = None
) -> tuple[TaggerNetwork, Objective]:
    """Build the network of `settled` settings and what teaches it.

    training: rows of the dataset, for the labels' priors and weights. Raises OptionError or
    ModelError, one sentence, for what can't be.
    """
    network = make_network(config, targets, former)
    check_heads(network, config.network)
    positives, known = label_counts(targets, training)
    set_priors(network, positives / np.maximum(known, 1))
    if former is not None:
        fill(network, former, targets, config.network)
    return network, make_objective(network, config.loss, positives, known)


def make_network(
    config: TrainConfig, targets: Targets, former: Former | None = None
) -> TaggerNetwork:
    """The network with random weights."""
    options = config.network
    trunk = make_trunk(options)
    if former is not None and options.add_tags:
        plans = grown_plans(options, targets, former)
    else:
        named = targets.dataset.about.get("heads") or {}
        plans = plan_heads(options, targets.rows.labels, named)
    return TaggerNetwork(trunk, plans, targets.constants, config.loss.loss, options.norm)
