"""What a training is made of: pictures, what is true of them, the rows of each split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..dataset.index import Dataset
from ..errors import DatasetError, OptionError
from .config import TrainConfig
from .data import Pictures, load_pictures
from .progress import Progress
from .targets import Targets, make_targets

SCORED_AT_ONCE = 128
"""Pictures in a batch when nothing is learned; few enough for a small card."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a training is made of; the splits are rows of the dataset, intp[N]."""

    config: TrainConfig
    device: torch.device
    pictures: Pictures
    targets: Targets
    training: NDArray[np.intp]
    calibration: NDArray[np.intp]
    validation: NDArray[np.intp]

    def images(self, rows: NDArray[np.intp]) -> torch.Tensor:
        """What the network is fed for rows: float32 [N, 3, side, side], BGR, -1..1."""
        # in the file's order, whatever the order asked for: the disk reads forward
        order = np.argsort(rows, kind="stable")
        pixels = np.empty((len(rows), *self.pictures.pixels.shape[1:]), np.uint8)
        pixels[order] = self.pictures.pixels[rows[order]]
        planes = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2).flip(1)
        return planes.float().mul_(2 / 255).sub_(1)

    def score_with(self, network: nn.Module) -> Callable[[NDArray[np.intp]], NDArray[np.float32]]:
        """A function from rows to the network's probabilities, float32[N, labels], in fp32."""

        @torch.inference_mode()
        def score(rows: NDArray[np.intp]) -> NDArray[np.float32]:
            network.eval()
            parts = [
                network(self.images(batch).to(next(network.parameters()).device)).sigmoid().cpu()
                for batch in np.split(rows, range(SCORED_AT_ONCE, len(rows), SCORED_AT_ONCE))
            ]
            return torch.cat(parts).numpy()

        return score


def gather(config: TrainConfig, dataset: Dataset, progress: Progress) -> Material:
    """Prepare everything a training needs. Raises DatasetError where a split has no picture."""
    device = choose_device(config.run.device)
    pictures = load_pictures(dataset, config.network.pool, progress.tell)
    for _, cause in sorted(pictures.broken.items()):
        progress.record("left out", cause=cause)
    if pictures.broken:
        progress.say(f"left out {len(pictures.broken)} pictures that can't be read")
    training, calibration, validation = (
        _rows(dataset, pictures, "train"),
        _rows(dataset, pictures, "calibration"),
        _rows(dataset, pictures, "validation"),
    )
    targets = make_targets(dataset, training)
    return Material(config, device, pictures, targets, training, calibration, validation)


def choose_device(name: str) -> torch.device:
    """`auto` is the first card torch can use, else the processor. Raises OptionError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise OptionError(f"device: expected auto, cpu, cuda or cuda:N, got {name!r}") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise OptionError(
            f"device: expected one that is here, got {name!r}: `tagger doctor` lists them"
        )
    return device


def _rows(dataset: Dataset, pictures: Pictures, split: str) -> NDArray[np.intp]:
    rows = pictures.usable(dataset.rows(split))  # pyright: ignore[reportArgumentType]
    if not len(rows):
        raise DatasetError(
            f"{dataset.path}: expected pictures in the split {split}, got none: build it with a "
            f"larger share for {split}"
        )
    return rows
