"""A run's folder: what may become one, and `run.json`, which says what was run on what."""

from __future__ import annotations

import json
import platform

import numpy as np
import timm
import torch
from torch import nn

from .. import __version__
from ..dataset.index import Dataset
from ..errors import UsageError
from .config import TrainConfig
from .material import Material

SCHEMA = 1


def open_run(config: TrainConfig) -> Dataset:
    """Make the run's folder and open its dataset.

    Raises UsageError before anything is written: no dataset, or a folder that is not the run's.
    """
    dataset = Dataset.open(config.dataset)
    out = config.out
    begun = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if begun and not config.resume:
        raise UsageError(
            f"{out}: expected a new or empty folder, got one with something in it: choose "
            f"another, or --resume to continue a run"
        )
    if begun:
        _check_same(config, dataset)
    (out / "checkpoints").mkdir(parents=True, exist_ok=True)
    (out / "stop").unlink(missing_ok=True)
    return dataset


def describe_run(material: Material, network: nn.Module) -> None:
    """Write run.json: settings, dataset, network, versions and hardware."""
    config = material.config
    weights = sum(weight.numel() for weight in network.parameters())
    about = {
        "schema": SCHEMA,
        "config": config.plain(),
        "dataset": material.targets.dataset.content,
        "pictures": {
            "train": len(material.training),
            "calibration": len(material.calibration),
            "validation": len(material.validation),
            "broken": len(material.pictures.broken),
        },
        "network": {
            "architecture": config.network.architecture,
            "weights": weights,
            "labels": len(material.targets.rows.labels),
            "learned": int(np.isnan(material.targets.constants).sum()),
            "side": config.network.side,
        },
        "versions": {
            "tagger": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "timm": timm.__version__,
            "numpy": np.__version__,
        },
        "hardware": {
            "device": str(material.device),
            "processor": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
        },
    }
    text = json.dumps(about, indent=2, ensure_ascii=False)
    (config.out / "run.json").write_text(text + "\n", encoding="utf-8", newline="\n")


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
