"""Every setting of a training, with its default, sentence and range; no torch.

network     what is trained
losses      what a wrong answer costs
optim       how the weights move
data        which pictures are seen, in what order, and how they come
augment     what chance does to a picture
tracking    what is seen of it while it runs
run         where and how long it runs
card        what the finished model says of itself

Code reads `config.optim.lr`; the command line, YAML and errors say `lr`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import groups
from ...options import check, option
from .augment import AugmentOptions
from .card import CardOptions
from .data import DataOptions
from .heads import HeadOptions
from .losses import OVER_LABELS, LossOptions
from .network import PARTS, SIZE, NetworkOptions, arguments
from .optim import OptimOptions
from .run import RunOptions
from .tracking import TrackingOptions

__all__ = [
    "COMMON",
    "OVER_LABELS",
    "PARTS",
    "SIZE",
    "AugmentOptions",
    "CardOptions",
    "DataOptions",
    "HeadOptions",
    "LossOptions",
    "NetworkOptions",
    "OptimOptions",
    "RunOptions",
    "TrackingOptions",
    "TrainConfig",
    "arguments",
]

COMMON = (
    "architecture",
    "from_",
    "add_tags",
    "epochs",
    "batch_size",
    "lr",
    "time_limit",
    "device",
    "precision",
)
"""Settings that `--help` shows first: what most people change."""


@dataclass(frozen=True)
class TrainConfig:
    """Train a tagger on a DATASET, from scratch or --from another, and write its model folder.

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
    print_config: bool = option(
        False, help="Print every setting as YAML that --config reads, and train nothing."
    )
    dry_run: bool = option(
        False, help="Say what would be trained and what it would take, and train nothing."
    )
    show_augmentation: Path | None = option(
        None, help="Write a PNG of what chance does to some of the pictures; train nothing."
    )
    resume: bool = option(False, help="Continue the training in RUN from its last checkpoint.")

    network: NetworkOptions = option(factory=NetworkOptions, help="What is trained.")
    loss: LossOptions = option(factory=LossOptions, help="What a wrong answer costs.")
    optim: OptimOptions = option(factory=OptimOptions, help="How the weights move.")
    data: DataOptions = option(factory=DataOptions, help="Which pictures are seen.")
    augment: AugmentOptions = option(factory=AugmentOptions, help="What chance does to pictures.")
    tracking: TrackingOptions = option(factory=TrackingOptions, help="What is seen of it.")
    run: RunOptions = option(factory=RunOptions, help="Where and how long it runs.")
    card: CardOptions = option(factory=CardOptions, help="What the model says of itself.")

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def of(cls, dataset: Path, out: Path, **settings: Any) -> TrainConfig:
        """Settings by their flat names; raises OptionError for one that there is not."""
        return groups.build(cls, {"dataset": dataset, "out": out, **settings})

    def but(self, **settings: Any) -> TrainConfig:
        """The same settings but for some, by their flat names."""
        return groups.changed(self, settings)

    def plain(self) -> Mapping[str, Any]:
        """Every setting under its flat name, as a plain JSON value."""
        return groups.plain(self)
