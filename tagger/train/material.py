"""What a training is made of: its plan, and the pictures, by the rows of each split."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..dataset.index import Dataset
from ..errors import OptionError
from .config import TrainConfig
from .data import (
    Decoded,
    Pictures,
    Source,
    bytes_needed,
    check_room,
    is_prepared,
    kept_at,
    prepare,
    probe,
    read_prepared,
    rows_in_batches,
)
from .loader import Loader
from .pixels import to_images
from .plan import Plan
from .progress import Progress
from .rows import splits
from .sampling import Sampler, make_sampler
from .shards import open_shards
from .targets import Targets

SCORED_AT_ONCE = 128
"""Pictures in a batch when nothing is learned; few enough for a small card."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a training is made of; the splits are rows of the dataset, intp[N]."""

    plan: Plan
    device: torch.device
    pictures: Pictures
    loader: Loader
    sampler: Sampler
    training: NDArray[np.intp]
    calibration: NDArray[np.intp]
    validation: NDArray[np.intp]

    @property
    def config(self) -> TrainConfig:
        """Its settings."""
        return self.plan.config

    @property
    def targets(self) -> Targets:
        """What it teaches."""
        return self.plan.targets

    def score_with(self, network: nn.Module) -> Callable[[NDArray[np.intp]], NDArray[np.float32]]:
        """A function from rows to the network's probabilities, float32[N, labels], in fp32."""

        @torch.inference_mode()
        def score(rows: NDArray[np.intp]) -> NDArray[np.float32]:
            network.eval()
            device = next(network.parameters()).device
            parts = [
                network(to_images(batch.pixels, device)).sigmoid().cpu()
                for batch in self.loader.batches(rows_in_batches(rows, SCORED_AT_ONCE))
            ]
            return torch.cat(parts).numpy()

        return score


def gather(plan: Plan, device: torch.device, progress: Progress) -> Material:
    """Prepare everything a training needs. Raises DatasetError where a split has no picture."""
    return assemble(plan, device, open_pictures(plan, progress))


def assemble(plan: Plan, device: torch.device, pictures: Pictures) -> Material:
    """Everything beside the pictures. Raises DatasetError where a split has no picture."""
    config, targets = plan.config, plan.targets
    training, calibration, validation = splits(config, plan.dataset, pictures.broken)
    on_cpu = device.type == "cpu"
    return Material(
        plan=plan,
        device=device,
        pictures=pictures,
        loader=Loader(
            pictures,
            targets,
            config.network.side,
            config.data.workers,
            aside=on_cpu,
            pin=not on_cpu,
            teacher=plan.teacher,
        ),
        sampler=make_sampler(config.data, targets, training, config.run.seed),
        training=training,
        calibration=calibration,
        validation=validation,
    )


def open_pictures(plan: Plan, progress: Progress) -> Pictures:
    """Prepared pictures, or ones that are decoded whenever they are seen, as `cache` says."""
    if caches(plan.config, plan.dataset):
        source = open_source(plan.config, plan.dataset)
        return prepare(plan.dataset, source, plan.config.network, progress.tell)
    return decoded(plan)


def look_at_pictures(plan: Plan) -> Pictures:
    """The same, and refused alike, but what is not prepared yet is not prepared now."""
    if prepared_already(plan):
        return read_prepared(plan.dataset, plan.config.network)
    if caches(plan.config, plan.dataset):
        check_room(plan.dataset, plan.config.network)
    return decoded(plan)


def prepared_already(plan: Plan) -> bool:
    """Whether pictures come prepared, and were by an earlier training."""
    return caches(plan.config, plan.dataset) and is_prepared(plan.dataset, plan.config.network)


def decoded(plan: Plan) -> Decoded:
    """Pictures that are decoded whenever they are seen; raises DatasetError where most can't be."""
    pictures = Decoded(open_source(plan.config, plan.dataset), plan.config.network)
    probe(plan.dataset, pictures)
    return pictures


def open_source(config: TrainConfig, dataset: Dataset) -> Source:
    """Where pictures come from: shards, else the sources' folders."""
    shards = config.data.shards
    return dataset.image_path if shards is None else open_shards(shards, dataset)


def caches(config: TrainConfig, dataset: Dataset) -> bool:
    """Whether pictures are prepared once: always, never, or where the disk has twice the room.

    Raises OptionError where they are to be resized anew each time as well.
    """
    if config.augment.kernels:
        if config.data.cache == "on":
            raise OptionError("kernels: expected --cache off, got on: prepared pictures have one")
        return False
    if config.data.cache != "auto":
        return config.data.cache == "on"
    free = shutil.disk_usage(kept_at(dataset, config.network).parent).free
    needed = bytes_needed(dataset, config.network)
    return is_prepared(dataset, config.network) or 2 * needed < free
