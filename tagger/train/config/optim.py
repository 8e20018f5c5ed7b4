"""How the weights move: steps, learning rate and its schedule, decay, average."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

from ...errors import OptionError
from ...options import check, option
from .network import arguments

Schedule = Literal["cosine", "onecycle", "steps", "plateau", "constant"]


@dataclass(frozen=True)
class OptimOptions:
    """How the weights move."""

    epochs: int = option(20, help="Times that every picture is seen.", ge=1)
    batch_size: int = option(64, help="Pictures in a step, of each process.", ge=2)
    accumulate: int = option(1, help="Batches whose gradients make one step.", ge=1)
    optimizer: str = option(
        "adamw", help="adamw, lamb, sgd, or another by its name in timm's list_optimizers()."
    )
    optimizer_args: str = option(
        "{}", help='Its own settings as JSON, such as {"betas": [0.9, 0.95]}.', metavar="JSON"
    )
    momentum: float = option(0.9, help="Of optimizers that have one, as sgd.", ge=0, le=1)
    lr: float = option(2e-3, help="Highest learning rate.", ge=0)
    schedule: Schedule = option(
        "cosine",
        help="cosine: rise, then half a cosine down. onecycle: Smith's rise and fall. steps: "
        "times --step-factor every --step-epochs. plateau: by --plateau. constant: rise, stay.",
    )
    warmup: float = option(0.1, help="Share of the training in which the rate rises.", ge=0, le=1)
    warmup_steps: int = option(0, help="The rise in steps, instead of --warmup.", ge=0)
    lr_end: float = option(0.0, help="The last rate as a share of the highest.", ge=0, le=1)
    step_epochs: int = option(20, help="For --schedule steps: epochs of a step.", ge=1)
    step_factor: float = option(
        1 / 3, help="For --schedule steps: what the rate is multiplied by.", ge=0, le=1
    )
    plateau: str = option(
        "[]",
        help="For --schedule plateau: stages as JSON, each with lr, threshold, patience, min and "
        "factor. A rate falls by `factor` after `patience` epochs whose loss was not lower by the "
        "share `threshold`; at `min` the next stage begins; after the last, --patience begins to "
        "count, or without it the training ends.",
        metavar="JSON",
    )
    patience: int = option(
        0, help="Stop after so many epochs without a better mAP; 0: never.", ge=0
    )
    min_delta: float = option(0.0, help="What a better mAP is better by, at least.", ge=0, le=1)
    weight_decay: float = option(
        0.05, help="Weight decay of the weights; biases and normalisation have none.", ge=0
    )
    layer_decay: float = option(
        0.0, help="Each layer's rate as a share of the next one's; 0: all alike.", ge=0, le=1
    )
    clip: float = option(5.0, help="Greatest norm of the gradients; 0 for none.", ge=0)
    ema: float = option(
        0.998, help="How much of the weights' moving average a step keeps; 0 for none.", ge=0, le=1
    )

    def __post_init__(self) -> None:
        check(self)
        arguments(self.optimizer_args, "optimizer_args")
        stages = plateau_stages(self.plateau)
        if self.schedule == "plateau" and not stages:
            raise OptionError("plateau: expected at least one stage, got none: describe one")

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The plateau schedule's stages; none for another schedule."""
        return plateau_stages(self.plateau) if self.schedule == "plateau" else ()


@dataclass(frozen=True)
class Stage:
    """One stage of the plateau schedule: torch's ReduceLROnPlateau with these settings."""

    lr: float
    threshold: float
    patience: int
    min: float
    factor: float


def plateau_stages(text: str) -> tuple[Stage, ...]:
    """The stages from JSON. Raises OptionError for what is none."""
    try:
        found: Any = json.loads(text)
        stages = tuple(_stage(each) for each in found)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise OptionError(
            "plateau: expected stages such as "
            '[{"lr": 0.1, "threshold": 0.01, "patience": 2, "min": 0.02, "factor": 0.2}], '
            f"got {text!r:.80}"
        ) from error
    return stages


def _stage(given: dict[str, Any]) -> Stage:
    stage = Stage(**{**given, "patience": int(given["patience"])})
    numbers = (stage.lr, stage.threshold, stage.min, stage.factor)
    if not all(math.isfinite(n) and n >= 0 for n in numbers) or stage.factor >= 1:
        raise ValueError("a factor is below 1")
    return stage
