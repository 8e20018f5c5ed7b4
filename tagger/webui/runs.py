"""Long work as jobs: captioning a folder, fetching and loading a model, undoing a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..captioner import Captioner
from ..errors import BackendError
from ..folder.job import FolderJob, plan_folder
from ..folder.journal import Journal
from ..folder.recall import Keeping, Memory, Recall
from ..folder.run import Outcome, Run, caption_folder
from ..folder.undo import undo
from ..models.spec import Contract, Model
from ..settings import Folder, Settings
from ..store import Store
from .feeding import Feed
from .jobs import Job, Shown
from .scoring import Scoring

WAITING = "waiting while the WebUI generates"


@dataclass(frozen=True)
class FolderRequest:
    """A folder to caption, or single pictures: `roots` are paths that were checked.

    include, exclude: patterns of the pictures meant. keeping: how kept scores are used. uploads:
    a folder of ours that holds what the page was given: open, whichever others are.
    """

    roots: tuple[Path, ...]
    model: str = ""
    settings: Settings = field(default_factory=Settings)
    folder: Folder = field(default_factory=Folder)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    keeping: Keeping = field(default_factory=Keeping)
    uploads: Path | None = None

    def job(self, within: tuple[Path, ...] | None) -> FolderJob:
        """The same as the folder room has it; nothing outside `within` is touched."""
        where = tuple(map(str, self.roots))
        if within is not None and self.uploads is not None:
            within = (*within, self.uploads)
        return FolderJob(
            self.roots, self.folder, self.include, self.exclude, argv=where, within=within
        )


@dataclass(frozen=True)
class Means:
    """What captioning a folder needs: the model and its queue, the store, the journal."""

    model: Model
    captioner: Captioner
    scoring: Scoring
    store: Store
    journal: Journal
    within: tuple[Path, ...] | None
    waits: Callable[[], bool]

    def recall(self, keeping: Keeping, job: Job | None = None) -> Recall:
        """Kept scores first, then the model's queue, at a job's pace."""
        memory = Memory(self.store, self.model, self.captioner, keeping)
        pace = _Paced(job, self.waits) if job else _Free()

        def open_model() -> tuple[Feed, Contract]:
            pipeline, tagger = self.scoring.pipeline(self.model.name)
            return Feed(self.scoring, self.model, pipeline.room, pace), tagger.backend.contract

        return Recall(memory, open_model)


class _Free:
    """The pace of a few pictures that somebody waits for."""

    def waits(self) -> bool:
        return False

    def stopped(self) -> bool:
        return False


class _Paced:
    """The pace of a job: it waits while the WebUI generates, and says so."""

    def __init__(self, job: Job, waits: Callable[[], bool]) -> None:
        self._job, self._generates = job, waits

    def waits(self) -> bool:
        waits = not self._job.stopping and self._generates()
        if waits != (self._job.message == WAITING):
            self._job.tell(message=WAITING if waits else "")
        return waits

    def stopped(self) -> bool:
        return self._job.stopping


def check(request: FolderRequest, means: Means) -> None:
    """Look whether a folder can be captioned, as far as its first picture; raises UsageError."""
    next(iter(plan_folder(request.job(means.within))), None)


def caption(request: FolderRequest, means: Means, job: Job) -> None:
    """Caption a folder, telling the job of every picture."""
    folder_job = request.job(means.within)
    tally = plan_folder(folder_job).tally()
    job.tell(total=tally.total() - tally["skip"], skipped=tally["skip"])
    run = caption_folder(
        folder_job, means.recall(request.keeping, job), means.captioner, means.journal
    )
    stopped = False
    for outcome in run:
        if job.stopping and not stopped:
            stopped = True
            run.stop()
        if not (outcome.reason and outcome.reason == run.summary.stopped):  # said once, for all
            job.show(shown(outcome))
            job.tell(done=job.done + 1, **_counts(run))
    job.tell(**_counts(run))
    if run.summary.stopped and not job.stopping:
        raise BackendError(f"stopped, and the next run does the rest: {run.summary.stopped}")


def shown(outcome: Outcome) -> Shown:
    """An outcome as the page and the routes tell it."""
    change = outcome.change
    text = change.after if change is not None else None
    return Shown(str(outcome.picture), text, outcome.reason)


def take_back(journal: Journal, run: int, job: Job) -> None:
    """Undo a run."""
    record = journal.find(run)
    job.tell(total=record.changes, run=run)
    for done, undone in enumerate(undo(journal, run), start=1):
        job.show(Shown(str(undone.path), None if undone.reason else undone.fate, undone.reason))
        job.tell(done=done, written=done - job.failed, failed=job.failed + bool(undone.reason))


def _counts(run: Run) -> dict[str, Any]:
    summary = run.summary
    return {
        "written": summary.written,
        "skipped": summary.skipped + summary.same,
        "failed": summary.failed,
        "run": run.recorder.run,
    }
