"""Where a training runs: one processor, one card, or what `accelerate launch` has set up."""

from __future__ import annotations

import os

import torch
from accelerate import Accelerator

from ..errors import OptionError
from .config import TrainConfig


def make_accelerator(config: TrainConfig) -> Accelerator:
    """Accelerate's view of the processes and devices there are; also threads and determinism.

    Precision is ours (autocast and the scaler in `learner`), whatever its own config file says.
    Raises OptionError for a device that is not here.
    """
    if config.run.threads:
        torch.set_num_threads(config.run.threads)
    _be_deterministic(config.run.deterministic)
    device = choose_device(config.run.device)
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    return Accelerator(cpu=device.type == "cpu", mixed_precision="no")


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


def _be_deterministic(wanted: bool) -> None:
    """The same bits every time; cuBLAS reads its setting when it is first used."""
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(wanted, warn_only=False)
