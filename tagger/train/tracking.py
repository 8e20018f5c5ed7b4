"""Who else gets the figures: TensorBoard, wandb, trackio, each behind one protocol.

A registry of functions, one for a name; what is not installed is one line, not an end.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from .config import TrainConfig


class Tracker(Protocol):
    """Gets figures by name, and pictures; a step counts the training's steps."""

    def log(self, values: Mapping[str, float], step: int) -> None: ...
    def picture(self, name: str, path: Path, step: int) -> None: ...
    def close(self) -> None: ...


class TensorBoard:
    """Event files in RUN/tensorboard: `tensorboard --logdir RUN`."""

    def __init__(self, config: TrainConfig) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(config.out / "tensorboard"))

    def log(self, values: Mapping[str, float], step: int) -> None:
        """A scalar for each figure."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def picture(self, name: str, path: Path, step: int) -> None:
        """A picture in the step's row."""
        import numpy as np
        from PIL import Image

        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        self._writer.add_image(name, pixels, step, dataformats="HWC")

    def close(self) -> None:
        """Write what is held."""
        self._writer.close()


class Wandb:
    """A run of wandb, or of trackio, which has the same functions."""

    def __init__(self, module: str, config: TrainConfig) -> None:
        self._library: Any = importlib.import_module(module)
        self._library.init(
            project=config.tracking.project,
            name=config.card.name or config.out.name,
            config=dict(config.plain()),
        )

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Figures of a step."""
        self._library.log(dict(values), step=step)

    def picture(self, name: str, path: Path, step: int) -> None:
        """A picture of a step."""
        self._library.log({name: self._library.Image(str(path))}, step=step)

    def close(self) -> None:
        """End the run there."""
        self._library.finish()


MAKERS: Mapping[str, Callable[[TrainConfig], Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": lambda config: Wandb("wandb", config),
    "trackio": lambda config: Wandb("trackio", config),
}


def make_trackers(config: TrainConfig, say: Callable[[str], None]) -> list[Tracker]:
    """Those that `track` names and that can begin; of each other one line is said."""
    trackers: list[Tracker] = []
    for name in dict.fromkeys(config.tracking.track):
        if name == "none":
            continue
        try:
            trackers.append(MAKERS[name](config))
        except ImportError:
            say(f"no figures for {name}, which is not installed: pip install {name}")
        except Exception as error:  # theirs, without a key or a network: the training goes on
            said = str(error).splitlines() or [type(error).__name__]
            say(f"no figures for {name}: {said[0]}")
    return trackers
