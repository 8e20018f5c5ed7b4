"""A run's curves, from the files that it wrote: loss, rate and figures of each epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..report.curves import Line, Panel, plot_panels, smooth
from .progress import JOURNAL

Records = Sequence[Mapping[str, Any]]
_FIGURES = ("step", "epoch", "time", "kind", "lr", "norm", "images_per_second", "data_wait")
_FIGURES += ("memory_gb", "loss")


def read_records(run: Path) -> list[dict[str, Any]]:
    """The records of progress.jsonl; a line that broke off is left out.

    Raises UsageError where there is no such file.
    """
    path = run / JOURNAL
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise UsageError(
            f"{run}: expected the folder of a training with {JOURNAL}, got none: name its --out"
        ) from error
    records: list[dict[str, Any]] = []
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and isinstance(found.get("step", 0), (int, float)):
            records.append(found)
    return records


def plot_curves(run: Path, path: Path) -> Path:
    """Write the curves of a run as a PNG. Raises UsageError where it has no steps yet."""
    records = read_records(run)
    steps = [each for each in records if each.get("kind") == "step"]
    epochs = [each for each in records if each.get("kind") == "epoch"]
    if not steps and not epochs:
        raise UsageError(f"{run}: expected figures of steps, got none yet: wait for --log-every")
    plot_panels(path, [panel for panel in _panels(steps, epochs) if panel.lines], run.name)
    return path


def _panels(steps: Records, epochs: Records) -> list[Panel]:
    losses = [*_smoothed(steps, "loss", "training"), *_dotted(epochs, "calibration_loss")]
    parts = sorted({name for each in steps for name in each} - set(_FIGURES))
    whole = _points(steps, "loss")
    # one head's is the loss; a head that has nothing to learn costs nothing
    parts = [
        name for name in parts if _points(steps, name) != whole and any(_points(steps, name)[1])
    ]
    panels = [Panel("loss" if whole[0] else "loss on the calibration split", "step", tuple(losses))]
    for name in parts:
        panels.append(Panel(f"loss: {name}", "step", tuple(_smoothed(steps, name, name))))
    maps = tuple(_dotted(epochs, "calibration_map"))
    panels.append(Panel("mAP on the calibration split", "step", maps))
    panels.append(Panel("learning rate", "step", tuple(_plain(steps, "lr"))))
    speed = tuple(_smoothed(steps, "images_per_second", "pictures"))
    return [*panels, Panel("pictures a second", "step", speed)]


def _smoothed(records: Records, name: str, label: str) -> list[Line]:
    x, y = _points(records, name)
    return [Line(label, x, y, pale=True), Line(label, x, smooth(y))] if x else []


def _dotted(records: Records, name: str) -> list[Line]:
    x, y = _points(records, name)
    return [Line(name.replace("_", " "), x, y, dots=True)] if x else []


def _plain(records: Records, name: str) -> list[Line]:
    x, y = _points(records, name)
    return [Line(name, x, y)] if x else []


def _points(records: Records, name: str) -> tuple[list[float], list[float]]:
    own = [each for each in records if "step" in each and isinstance(each.get(name), (int, float))]
    return [each["step"] for each in own], [each[name] for each in own]
