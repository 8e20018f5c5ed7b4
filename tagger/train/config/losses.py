"""The loss: what a wrong answer costs. Defaults are the constants their authors published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ...errors import OptionError
from ...options import check, option

LossKind = Literal["bce", "asl", "focal", "hill", "splc", "mse", "cross_entropy", "softmax"]
LOSSES: tuple[str, ...] = get_args(LossKind)
OVER_LABELS = ("cross_entropy", "softmax")
"""The losses over a softmax of all labels of a head; the others take each label by itself."""


@dataclass(frozen=True)
class LossOptions:
    """What a wrong answer costs; every loss is summed over labels, averaged over pictures."""

    loss: LossKind = option(
        "bce",
        help="Of a head that names none: bce, asl, focal, hill, splc, mse, and over the labels of "
        "a head cross_entropy (pictures with exactly one) or softmax (1/k for each of k).",
    )
    label_smoothing: float = option(0.0, help="Share of every target that goes to 1/2.", ge=0, le=1)
    frequency_power: float = option(
        0.0, help="Weigh a label by 1 / its pictures to this power, 1 on average; 0 for none.", ge=0
    )
    positive_power: float = option(
        0.0,
        help="Weigh a label where it is true by its negatives / positives to this power, 100 at "
        "most; 0 for none.",
        ge=0,
    )
    asl_gamma_negative: float = option(
        4.0, help="asl: how much easy negatives are passed over; 7 for thousands of labels.", ge=0
    )
    asl_gamma_positive: float = option(0.0, help="asl: the same for positives.", ge=0)
    asl_clip: float = option(
        0.05, help="asl: negatives below this probability cost nothing.", ge=0, le=0.5
    )
    focal_alpha: float = option(0.25, help="focal: weight of positives.", ge=0, le=1)
    focal_gamma: float = option(2.0, help="focal: how much easy answers are passed over.", ge=0)
    hill_lambda: float = option(
        1.5, help="hill: negatives surer than two thirds of this weigh less and less.", ge=1
    )
    hill_margin: float = option(1.0, help="hill: logits by which positives must do better.", ge=0)
    hill_gamma: float = option(2.0, help="hill: how much easy positives are passed over.", ge=0)
    splc_tau: float = option(
        0.6, help="splc: a negative surer than this counts as positive.", ge=0, le=1
    )
    splc_from: int = option(1, help="splc: epochs before that begins.", ge=0)
    splc_margin: float = option(1.0, help="splc: as hill's.", ge=0)
    splc_gamma: float = option(2.0, help="splc: how much easy answers are passed over.", ge=0)
    mse_smoothing: float = option(
        0.2, help="mse: label smoothing of its own; .2 makes targets .9 and .1.", ge=0, le=1
    )
    exclusion_weight: float = option(
        0.0, help="Push the layers of a head of kind ifa apart; its author's weight is 0.01.", ge=0
    )
    exclusion_temperature: float = option(1.0, help="Temperature of that.", ge=1e-3)
    exclusion_distance: int = option(2, help="Layers between the two that are pushed apart.", ge=1)
    teacher: Path | None = option(
        None, help="Learn from another tagger's scores too: a Parquet file of `tagger caption`."
    )
    distill_weight: float = option(
        0.5, help="Share of the loss that the teacher's scores are.", ge=0, le=1
    )
    distill_temperature: float = option(
        1.0, help="What logits are divided by between pupil and teacher.", ge=0.1
    )

    def __post_init__(self) -> None:
        check(self)
        if self.positive_power and self.loss in OVER_LABELS:
            raise OptionError(
                f"positive_power: expected a loss that takes labels one by one, got {self.loss}: "
                f"leave it out"
            )
