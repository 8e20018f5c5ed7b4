"""The models of a process: listed, fetched, loaded, freed. Knows no pictures and no folders."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from ..backends import Backend, open_backend
from ..errors import BackendError, ModelError, UsageError
from ..labels import LabelSet
from ..models.download import download
from ..models.registry import DEFAULT, Registry
from ..models.spec import Model
from ..settings import Runtime
from ..thresholds import Thresholds
from .host import Host
from .inturn import InTurn
from .jobs import ENDED, BusyError, Job, Jobs
from .kept import Kept
from .modelrows import ModelRow, Status, row_of
from .scoring import Models, Scoring
from .training.trainings import Trainings

log = logging.getLogger(__name__)

_ALL = 1 << 50
"""Bytes of room that no device has: all that can be freed is."""


class AbsentError(ModelError):
    """A listed model is not on disk."""


class Shelf:
    """The models of one process. All methods suit any thread."""

    def __init__(
        self,
        host: Host,
        registry: Registry | None = None,
        open: Callable[[Model, Runtime], Backend] = open_backend,  # noqa: A002 - what it does
    ) -> None:
        """Load nothing, write nothing yet."""
        self.host = host
        self.registry = registry or Registry(host.model_folders())
        self.jobs = Jobs()
        self.models = Models(self.registry)
        self.kept = Kept()
        self.trainings = Trainings()
        self._lock = threading.Lock()
        self._scoring: Scoring | None = None
        self._open = open

    @property
    def default_model(self) -> str:
        """The model of whoever names none."""
        return self.host.preferences().default_model or DEFAULT

    def find(self, name: str = "") -> Model:
        """A listed model by name or alias, on disk; an empty name is the default.

        Raises:
            ModelError: unknown or bad.
            AbsentError: listed, and not on disk.
        """
        model = self.models.find(name or self.default_model)
        if not model.on_disk:
            raise AbsentError(str(self.registry.missing(model)))
        return model

    def rows(self) -> tuple[ModelRow, ...]:
        """Every model that is known, with what became of it."""
        loaded = {tagger.name: tagger.backend for tagger in self.scoring.taggers.loaded()}
        fetched = self._downloads()
        rows = [row_of(row, fetched.get(row.name)) for row in self.registry.list()]
        return tuple(
            replace(row, state="loaded", device=there.device, dtype=there.dtype)
            if (there := loaded.get(row.name))
            else row
            for row in rows
        )

    def status(self, model: str = "") -> Status:
        """What became of one model; raises ModelError where it is unknown."""
        found = self.models.find(model or self.default_model)
        for tagger in self.scoring.taggers.loaded():
            if tagger.name == found.name:
                backend = tagger.backend
                return Status(
                    "loaded", backend.device, backend.dtype, backend.memory, backend.library
                )
        if found.on_disk:
            return Status("on disk")
        return Status("downloading" if found.name in self._downloads() else "absent")

    def load(self, model: str = "") -> Job:
        """Fetch a model if need be and load it, as a job."""
        found = self.models.find(model or self.default_model)
        fetching = self._downloads().get(found.name)
        if fetching and fetching.kind == "load":
            return fetching

        def work(job: Job) -> None:
            if fetching:
                _follow(fetching, job)
            if not self.models.find(found.name).on_disk:
                self._fetch(found, job)
            job.check()
            self.scoring.pipeline(found.name)

        return self.jobs.start("load", found.name, work)

    def download(self, model: str = "") -> Job:
        """Fetch a model as a job; the one that is at it already, if there is one."""
        found = self.models.find(model or self.default_model)
        under_way = self._downloads().get(found.name)
        return under_way or self.jobs.start(
            "download", found.name, lambda job: self._fetch(found, job)
        )

    def unload(self, model: str | None = None) -> int:
        """Free a model, or all, once running batches are over; say how many bytes."""
        return self.scoring.unload(None if model is None else self.models.find(model).name)

    def make_way(self, device: str) -> None:
        """Leave a device to a training: our models go, and what the host can bring back later.

        Raises BusyError while the host makes pictures there.
        """
        self.unload()
        if device != "cpu" and self.host.device() != "cpu" and not self.host.make_room(_ALL):
            raise BusyError(
                f"expected {self.host.name} to make no pictures now, got one that does: start the "
                f"training when it is done"
            )

    def labels(self, model: str = "") -> LabelSet:
        """What a model can say; raises ModelError where it is not on disk."""
        return self.find(model).labels

    def thresholds(self, model: str = "") -> Thresholds:
        """A model's own operating point."""
        return self.models.find(model or self.default_model).thresholds

    @property
    def scoring(self) -> Scoring:
        """The models' queues."""
        with self._lock:
            if self._scoring is None:
                self._scoring = Scoring(
                    self.models, self.kept.store_if_any, self._way, self._room_for, self._opened
                )
            return self._scoring

    def close(self) -> None:
        """Cancel jobs, free models, close files."""
        self.jobs.close()
        if self._scoring:
            self._scoring.close()
        self.kept.close()

    # the parts

    def _way(self) -> tuple[Runtime, float | None]:
        wished = self.host.preferences()
        device = self.host.device() if wished.device == "auto" else wished.device
        return replace(wished.runtime, device=device), wished.idle_s

    def _room_for(self, model: Model) -> None:
        if self._way()[0].device == "cpu":
            return
        if not self.host.make_room(2 * model.weights.stat().st_size):
            log.info("%s: loaded beside what the WebUI holds", model.name)

    def _opened(self, model: Model, runtime: Runtime) -> Backend:
        """The model, on the processor where the device that the WebUI would use refuses it."""
        try:
            backend = self._open(model, runtime)
        except BackendError as error:
            if runtime.device == "cpu" or runtime.device == self.host.preferences().device:
                raise
            said = "%s: %s refused (%s), running on the processor"
            log.warning(said, model.name, runtime.device, error)
            backend = self._open(model, replace(runtime, device="cpu"))
        on_card = backend.device != "cpu"
        return cast("Backend", InTurn(backend, self.host)) if on_card else backend

    def _downloads(self) -> dict[str, Job]:
        """The models being fetched."""
        kinds = ("download", "load")
        jobs = [job for job in self.jobs.list() if job.kind in kinds and job.state not in ENDED]
        return {job.title: job for job in jobs}

    def _fetch(self, model: Model, job: Job) -> None:
        def tell(done: int, total: int) -> None:
            job.check()
            job.tell(done=done, total=total)

        if model.spec.repo is None:
            source = model.spec.source or "its author"
            raise UsageError(f"{model.name}: expected a model of the hub, fetch it from {source}")
        download(model.spec, tell)


def _follow(other: Job, job: Job) -> None:
    """Wait until another job has ended, as far along as that one is."""
    while not other.wait(0.2):
        job.check()
        job.tell(done=other.done, total=other.total)
