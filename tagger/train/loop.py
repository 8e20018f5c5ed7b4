"""The training: pictures in batches, loss, step, average; checkpoint and figures every epoch.

On a processor with the same thread count, a training that was broken off and resumed goes on
exactly as if it had not been.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..errors import TaggerError
from . import checkpoint
from .augment import augment, draw
from .checkpoint import State
from .config import TrainConfig
from .data import in_batches, shuffled
from .finish import finish
from .losses import bce
from .material import Material, gather
from .model import Average, make_network, make_optimizer, set_head
from .progress import Progress
from .report import mean_average_precision, predictions, supported_labels
from .run import describe_run, open_run
from .targets import label_counts


@dataclass(eq=False)
class Learner:
    """What changes while a training runs."""

    network: nn.Module
    average: Average
    optimizer: torch.optim.Optimizer
    state: State

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        checkpoint.save(path, self.state, self.network, self.average.network, self.optimizer)

    def load(self, path: Path) -> None:
        """Go back to a checkpoint."""
        self.state = checkpoint.load(path, self.network, self.average.network, self.optimizer)


def train(config: TrainConfig, screen: TextIO | None = None) -> Path:
    """Train as `config` says and write the universal folder; gives its path, RUN/model.

    Raises UsageError before anything is written where the run can't be, TaggerError where the
    training came to numbers that are none.
    """
    if config.run.threads:
        torch.set_num_threads(config.run.threads)
    torch.manual_seed(config.run.seed)
    dataset = open_run(config)
    progress = Progress(config.out, screen)
    material = gather(config, dataset, progress)
    learner = _start(material)
    describe_run(material, learner.network)
    last, best = (config.out / "checkpoints" / f"{name}.safetensors" for name in ("last", "best"))
    if config.resume and last.is_file():
        learner.load(last)
        progress.say(f"continuing after epoch {learner.state.epoch}")
    _run(material, learner, progress)
    learner.load(best)
    return finish(material, learner.average.network.cpu(), progress)


def learning_rate(config: TrainConfig, done: float) -> float:
    """The rate when this share of the training is done: a linear rise, then a cosine to 0."""
    if done < config.optim.warmup:
        return config.optim.lr * done / config.optim.warmup
    fall = (done - config.optim.warmup) / max(1e-9, 1 - config.optim.warmup)
    return config.optim.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, fall)))


def _start(material: Material) -> Learner:
    config = material.config
    network = make_network(config, len(material.targets.rows.labels))
    positives, known = label_counts(material.targets, material.training)
    set_head(network, positives / np.maximum(known, 1), material.targets.constants)
    network = network.to(material.device).to(memory_format=torch.channels_last)  # pyright: ignore
    return Learner(
        network, Average(network, config.optim.ema), make_optimizer(network, config), State()
    )


def _run(material: Material, learner: Learner, progress: Progress) -> None:
    """Epoch after epoch, until all are done, time is up or somebody wrote `stop`."""
    config = material.config
    supported = supported_labels(material.targets, material.training)
    folder = config.out / "checkpoints"
    while learner.state.epoch < config.optim.epochs and not _stopped(config, learner.state):
        began = time.monotonic()
        loss = _epoch(material, learner, progress)
        found = predictions(
            material.score_with(learner.average.network), material.targets, material.calibration
        )
        figure = mean_average_precision(found, supported)
        old = learner.state
        learner.state = State(
            epoch=old.epoch + 1,
            step=old.step,
            seconds=old.seconds + time.monotonic() - began,
            best=max(figure, old.best),
        )
        # the best first: broken off in between, this epoch is done again
        if figure > old.best:
            learner.save(folder / "best.safetensors")
        learner.save(folder / "last.safetensors")
        progress.epoch(
            {
                "epoch": learner.state.epoch,
                "step": learner.state.step,
                "loss": loss,
                "calibration_map": figure,
                "lr": learner.optimizer.param_groups[0]["lr"],
                "seconds": learner.state.seconds,
            }
        )


def _stopped(config: TrainConfig, state: State) -> bool:
    return _over(config, state.seconds) or (config.out / "stop").exists()


def _epoch(material: Material, learner: Learner, progress: Progress) -> float:
    """See every picture once; gives the mean loss."""
    config, state, began = material.config, learner.state, time.monotonic()
    batches = in_batches(
        shuffled(material.training, config.run.seed, state.epoch), config.optim.batch_size
    )
    total, number = 0.0, 0
    learner.network.train()
    for number, rows in enumerate(batches):
        elapsed = time.monotonic() - began
        if _over(config, state.seconds + elapsed) and number:
            break
        done = _share_done(
            config, state.epoch + (number + 0.5) / len(batches), state.seconds + elapsed
        )
        for group in learner.optimizer.param_groups:
            group["lr"] = learning_rate(config, done)
        total += _step(material, learner, rows)
        learner.state = replace(learner.state, step=learner.state.step + 1)
        rate = (number + 1) * len(rows) / max(1e-9, time.monotonic() - began)
        what = (
            f"epoch {state.epoch + 1} of {config.optim.epochs}, loss {total / (number + 1):.3f}, "
        )
        progress.tell(f"{what}{rate:.0f} pictures a second, step", number + 1, len(batches))
    return total / (learner.state.step - state.step)


def _share_done(config: TrainConfig, epochs: float, seconds: float) -> float:
    """How much of the training is done, 0 to 1: of its epochs or its time, whichever is more."""
    share = epochs / config.optim.epochs
    return max(share, seconds / (60 * config.run.time_limit)) if config.run.time_limit else share


def _over(config: TrainConfig, seconds: float) -> bool:
    return config.run.time_limit > 0 and seconds >= 60 * config.run.time_limit


def _step(material: Material, learner: Learner, rows: NDArray[np.intp]) -> float:
    """One batch: loss, gradient, step, average; gives the loss. Raises TaggerError for NaN."""
    config, device, epoch = material.config, material.device, learner.state.epoch
    chance = torch.from_numpy(draw(rows, config.run.seed, epoch))
    images = augment(material.images(rows), chance.to(device), config)
    truth, known = (torch.from_numpy(each).to(device) for each in material.targets.of(rows))
    half = config.run.precision == "bf16"
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
        logits = learner.network(images.contiguous(memory_format=torch.channels_last))
    loss = bce(logits, truth, known, config.loss.label_smoothing)
    value = loss.item()
    if not math.isfinite(value):
        raise TaggerError(
            f"{config.out}: expected a loss, got {value} in epoch {epoch + 1} in the batch of rows "
            f"{rows[:3]} ...: lower --lr"
        )
    learner.optimizer.zero_grad()
    loss.backward()
    if config.optim.clip:
        nn.utils.clip_grad_norm_(learner.network.parameters(), config.optim.clip)
    learner.optimizer.step()
    learner.average.update(learner.network, learner.state.step)
    return value
