"""What a training is to be; one that can't be is refused here, before a picture is opened."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..dataset.index import Dataset
from .begin import make_network
from .config import TrainConfig
from .flips import Flips, make_flips
from .former import Former, open_former, settled
from .freezing import check_heads
from .optim import make_optimizer
from .rows import splits
from .targets import Targets, make_targets
from .teacher import Teacher, open_teacher


@dataclass(frozen=True, eq=False)
class Plan:
    """All that a training is made of but its pictures.

    config: settled with what it begins with. former: the weights that it begins with. targets:
    what it teaches. flips: what a mirror does to its labels. teacher: whose scores it learns from.
    """

    config: TrainConfig
    former: Former | None
    targets: Targets
    flips: Flips
    teacher: Teacher | None

    @property
    def dataset(self) -> Dataset:
        """What is trained on."""
        return self.targets.dataset


def make_plan(config: TrainConfig) -> Plan:
    """Read all that `config` names but pictures, and see whether it fits together.

    No network is allocated. Raises TaggerError, one sentence, for what can't be; what only the
    pictures can tell is refused when they are opened.
    """
    dataset = Dataset.open(config.dataset, config.data.roots() or None)
    splits(config, dataset)
    former = open_former(config)
    config = settled(config, former)
    kept = former.labels if former is not None and config.network.add_tags else None
    targets = make_targets(dataset, kept)
    labels, teacher = targets.rows.labels, config.loss.teacher
    plan = Plan(
        config,
        former,
        targets,
        make_flips(labels, config.augment.flip_pairs),
        open_teacher(teacher, targets) if teacher else None,
    )
    _check(plan)
    return plan


def _check(plan: Plan) -> None:
    """Raise OptionError for a network, heads or an optimizer that can't be."""
    options = plan.config.network
    with torch.device("meta"):
        network = make_network(plan.config, plan.targets, plan.former)
    check_heads(network, options)
    make_optimizer(network, plan.config.optim)
