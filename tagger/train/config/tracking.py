"""What is seen of a training while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from ...options import check, option

TRACKERS = ("tensorboard", "wandb", "trackio")


@dataclass(frozen=True)
class TrackingOptions:
    """What is seen of it while it runs."""

    track: tuple[str, ...] = option(
        ("tensorboard",),
        help="Who gets the figures beside progress.jsonl and metrics.csv, which are always there.",
        choices=("none", *TRACKERS),
    )
    project: str = option("tagger", help="The project's name in wandb and trackio.")
    log_every: int = option(20, help="Steps between figures in progress.jsonl.", ge=1)
    samples: int = option(
        12, help="Pictures on each epoch's sheet of predicted against true tags; 0: no sheet.", ge=0
    )

    def __post_init__(self) -> None:
        check(self)
