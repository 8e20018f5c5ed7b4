"""What a training is made of: pictures, what is true of them, the rows of each split."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..dataset.index import Dataset
from ..errors import DatasetError, OptionError
from .begin import targets_of
from .config import TrainConfig
from .data import (
    Decoded,
    Pictures,
    Source,
    bytes_needed,
    kept_at,
    prepare,
    probe,
    rows_in_batches,
    usable,
)
from .flips import Flips, make_flips
from .former import Former
from .loader import Loader
from .pixels import to_images
from .progress import Progress
from .sampling import Sampler, make_sampler
from .shards import open_shards
from .targets import Targets
from .teacher import open_teacher

SCORED_AT_ONCE = 128
"""Pictures in a batch when nothing is learned; few enough for a small card."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a training is made of; the splits are rows of the dataset, intp[N].

    former: the weights that it begins with.
    """

    config: TrainConfig
    device: torch.device
    pictures: Pictures
    targets: Targets
    loader: Loader
    sampler: Sampler
    flips: Flips
    training: NDArray[np.intp]
    calibration: NDArray[np.intp]
    validation: NDArray[np.intp]
    former: Former | None = None

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


def gather(
    config: TrainConfig,
    dataset: Dataset,
    device: torch.device,
    progress: Progress,
    former: Former | None = None,
) -> Material:
    """Prepare everything a training needs. Raises DatasetError where a split has no picture."""
    pictures = open_pictures(config, dataset, progress)
    return assemble(config, dataset, device, pictures, former)


def assemble(
    config: TrainConfig,
    dataset: Dataset,
    device: torch.device,
    pictures: Pictures,
    former: Former | None = None,
) -> Material:
    """Everything beside the pictures. Raises DatasetError where a split has no picture."""
    training, calibration, validation = splits(config, dataset, pictures)
    targets = targets_of(config, dataset, training, former)
    on_cpu = device.type == "cpu"
    side, workers = config.network.side, config.data.workers
    return Material(
        config=config,
        device=device,
        pictures=pictures,
        targets=targets,
        loader=Loader(
            pictures,
            targets,
            side,
            workers,
            aside=on_cpu,
            pin=not on_cpu,
            teacher=open_teacher(config.loss.teacher, targets) if config.loss.teacher else None,
        ),
        sampler=make_sampler(config.data, targets, training, config.run.seed),
        flips=make_flips(targets.rows.labels, config.augment.flip_pairs),
        training=training,
        calibration=calibration,
        validation=validation,
        former=former,
    )


def open_pictures(config: TrainConfig, dataset: Dataset, progress: Progress) -> Pictures:
    """Prepared pictures, or ones that are decoded whenever they are seen, as `cache` says."""
    source = open_source(config, dataset)
    if caches(config, dataset):
        return prepare(dataset, source, config.network, progress.tell)
    pictures = Decoded(source, config.network)
    probe(dataset, pictures)
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
    kept = kept_at(dataset, config.network)
    return kept.is_file() or (
        2 * bytes_needed(dataset, config.network) < shutil.disk_usage(kept.parent).free
    )


def splits(
    config: TrainConfig, dataset: Dataset, pictures: Pictures
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The rows that are trained, calibrated and validated on, as `limit` and `overfit` say."""
    training = _rows(dataset, pictures, "train")
    if len(training) < 2:
        raise DatasetError(f"{dataset.path}: expected two training pictures or more, got one")
    if config.data.overfit:
        few = training[: max(2, config.data.overfit)]
        return few, few, few
    if config.data.limit:
        chance = np.random.default_rng(config.run.seed)  # some from everywhere, not the first
        training = np.sort(chance.permutation(training)[: max(2, config.data.limit)])
    return training, _rows(dataset, pictures, "calibration"), _rows(dataset, pictures, "validation")


def _rows(dataset: Dataset, pictures: Pictures, split: str) -> NDArray[np.intp]:
    rows = usable(pictures, dataset.rows(split))  # pyright: ignore[reportArgumentType]
    if not len(rows):
        raise DatasetError(
            f"{dataset.path}: expected pictures in the split {split}, got none: build it with a "
            f"larger share for {split}"
        )
    return rows
