"""App: one object a process, all that the page and the routes know of Tagger."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from ..backends import Backend, open_backend
from ..caption import Caption
from ..captioner import Captioner
from ..errors import ModelError, TaggerError, UsageError
from ..folder.confines import check_within
from ..folder.journal import Journal
from ..home import home
from ..labels import LabelSet
from ..models.download import download, download_size
from ..models.registry import DEFAULT, Registry, Row
from ..models.spec import Model, ModelSpec
from ..pipeline import Priority
from ..relationfiles import home_relations, join
from ..relations import EMPTY, Relations
from ..scores import Scores
from ..settings import Runtime, Settings
from ..store import Store
from ..thresholds import Thresholds
from . import runs
from .host import Host
from .jobs import ENDED, Job, Jobs
from .preview import Preview, preview
from .runs import FolderRequest, Means
from .scoring import Models, Picture, Scoring

log = logging.getLogger(__name__)

ModelState = Literal["absent", "downloading", "on disk", "loaded", "bad"]


class AbsentError(ModelError):
    """A listed model is not on disk."""


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


class App:
    """Models, kept scores, jobs and folders of one process. All methods suit any thread."""

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
        self._lock = threading.Lock()
        self._kept: tuple[Store, Journal] | None = None
        self._scoring: Scoring | None = None
        self._open = open

    # models

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
        rows = [_row(row, fetched.get(row.name)) for row in self.registry.list()]
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

        def work(job: Job) -> None:
            if not found.on_disk:
                self._fetch(found, job)
            job.check()
            self.scoring.pipeline(found.name)

        under_way = self._downloads().get(found.name)
        return under_way or self.jobs.start("load", found.name, work)

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

    def labels(self, model: str = "") -> LabelSet:
        """What a model can say; raises ModelError where it is not on disk."""
        return self.find(model).labels

    def thresholds(self, model: str = "") -> Thresholds:
        """A model's own operating point."""
        return self.models.find(model or self.default_model).thresholds

    # pictures

    def captioner(self, model: str, settings: Settings) -> Captioner:
        """The way from a model's scores to captions.

        Raises:
            UsageError: an unknown category, implied tags where nothing is known of any.
        """
        found = self.find(model)
        relations = _relations(found, settings)
        captioner = Captioner(settings, found.labels, found.thresholds, relations)
        if captioner.selector.unknown_categories:
            known = ", ".join(category.name for category in found.labels.categories)
            got = ", ".join(map(repr, captioner.selector.unknown_categories))
            raise UsageError(f"expected categories of {found.name} ({known}), got {got}")
        return captioner

    def submit(
        self,
        model: str,
        picture: Picture,
        priority: Priority = "interactive",
        every: bool = False,
        enough: Callable[[Scores], bool] | None = None,
    ) -> Future[Scores]:
        """The scores of one picture: kept ones, else by inference; loads the model if need be.

        Kept scores lack those under 0.01, unless `every` is asked for; `enough`, such as a
        captioner's `decides`, says whether they do.

        Raises:
            ModelError: unknown, bad or not on disk.
            BackendError: no device for it.
            ImageError: the file can't be read.
            BusyError: too many pictures wait.
        """
        found = self.find(model)
        return self.scoring.submit(found.name, picture, priority, _is_whole if every else enough)

    def caption(self, model: str, picture: Picture, settings: Settings) -> tuple[Caption, Scores]:
        """One picture's caption, and the scores it is of."""
        captioner = self.captioner(model, settings)
        scores = self.submit(model, picture, enough=captioner.decides).result()
        return captioner(scores, picture if isinstance(picture, Path) else None), scores

    # folders

    def check_path(self, text: str) -> Path:
        """A path as a person types it, in quotes or not, with / or \\; where it may be touched.

        Raises:
            UsageError: not a whole path, or outside the folders that are open.
        """
        path = _as_path(text)
        roots = self.host.roots()
        if roots is not None:
            check_within([path], roots)
        return path

    def plan(self, request: FolderRequest) -> Preview:
        """What captioning a folder would do; nothing is written, absent models are not fetched.

        Raises:
            UsageError: as `caption_folder` does.
        """
        try:
            means = self._means(request)
        except AbsentError:
            means = None
        return preview(request, means, self.host.roots())

    def caption_folder(self, request: FolderRequest) -> Job:
        """Caption a folder as a job.

        Raises:
            UsageError: a folder that is not there or not open, settings that do not fit the model.
            AbsentError: the model is not on disk.
            BusyError: too many jobs.
        """
        means = self._means(request)
        runs.check(request, means)
        title = ", ".join(map(str, request.roots))
        return self.jobs.start("caption", title, lambda job: runs.caption(request, means, job))

    def undo(self, run: int) -> Job:
        """Give the files of a run what they held before, as a job.

        Raises:
            UsageError: no such run, or it changed files outside the folders that are open.
        """
        journal = self.journal
        journal.find(run)
        roots = self.host.roots()
        if roots is not None:
            for change in journal.changes(run):
                check_within([change.path, *([change.target] if change.target else [])], roots)
        return self.jobs.start("edit", f"undo {run}", lambda job: runs.take_back(journal, run, job))

    # what is kept

    @property
    def store(self) -> Store:
        """The kept scores."""
        return self._databases()[0]

    @property
    def journal(self) -> Journal:
        """The runs that changed files."""
        return self._databases()[1]

    @property
    def scoring(self) -> Scoring:
        """The models' queues."""
        with self._lock:
            if self._scoring is None:
                self._scoring = Scoring(
                    self.models, self._store_or_none, self._way, self._room_for, self._opened
                )
            return self._scoring

    def close(self) -> None:
        """Cancel jobs, free models, close files."""
        self.jobs.close()
        if self._scoring:
            self._scoring.close()
        if self._kept:
            for each in self._kept:
                each.close()

    # the parts

    def _databases(self) -> tuple[Store, Journal]:
        with self._lock:
            if self._kept is None:
                self._kept = (Store(), Journal())
            return self._kept

    def _store_or_none(self) -> Store | None:
        """The store; none where it can't be opened, which the log then says."""
        try:
            return self.store
        except TaggerError as error:
            log.warning("%s; going on without kept scores", error)
            return None

    def _way(self) -> tuple[Runtime, float | None]:
        wished = self.host.preferences()
        device = self.host.device() if wished.device == "auto" else wished.device
        return replace(wished.runtime, device=device), wished.idle_s

    def _room_for(self, model: Model) -> None:
        size = download_size(model.spec) or 0
        if not self.host.make_room(2 * size):
            log.info("%s: loaded beside what the WebUI holds", model.name)

    def _opened(self, model: Model, runtime: Runtime) -> Backend:
        return cast("Backend", _InTurn(self._open(model, runtime), self.host))

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

    def _means(self, request: FolderRequest) -> Means:
        captioner = self.captioner(request.model, request.settings)
        model = self.find(request.model)
        return Means(
            model, captioner, self.scoring, self.store, self.journal, self.host.roots(), self._waits
        )

    def _waits(self) -> bool:
        return self.host.preferences().while_generating == "pause" and self.host.generating()


class _InTurn:
    """A backend that takes the WebUI's lock for each batch, where it is free."""

    def __init__(self, backend: Backend, host: Host) -> None:
        self._backend, self._host = backend, host

    def run(self, batch: Any) -> Any:
        with self._host.turn():
            return self._backend.run(batch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


_apps: dict[str, App] = {}
_making = threading.Lock()


def app_of(make_host: Callable[[], Host]) -> App:
    """The process's one App, made at the first call and kept when a page is built again."""
    with _making:
        if "app" not in _apps:
            _apps["app"] = App(make_host())
        return _apps["app"]


def _row(row: Row, job: Job | None) -> ModelRow:
    if row.reason:
        return ModelRow(row.name, "bad", row.spec, reason=row.reason, folder=row.folder)
    state: ModelState = "on disk" if row.on_disk else "downloading" if job else "absent"
    size = None if row.on_disk else download_size(row.spec)
    return ModelRow(
        row.name, state, row.spec, size=size, folder=row.folder, job=job.id if job else None
    )


def _relations(model: Model, settings: Settings) -> Relations:
    """What is known of the model's tags; nothing is read where the settings need none."""
    if settings.implied == "off" and not settings.series:
        return EMPTY
    known = join([model.relations, home_relations()])
    if settings.implied != "off" and not known.implications:
        raise UsageError(
            f"implied: expected to know which tags imply others, got nothing in {model.name} or "
            f"from the sites: run `tagger relations update FILE...` with a site's export"
        )
    return known


def _is_whole(scores: Scores) -> bool:
    return scores.floor == 0


def _as_path(text: str) -> Path:
    plain = text.strip().strip("\"'").strip()
    if not plain or "\0" in plain:
        raise UsageError("expected a folder's path, got nothing: type or paste one")
    path = Path(plain).expanduser()
    if os.sep == "/" and "\\" in plain and not path.exists():
        path = Path(plain.replace("\\", "/")).expanduser()
    if not path.is_absolute():
        raise UsageError(f"{plain}: expected a whole path, such as {home()}, got a part of one")
    return path
