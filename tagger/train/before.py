"""What is looked at before a training: what it would take, what chance does to its pictures."""

from __future__ import annotations

from typing import TextIO

from ..images import load
from .config import TrainConfig
from .devices import make_accelerator
from .estimate import estimate
from .plan import make_plan
from .shown import show_augmentation


def look(config: TrainConfig, screen: TextIO) -> None:
    """Do what `show_augmentation` and `dry_run` ask for; nothing is trained."""
    accelerator = make_accelerator(config)
    plan = make_plan(config)
    if path := config.show_augmentation:
        load()
        show_augmentation(plan, path)
        screen.write(f"{path}: what chance does to the pictures\n")
    if config.dry_run:
        for line in estimate(plan, accelerator).lines:
            screen.write(f"{line}\n")
