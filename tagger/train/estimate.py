"""What a training would be and take, before anything is trained: `--dry-run`."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from ..bytecount import readable
from .config import TrainConfig
from .data import Decoded, bytes_needed, kept_at, rows_in_batches
from .learner import Learner, computed_in, make_learner
from .material import Material, assemble, caches, look_at_pictures, prepared_already
from .memory import memory_used
from .plan import Plan
from .sampling import steps_of
from .summary import network_summary

TIMED, LOOKED_AT = 3, 32
"""Steps on the clock, pictures decoded on the clock."""
FEW, PATIENCE_S = 2, 10.0
"""Pictures of a first, small step, and how long whole ones may take after them."""


@dataclass(frozen=True)
class Estimate:
    """Lines for a person, and the figures behind them."""

    lines: tuple[str, ...]
    figures: dict[str, Any]


def estimate(plan: Plan, accelerator: Accelerator) -> Estimate:
    """Build the network, take a few steps on a few pictures, and reckon from there.

    Nothing is written. Raises what the training itself would raise before its first step.
    """
    config = plan.config
    material = assemble(plan, accelerator.device, look_at_pictures(plan))
    decode = _seconds_to_decode(material)
    learner = make_learner(material, accelerator)
    steps = steps_of(
        material.sampler.order(0),
        config.optim.batch_size,
        accelerator.num_processes,
        config.optim.accumulate,
    )
    step, timed = _seconds_to_step(learner, steps[0], material)
    summary = network_summary(learner.network, config.network.side)
    figures = {
        **_figures(plan, learner, step, decode, len(steps), steps[0].size),
        "timed_pictures": timed,
        "pictures": {
            "train": len(material.training),
            "calibration": len(material.calibration),
            "validation": len(material.validation),
        },
        "network": summary.plain(),
        "labels": len(material.targets.rows.labels),
        "learned": int(np.isnan(material.targets.constants).sum()),
    }
    return Estimate((*summary.lines(), *_lines(config, figures)), figures)


def _seconds_to_decode(material: Material) -> float:
    """Seconds of one thread for a picture; 0 where they are prepared."""
    pictures = material.pictures
    if not isinstance(pictures, Decoded):
        return 0.0
    rows = np.unique(np.linspace(0, len(material.plan.dataset) - 1, LOOKED_AT).astype(int)).tolist()
    start = time.perf_counter()
    for row in rows:
        pictures.read(row)
    return (time.perf_counter() - start) / len(rows)


def _seconds_to_step(learner: Learner, rows: np.ndarray, material: Material) -> tuple[float, int]:
    """Seconds of a step, and how many pictures this process took in those on the clock.

    Small ones come first. Where whole ones would keep a person waiting, as those of thousands of
    pictures on a processor do, they are reckoned from these.
    """
    own = rows[:, learner.accelerator.process_index]
    seconds, size = _reckoned(learner, own, material)
    on_cpu = learner.accelerator.device.type == "cpu"
    if on_cpu and seconds * TIMED > PATIENCE_S:
        return seconds, size
    one = own[:1]  # of a card, memory is to be seen: so all that it takes at once
    if not on_cpu:
        _take(learner, material, one)
    taken: list[float] = []
    while len(taken) < TIMED and sum(taken) < PATIENCE_S:
        taken.append(_take(learner, material, one))
    return sum(taken) / len(taken) * own.shape[0], one.size


def _reckoned(learner: Learner, own: np.ndarray, material: Material) -> tuple[float, int]:
    """Seconds of a step of `own` after two small ones, and how many pictures the larger held.

    What a step costs whatever it holds, as the optimizer does, is not multiplied.
    """
    few, more = own[:1, :FEW], own[:1, : 2 * FEW]
    _take(learner, material, few)  # what the first one sets up is not its own
    less = _take(learner, material, few)
    if more.size == few.size:
        return less * own.size / few.size, few.size
    seconds = _take(learner, material, more)
    each = max(0.0, seconds - less) / (more.size - few.size)
    return seconds + each * (own.size - more.size), more.size


def _take(learner: Learner, material: Material, rows: np.ndarray) -> float:
    """Seconds of a step of these rows, int[batches, pictures], read and decoded before."""
    batches = [*material.loader.batches(rows_in_batches(rows.ravel(), rows.shape[1]))]
    start = time.perf_counter()
    learner.step(batches, 0.0, 0)["loss"].item()
    return time.perf_counter() - start


def _figures(
    plan: Plan,
    learner: Learner,
    step: float,
    decode: float,
    steps: int,
    pictures: int,
) -> dict[str, Any]:
    config, dataset = plan.config, plan.dataset
    weights = sum(each.numel() for each in learner.network.parameters())
    moving = sum(each.numel() for each in learner.network.parameters() if each.requires_grad)
    cached, needed = caches(config, dataset), bytes_needed(dataset, config.network)
    threads = config.data.workers or torch.get_num_threads()
    on_cpu = learner.accelerator.device.type == "cpu"
    data = 0.0 if cached else decode * pictures / max(1, threads)
    whole = step + data if on_cpu else max(step, data)
    seconds = whole * steps * config.optim.epochs
    if config.run.time_limit:
        seconds = min(seconds, 60 * config.run.time_limit)
    return {
        "weights": weights,
        "trained_weights": moving,
        "steps": steps * config.optim.epochs,
        "pictures_a_step": pictures,
        "step_seconds": step,
        "decode_seconds": decode,
        "preparing_seconds": decode * len(dataset) / max(1, threads) if cached else 0.0,
        "seconds": seconds,
        "memory_bytes": memory_used(learner.accelerator.device),
        "cached": cached,
        "cache_bytes": 0 if prepared_already(plan) or not cached else needed,
        "checkpoint_bytes": 3 * 4 * weights * 4,
        "free_bytes": shutil.disk_usage(kept_at(dataset, config.network).parent).free,
        "device": str(learner.accelerator.device),
        "precision": computed_in(config, learner.accelerator.device),
    }


def _lines(config: TrainConfig, figures: dict[str, Any]) -> tuple[str, ...]:
    split = figures["pictures"]
    side = config.network.side
    return (
        f"network: {config.network.built}, {figures['weights']:,} weights "
        f"({figures['trained_weights']:,} trained), sees {side} x {side} pixels",
        f"labels: {figures['labels']:,}, of which {figures['learned']:,} are learned",
        f"pictures: {split['train']:,} to train on, {split['calibration']:,} to calibrate, "
        f"{split['validation']:,} to validate",
        f"steps: {figures['steps']:,} of {figures['pictures_a_step']:,} pictures, "
        f"{figures['step_seconds']:.3f} s each on {figures['device']} in {figures['precision']}",
        f"time: about {_hours(figures['seconds'])}" + _pictures(figures),
        _memory(figures),
        f"disk: {readable(figures['cache_bytes'])} of prepared pictures, "
        f"{readable(figures['checkpoint_bytes'])} of checkpoints; "
        f"{readable(figures['free_bytes'])} are free",
    )


def _pictures(figures: dict[str, Any]) -> str:
    if figures["cache_bytes"]:
        return f", after {_hours(figures['preparing_seconds'])} to prepare pictures once"
    return ", pictures are prepared" if figures["cached"] else ", pictures decoded each time"


def _memory(figures: dict[str, Any]) -> str:
    said = f"memory: {readable(figures['memory_bytes'])} so far"
    if figures["timed_pictures"] > 2 * FEW:
        return said
    return f"{said}, {figures['timed_pictures']} pictures at once: whole steps take more"


def _hours(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
