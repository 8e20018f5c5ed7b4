"""Every setting of a training, with its default, sentence and range."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import OptionError
from ..options import check, option

SIZE = 448
"""Pixels of a side of what every picture is fitted to: WD's, which other tools hard-code."""
POOLS = (1, 2, 4, 7, 8, 14, 16)
"""The divisors of 448 that leave a picture to see."""


@dataclass(frozen=True)
class TrainConfig:
    """Train a tagger from scratch on a DATASET and write it as a universal model folder.

    The run's folder gets `model/` (the universal folder), `run.json`, `progress.jsonl`,
    `metrics.csv` and `checkpoints/`. A file named `stop` in it ends the training after the
    epoch, as if it were done.
    """

    dataset: Path = option(
        help="The DATASET folder, as `tagger dataset build` makes it.", metavar="DATASET"
    )
    out: Path = option(help="The run's folder, new or empty (or one to --resume).", metavar="RUN")
    recipe: str | None = option(
        None, help="Take the defaults from a recipe of Tagger's, or from the path of one."
    )
    config: Path | None = option(
        None, help="Take the defaults from a YAML file's `train:` section, over the recipe's."
    )
    resume: bool = option(False, help="Continue the training in RUN from its last checkpoint.")

    architecture: str = option("resnet18", help="The network's architecture, by timm's name.")
    model_args: str = option(
        "{}",
        help="Settings of the architecture, for timm to build it with, as JSON.",
        metavar="JSON",
    )
    pool: int = option(
        4,
        help="The network sees the picture of 448 pixels averaged down by this: 4 leaves 112.",
        choices=POOLS,
    )

    epochs: int = option(20, help="Times that every picture is seen.", ge=1)
    batch_size: int = option(64, help="Pictures in a step.", ge=2)
    lr: float = option(2e-3, help="Highest learning rate, of AdamW.", ge=0)
    warmup: float = option(0.1, help="Share of the training in which the rate rises.", ge=0, le=1)
    weight_decay: float = option(
        0.05, help="Weight decay of the weights; biases and normalisation have none.", ge=0
    )
    label_smoothing: float = option(0.0, help="Share of every target that goes to 1/2.", ge=0, le=1)
    clip: float = option(5.0, help="Greatest norm of the gradients; 0 for none.", ge=0)
    ema: float = option(
        0.998, help="How much of the weights' moving average a step keeps; 0 for none.", ge=0, le=1
    )

    flip: float = option(
        0.5,
        help="Mirror this share of the pictures; 0 where tags tell left from right.",
        ge=0,
        le=1,
    )
    shift: float = option(0.05, help="Move pictures by up to this share of a side.", ge=0, le=0.5)
    zoom: float = option(0.0, help="Scale pictures by up to this share, up or down.", ge=0, le=0.5)
    cutout: float = option(
        0.0, help="Grey out a square of up to this share of a side in half of them.", ge=0, le=0.9
    )
    colour: float = option(
        0.0, help="Change brightness and contrast by up to this share.", ge=0, le=0.5
    )

    seed: int = option(
        0,
        help="Decides the first weights, the order and what is done to pictures.",
        ge=0,
        le=2**31,
    )
    precision: Literal["fp32", "bf16"] = option(
        "fp32", help="Precision of the network's arithmetic; the loss is always fp32."
    )
    device: str = option("auto", help="Where it runs: auto, cpu, cuda or cuda:N.")
    threads: int = option(0, help="Processor threads; 0 leaves it to torch.", ge=0)
    time_limit: float = option(
        0.0, help="Minutes; the learning rate reaches its end by then; 0 for none.", ge=0
    )

    name: str = option("", help="What the model is called; without it, as RUN is.")
    title: str = option("", help="One line for a person.")
    licence: str = option("unknown", help="Licence of the weights: an SPDX identifier, or a name.")
    credits: tuple[str, ...] = option((), help="For the model card: whose pictures these were.")
    notes: tuple[str, ...] = option((), help="For the model card: what it is and is not for.")
    weights: Literal["fp32", "fp16"] = option(
        "fp32", help="How the finished model's weights are stored; it computes in fp32 either way."
    )

    def __post_init__(self) -> None:
        check(self)
        arguments(self.model_args)

    @property
    def side(self) -> int:
        """Pixels of a side of what the network sees."""
        return SIZE // self.pool


def arguments(text: str) -> dict[str, Any]:
    """The settings of an architecture from JSON. Raises OptionError for what is no object."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise OptionError(
            f'model_args: expected JSON such as {{"stem_width": 32}}, got {text!r:.60}'
        )
    return found
