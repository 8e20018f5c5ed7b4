"""Pictures that can't be read: left out, counted, and each named once.

    RUN/unreadable.csv    row of the DATASET, path, cause

Prepared pictures are known before the first step, those that are decoded on the fly when their turn
comes: so this is asked at the beginning and after every epoch.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from .underway import Training
from .written import write_text

NAME = "unreadable.csv"
WATCHED = 256
"""Pictures that are taken between two looks at how many could not be read."""
SHOWN = 10
"""How many are named on the screen; all are in the file."""


def tell(training: Training) -> None:
    """Name those met since this was called last. Every process asks; the first one writes."""
    found = _of_all(training)
    if not training.learner.accelerator.is_main_process:
        return
    path = training.config.out / NAME
    told = _rows(path)
    new = {row: cause for row, cause in sorted(found.items()) if row not in told}
    if not new:
        return
    dataset, progress = training.material.targets.dataset, training.progress
    lines = [(row, str(dataset.image_path(row)), cause) for row, cause in new.items()]
    for row, name, cause in lines:
        progress.record("left out", row=row, path=name, cause=cause)
    _add(path, lines)
    what = "a picture" if len(lines) == 1 else f"{len(lines):,} pictures"
    progress.say(f"left out {what} that can't be read, all named in {path}:")
    for _, name, cause in lines[:SHOWN]:
        progress.say(f"  {cause if name in cause else f'{name}: {cause}'}")
    if len(lines) > SHOWN:
        progress.say(f"  and {len(lines) - SHOWN:,} more")


def watch(training: Training, taken: int) -> None:
    """Count pictures that were taken. Raises DatasetError where most can't be read any more.

    Their disk may have gone; a training would go on with white squares, and learn nothing.
    """
    watched, material = training.watched, training.material
    broken, rows = material.pictures.broken, len(material.training)
    watched.taken += taken
    if watched.taken < min(WATCHED, rows):
        return
    new = len(broken) - watched.broken
    if 2 * new > watched.taken or 2 * len(broken) > len(material.plan.dataset):
        cause = broken[next(reversed(broken))]
        raise DatasetError(
            f"{material.plan.dataset.path}: expected pictures, got {new:,} of the last "
            f"{watched.taken:,} that can't be read ({cause}): see that their disk is there, then "
            f"--resume goes on from the last checkpoint"
        )
    watched.taken, watched.broken = 0, len(broken)


def _of_all(training: Training) -> Mapping[int, str]:
    """What every process has met, by row."""
    own = dict(training.material.pictures.broken)
    if training.learner.accelerator.num_processes == 1:
        return own
    from accelerate.utils import gather_object

    every: Any = gather_object([own])
    return {int(row): str(cause) for each in every for row, cause in each.items()}


def _rows(path: Path) -> set[int]:
    """The rows that are named in the file."""
    if not path.is_file():
        return set()
    with path.open(newline="", encoding="utf-8") as file:
        return {
            int(row) for line in csv.DictReader(file) if (row := line.get("row") or "").isdigit()
        }


def _add(path: Path, lines: list[tuple[int, str, str]]) -> None:
    """Write the file anew with these lines at its end, whole or not at all."""
    kept = path.read_text("utf-8") if path.is_file() else "row,path,cause\n"
    added = io.StringIO(newline="")
    csv.writer(added, lineterminator="\n").writerows(lines)
    write_text(path, kept + added.getvalue())
