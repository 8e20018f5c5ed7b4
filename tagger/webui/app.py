"""App: one object a process, all that the page and the routes know of Tagger."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from ..caption import Caption
from ..captioner import Captioner
from ..errors import UsageError
from ..folder.confines import check_within
from ..folder.journal import Journal
from ..home import home
from ..models.relating import relations_for
from ..models.spec import Model
from ..paths import expanded
from ..pipeline import Priority
from ..relations import EMPTY
from ..scores import Scores
from ..settings import Settings
from ..store import Store
from . import runs
from .host import Host
from .jobs import Job
from .modelrows import ModelRow, ModelState, Status
from .preview import Preview, preview
from .runs import FolderRequest, Means
from .scoring import Picture
from .shelf import AbsentError, Shelf

__all__ = ["AbsentError", "App", "FolderRequest", "ModelRow", "ModelState", "Status", "app_of"]


_CAPTIONERS = 8
"""Settings made ready that are kept: to make some takes 5 to 20 ms with the tags of WD v3."""


class App(Shelf):
    """Models, kept scores, jobs and folders of one process. All methods suit any thread."""

    _captioners: Sequence[tuple[Model, Settings, Captioner]] = ()

    # pictures

    def captioner(self, model: str, settings: Settings) -> Captioner:
        """The way from a model's scores to captions.

        Raises:
            UsageError: an unknown category, implied tags where nothing is known of any.
        """
        found = self.find(model)
        for kept in self._captioners:
            if kept[0] is found and kept[1] == settings:
                return kept[2]
        relations = relations_for(found, settings)
        captioner = Captioner(settings, found.labels, found.thresholds, relations)
        if captioner.selector.unknown_categories:
            known = ", ".join(category.name for category in found.labels.categories)
            got = ", ".join(map(repr, captioner.selector.unknown_categories))
            raise UsageError(f"expected categories of {found.name} ({known}), got {got}")
        if relations is EMPTY:  # others may be read anew from the disk
            self._captioners = [*self._captioners[-_CAPTIONERS + 1 :], (found, settings, captioner)]
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
        return self.kept.store

    @property
    def journal(self) -> Journal:
        """The runs that changed files."""
        return self.kept.journal

    # the parts

    def _means(self, request: FolderRequest) -> Means:
        captioner = self.captioner(request.model, request.settings)
        model = self.find(request.model)
        return Means(
            model, captioner, self.scoring, self.store, self.journal, self.host.roots(), self._waits
        )

    def _waits(self) -> bool:
        return self.host.preferences().while_generating == "pause" and self.host.generating()


_apps: dict[str, App] = {}
_making = threading.Lock()


def app_of(make_host: Callable[[], Host]) -> App:
    """The process's one App, made at the first call and kept when a page is built again."""
    with _making:
        if "app" not in _apps:
            _apps["app"] = App(make_host())
        return _apps["app"]


def _is_whole(scores: Scores) -> bool:
    return scores.floor == 0


def _as_path(text: str) -> Path:
    plain = text.strip().strip("\"'").strip()
    if not plain or "\0" in plain:
        raise UsageError("expected a folder's path, got nothing: type or paste one")
    path = expanded(plain)
    if os.sep == "/" and "\\" in plain and not path.exists():
        path = expanded(plain.replace("\\", "/"))
    if not path.is_absolute():
        raise UsageError(f"{plain}: expected a whole path, such as {home()}, got a part of one")
    return path
