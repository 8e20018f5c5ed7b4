"""What became of a model, as the list of models and the top line say it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..models.files import download_size
from ..models.row import Row
from ..models.spec import ModelSpec
from .jobs import Job

ModelState = Literal["absent", "downloading", "on disk", "loaded", "bad"]


@dataclass(frozen=True)
class ModelRow:
    """One line of the list of models.

    device, dtype: where it runs now, empty where it is not loaded. reason: why it can't be used.
    size: bytes that a download would bring, None where not known. job: of its download.
    """

    name: str
    state: ModelState
    spec: ModelSpec
    device: str = ""
    dtype: str = ""
    reason: str = ""
    size: int | None = None
    folder: Path | None = None
    job: str | None = None


@dataclass(frozen=True)
class Status:
    """The top line: what became of one model. memory: bytes of its weights on the device."""

    state: ModelState
    device: str = ""
    dtype: str = ""
    memory: int = 0
    library: str = ""


def row_of(row: Row, job: Job | None) -> ModelRow:
    """The line of a model that is not loaded; `job` is its download, where one is under way."""
    if row.reason:
        return ModelRow(row.name, "bad", row.spec, reason=row.reason, folder=row.folder)
    state: ModelState = "on disk" if row.on_disk else "downloading" if job else "absent"
    size = None if row.on_disk else download_size(row.spec)
    return ModelRow(
        row.name, state, row.spec, size=size, folder=row.folder, job=job.id if job else None
    )
