"""A run's folder: what may become one, and `run.json`, which says what was run on what."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import accelerate
import numpy as np
import timm
import torch
from numpy.typing import NDArray

from .. import __version__
from ..dataset.index import Dataset
from ..errors import UsageError
from ..models.lock import held
from ..paths import cause_of
from .config import TrainConfig
from .material import Material
from .model import TaggerNetwork
from .plan import Plan
from .summary import network_summary
from .written import write_json

SCHEMA = 1
LOCK = ".lock"
"""Held by the training that writes a run."""


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """The run's folder, there and ours for as long as the block runs; an empty one goes again.

    Raises UsageError where another training holds it, or it can't be made.
    """
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    with ExitStack() as stack:
        try:
            out.mkdir(parents=True, exist_ok=True)
            stack.callback(_remove, missing)
            stack.enter_context(held(out / LOCK, 0.0))
            stack.callback(_unlink, out / LOCK)  # while it is held, so that nobody else's goes
        except TimeoutError as error:
            raise UsageError(
                f"{out}: expected a run that nothing writes, got one of a training under way: wait "
                f"for its end, or choose another folder"
            ) from error
        except OSError as error:
            raise UsageError(f"{out}: can't be written: {cause_of(error)}") from error
        yield


def _unlink(lock: Path) -> None:
    with suppress(OSError):  # Windows keeps what is open: it stays, and stands in nobody's way
        lock.unlink()


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # something in it
            folder.rmdir()


@contextmanager
def opened(plan: Plan) -> Iterator[None]:
    """The run's folder, begun; what is refused inside leaves nothing in one that was empty.

    Raises UsageError before anything is written where the folder is not the run's.
    """
    config = plan.config
    out = config.out
    begun = any(path.name != LOCK for path in out.iterdir())
    if begun and not config.resume:
        raise UsageError(
            f"{out}: expected a new or empty folder, got one with something in it: choose "
            f"another, or --resume to continue a run"
        )
    if begun:
        _check_same(config, plan.dataset)
    try:
        (out / "checkpoints").mkdir(exist_ok=True)
        (out / "stop").unlink(missing_ok=True)
        yield
    except BaseException as error:
        if not begun:
            _empty(out)
        if isinstance(error, OSError) and error.filename:
            raise UsageError(f"{error.filename}: can't be written: {cause_of(error)}") from error
        raise


def _empty(out: Path) -> None:
    for path in out.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)


def describe_run(material: Material, network: TaggerNetwork, judged: NDArray[np.intp]) -> None:
    """Write run.json: settings, dataset, network, versions and hardware.

    judged: the labels that mAP is over in every epoch, by their places.
    """
    config = material.config
    weights = sum(weight.numel() for weight in network.parameters())
    about = {
        "schema": SCHEMA,
        "config": {**config.plain(), "dataset": str(config.dataset.absolute())},
        "dataset": material.targets.dataset.content,
        "pictures": {
            "train": len(material.training),
            "calibration": len(material.calibration),
            "validation": len(material.validation),
            "broken": len(material.pictures.broken),
        },
        "network": {
            "architecture": config.network.built,
            "weights": weights,
            "labels": len(material.targets.rows.labels),
            "learned": int(np.isnan(material.targets.constants).sum()),
            "side": config.network.side,
            "summary": network_summary(network, config.network.side).plain(),
        },
        "judged_by": [material.targets.rows.labels[place].name for place in judged],
        "versions": {
            "tagger": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "timm": timm.__version__,
            "accelerate": accelerate.__version__,
            "numpy": np.__version__,
        },
        "hardware": {
            "device": str(material.device),
            "card": torch.cuda.get_device_name(material.device)
            if material.device.type == "cuda"
            else None,
            "processor": processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "processes": int(os.environ.get("WORLD_SIZE", "1")),
        },
    }
    write_json(config.out / "run.json", about)


def processor() -> str:
    """What the processor calls itself."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"model name\s*:\s*(.+)", text)
    return found[1] if found else platform.machine()


def _check_same(config: TrainConfig, dataset: Dataset) -> None:
    """Refuse to continue a run of something else."""
    if (config.out / "model").exists():
        raise UsageError(
            f"{config.out}: expected a run to --resume, got one that is finished: choose a new "
            f"folder"
        )
    path = config.out / "run.json"
    try:
        content = json.loads(path.read_text("utf-8"))["dataset"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path}: expected the run to --resume, got {error}: choose a new folder"
        ) from error
    if content != dataset.content:
        raise UsageError(
            f"{config.out}: expected a run on {dataset.path}, got one on another dataset: choose "
            f"a new folder"
        )
