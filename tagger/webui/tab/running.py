"""The runs that the page Folder shows: the newest one of the process, whoever began it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from ...errors import TaggerError
from ..app import App
from ..jobs import ENDED, Job
from . import uploads
from .fragments.folder import Passing, Progress
from .thumbnails import Thumbnails


@dataclass(frozen=True)
class _Watched:
    """A job begun on the page. uploaded: the pictures it captions, if they were uploaded."""

    job: Job
    uploaded: Path | None
    extension: str


_lock = threading.Lock()
_watched: list[_Watched] = []
_packed: dict[str, Path] = {}
_KEPT = 20


def watch(job: Job, uploaded: Path | None, extension: str) -> None:
    """Show this job from here on."""
    with _lock:
        _watched.append(_Watched(job, uploaded, extension))
        del _watched[:-_KEPT]


def newest(app: App) -> Job | None:
    """The job that is shown: the last one begun here or by a route."""
    undone = next((one.job for one in reversed(_watched) if one.job.kind == "edit"), None)
    captioned = app.jobs.newest("caption")
    jobs = app.jobs.list()
    found = [job for job in (captioned, undone) if job is not None and job in jobs]
    return max(found, key=jobs.index, default=None)


def progress(job: Job, thumbnails: Thumbnails) -> Progress:
    """A job as the page shows it, its last pictures with thumbnails."""
    now = job.snapshot()
    thumbs = thumbnails.all_of([Path(each.path) for each in now.latest])
    passing = (
        Passing(Path(each.path).name, thumb, each.caption or each.reason)
        for each, thumb in zip(now.latest, thumbs, strict=True)
        if thumb  # an undone run shows captions, which are no pictures
    )
    return Progress(
        "" if _uploaded(job) else now.title,
        now.state,
        now.done,
        now.total,
        now.written,
        now.skipped,
        now.failed,
        now.rate,
        now.eta_s,
        now.message,
        tuple((Path(each.path).name, each.reason) for each in now.errors),
        tuple(passing),
    )


def undoable(app: App) -> int | None:
    """The run that Undo takes back: the newest that captioned pictures of this machine."""
    job = app.jobs.newest("caption")
    if job is None or job.state not in ENDED or job.run is None or _uploaded(job):
        return None
    try:
        return job.run if app.journal.find(job.run).undone is None else None
    except TaggerError:
        return None


def packed(job: Job) -> Path | None:
    """The captions of uploaded pictures as a zip, made once the job has ended."""
    one = _uploaded(job)
    if one is None or one.uploaded is None or job.state not in ENDED or not job.written:
        return None
    with _lock:
        if job.id not in _packed:
            _packed[job.id] = uploads.pack(one.uploaded, one.extension)
        return _packed[job.id]


def _uploaded(job: Job) -> _Watched | None:
    return next((one for one in _watched if one.job is job and one.uploaded), None)
