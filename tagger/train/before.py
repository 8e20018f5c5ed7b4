"""What is looked at before a training: what it would take, what chance does to its pictures."""

from __future__ import annotations

from typing import TextIO

from ..dataset.index import Dataset
from ..images import load
from .config import TrainConfig
from .data import Decoded, probe
from .estimate import estimate
from .material import open_source
from .shown import show_augmentation


def look(config: TrainConfig, screen: TextIO) -> None:
    """Do what `show_augmentation` and `dry_run` ask for; nothing is trained."""
    if path := config.show_augmentation:
        load()
        dataset = Dataset.open(config.dataset, config.data.roots() or None)
        pictures = Decoded(open_source(config, dataset), config.network)
        probe(dataset, pictures)
        show_augmentation(config, dataset, pictures, path)
        screen.write(f"{path}: what chance does to the pictures\n")
    if config.dry_run:
        for line in estimate(config, lambda _: None).lines:
            screen.write(f"{line}\n")
