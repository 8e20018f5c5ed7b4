"""A training under way: what it is made of, what has changed, who watches."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .config import TrainConfig
from .learner import Learner
from .material import Material
from .progress import Progress
from .stopping import Asked


@dataclass
class Watched:
    """Pictures taken since somebody looked, and how many could not be read until then."""

    taken: int = 0
    broken: int = 0


@dataclass(eq=False)
class Training:
    """A training under way."""

    material: Material
    learner: Learner
    progress: Progress
    asked: Asked
    labels: NDArray[np.intp]
    began: float = field(default_factory=time.monotonic)
    watched: Watched = field(default_factory=Watched)

    @property
    def config(self) -> TrainConfig:
        """Its settings."""
        return self.material.config

    @property
    def folder(self) -> Path:
        """Where its checkpoints lie."""
        return self.config.out / "checkpoints"

    def elapsed(self) -> float:
        """Seconds that it has taken, those before a resume included."""
        return self.learner.state.seconds + time.monotonic() - self.began

    def settle(self, **changes: Any) -> None:
        """Change the state, and count the time that has passed into it."""
        now = time.monotonic()
        seconds = self.learner.state.seconds + now - self.began
        self.began = now
        self.learner.state = replace(self.learner.state, seconds=seconds, **changes)

    def agreed(self, value: float) -> float:
        """What the first process says; the others may have seen another time."""
        accelerator = self.learner.accelerator
        if accelerator.num_processes == 1:
            return value
        from accelerate.utils import broadcast

        told: Any = broadcast(torch.tensor([float(value)], device=accelerator.device))
        return told.item()
