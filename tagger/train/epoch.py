"""One epoch: step after step, each loss read, recorded and shown; saved, paused, broken off."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from ..bytecount import readable
from ..errors import TaggerError
from . import unreadable
from .loader import Batch
from .memory import memory_used
from .sampling import steps_of
from .schedule import Clock, learning_rate
from .stopping import Stopped
from .underway import Training


def run_epoch(training: Training) -> float:
    """See every picture once, or what is left of an epoch that broke off; gives the mean loss."""
    config, learner = training.config, training.learner
    steps = _steps(training)
    own = learner.accelerator.process_index
    epoch, began = learner.state.epoch, learner.state.batch
    stream = training.material.loader.training(
        [each for step in steps[began:] for each in step[:, own]],
        config.run.seed,
        epoch,
        config.augment,
        training.material.plan.flips,
    )
    learner.whole.train()
    unread: deque[_Taken] = deque()
    delay = 1 if learner.accelerator.device.type == "cuda" else 0  # never wait for the card
    try:
        for number in range(began, len(steps)):
            taken = _take(training, stream, steps, number)
            unread.append(taken)
            learner.state = replace(learner.state, batch=number + 1, step=learner.state.step + 1)
            while len(unread) > delay:
                _read(training, unread.popleft())
            unreadable.watch(training, steps[number].size)
            if _pause(training, unread, number + 1 == len(steps)):
                break
    finally:
        stream.close()  # pyright: ignore[reportAttributeAccessIssue]
    while unread:
        _read(training, unread.popleft())
    return learner.state.total / max(1, learner.state.batch)


def _steps(training: Training) -> list[NDArray[np.intp]]:
    options, accelerator = training.config.optim, training.learner.accelerator
    order = training.material.sampler.order(training.learner.state.epoch)
    return steps_of(order, options.batch_size, accelerator.num_processes, options.accumulate)


@dataclass(frozen=True, eq=False)
class _Taken:
    """A step that was taken; its loss may still be under way on the card."""

    step: int
    rows: NDArray[np.intp]
    parts: dict[str, torch.Tensor]
    rate: float
    seconds: float
    waited: float
    done: int
    total: int


def _take(
    training: Training, stream: Iterator[Batch], steps: list[NDArray[np.intp]], number: int
) -> _Taken:
    """Take one step."""
    config, state, start = training.config, training.learner.state, time.monotonic()
    done = training.agreed(_share_done(training, state.epoch + (number + 0.5) / len(steps)))
    batches = list(islice(stream, steps[number].shape[0]))
    waited = time.monotonic() - start
    clock = Clock(done, state.epoch, state.step, len(steps) * config.optim.epochs)
    plateau = config.optim.schedule == "plateau"
    rate = state.plateau.lr if plateau else learning_rate(config.optim, clock)
    side = next((side for side, until in config.run.sides() if done < until), 0)
    parts = training.learner.step(batches, rate, side)
    seconds = time.monotonic() - start
    return _Taken(
        state.step + 1, steps[number], parts, rate, seconds, waited, number + 1, len(steps)
    )


def _share_done(training: Training, epochs: float) -> float:
    """How much of the training is done, 0 to 1: of its epochs or its time, whichever is more."""
    share = epochs / training.config.optim.epochs
    limit = 60 * training.config.run.time_limit
    return max(share, training.elapsed() / limit) if limit else share


def _read(training: Training, taken: _Taken) -> None:
    """Read a step's loss, record it, show it. Raises TaggerError where it is no number."""
    config, state = training.config, training.learner.state
    parts = {name: value.item() for name, value in taken.parts.items()}
    if not math.isfinite(parts["loss"]):
        dataset = training.material.targets.dataset
        names = ", ".join(str(dataset.image_path(int(row))) for row in taken.rows.ravel()[:3])
        raise TaggerError(
            f"{config.out}: expected a loss, got {parts['loss']} in epoch {state.epoch + 1}, step "
            f"{taken.step} in the batch of {names} ...: lower --lr, then --resume goes on from the "
            f"last checkpoint"
        )
    training.learner.state = replace(state, total=state.total + parts["loss"])
    values = {
        "step": taken.step,
        "epoch": state.epoch + taken.done / taken.total,
        **parts,
        "lr": taken.rate,
        "images_per_second": taken.rows.size / max(1e-9, taken.seconds),
        "data_wait": taken.waited / max(1e-9, taken.seconds),
        "memory_gb": memory_used(training.learner.accelerator.device) / 1e9,
    }
    if taken.step % config.tracking.log_every == 0:
        training.progress.step(values)
    _show(training, taken, values)


def _show(training: Training, taken: _Taken, values: dict[str, float]) -> None:
    config, state = training.config, training.learner.state
    left = (config.optim.epochs - values["epoch"]) * taken.total * taken.seconds
    if config.run.time_limit:
        left = min(left, 60 * config.run.time_limit - training.elapsed())
    what = f"epoch {state.epoch + 1} of {config.optim.epochs}, "
    what += f"loss {state.total / max(1, taken.done):.3f}, lr {taken.rate:.2g}, "
    what += f"{values['images_per_second']:.0f} pictures a second, step"
    after = f", {_spoken(left)} left, {readable(1e9 * values['memory_gb'])}"
    training.progress.tell(what, taken.done, taken.total, after)


def _spoken(seconds: float) -> str:
    minutes = max(0, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def stop_if_asked(training: Training, signal: float | None = None) -> None:
    """Raise Stopped where somebody has asked, or `signal` says so; all is saved before."""
    found = int(training.agreed(training.asked.signal) if signal is None else signal)
    if found:
        step = training.learner.state.step
        raise Stopped(f"stopped after step {step:,}: --resume goes on from there", 128 + found)


def _pause(training: Training, unread: deque[_Taken], last: bool) -> bool:
    """After a step: save where it is time; whether the epoch breaks off here.

    Raises Stopped, with a checkpoint written, where somebody has asked.
    """
    config, learner = training.config, training.learner
    signal = training.agreed(training.asked.signal)
    if signal or (learner.state.step % config.run.save_every == 0 and not last):
        while unread:
            _read(training, unread.popleft())
        training.settle()
        learner.save(training.folder)
    stop_if_asked(training, signal)
    limit = 60 * config.run.time_limit
    over = bool(limit) and training.elapsed() >= limit
    return bool(training.agreed(over or (config.out / "stop").exists()))
