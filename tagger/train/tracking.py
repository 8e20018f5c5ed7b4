"""Who else gets the figures: TensorBoard, wandb, trackio, each behind one protocol.

A registry of functions, one for a name; what is not installed is one line, not an end. A training
that goes on goes on there too: its runs elsewhere are kept by name in RUN/trackers.json.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from .config import TrainConfig
from .written import write_json

KEPT = "trackers.json"


class Tracker(Protocol):
    """Gets figures by name, and pictures; a step counts the training's steps."""

    def log(self, values: Mapping[str, float], step: int) -> None: ...
    def picture(self, name: str, path: Path, step: int) -> None: ...
    def close(self) -> None: ...


class TensorBoard:
    """Event files in RUN/tensorboard: `tensorboard --logdir RUN`."""

    def __init__(self, config: TrainConfig, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # what was written after the checkpoint that is gone on from is passed over
        purge = step + 1 if step else None
        self._writer: Any = SummaryWriter(str(config.out / "tensorboard"), purge_step=purge)

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
    """A run of wandb."""

    module = "wandb"

    def __init__(self, config: TrainConfig, step: int) -> None:
        self._library: Any = importlib.import_module(self.module)
        former = _former(config).get(self.module) if step else None
        run = self._library.init(
            project=config.tracking.project,
            config=dict(config.plain()),
            **self._named(config, former),
        )
        _keep(config, self.module, str(getattr(run, self.kept)))

    kept = "id"

    def _named(self, config: TrainConfig, former: str | None) -> Mapping[str, str]:
        """Which run: the former one, else a new one of this name."""
        name = config.card.name or config.out.name
        return {"name": name} | ({"id": former, "resume": "allow"} if former else {})

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Figures of a step."""
        self._library.log(dict(values), step=step)

    def picture(self, name: str, path: Path, step: int) -> None:
        """A picture of a step."""
        self._library.log({name: self._library.Image(str(path))}, step=step)

    def close(self) -> None:
        """End the run there."""
        self._library.finish()


class Trackio(Wandb):
    """A run of trackio, which has wandb's functions and knows runs by their names."""

    module, kept = "trackio", "name"

    def _named(self, config: TrainConfig, former: str | None) -> Mapping[str, str]:
        if former:
            return {"name": former, "resume": "allow"}
        return {"name": config.card.name or config.out.name}


MAKERS: Mapping[str, Callable[[TrainConfig, int], Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": Wandb,
    "trackio": Trackio,
}


def make_trackers(config: TrainConfig, step: int, say: Callable[[str], None]) -> list[Tracker]:
    """Those that `track` names and that can begin; of each other one line is said.

    step: the one that is gone on from, 0 for a new training.
    """
    trackers: list[Tracker] = []
    for name in dict.fromkeys(config.tracking.track):
        if name == "none":
            continue
        try:
            trackers.append(MAKERS[name](config, step))
        except ImportError:
            say(f"no figures for {name}, which is not installed: pip install {name}")
        except Exception as error:  # theirs, without a key or a network: the training goes on
            said = str(error).splitlines() or [type(error).__name__]
            say(f"no figures for {name}: {said[0]}")
    return trackers


def _former(config: TrainConfig) -> Mapping[str, str]:
    """The runs elsewhere that this training began, by tracker."""
    try:
        kept = json.loads((config.out / KEPT).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _keep(config: TrainConfig, module: str, run: str) -> None:
    write_json(config.out / KEPT, {**_former(config), module: run})
