"""`tagger caption FOLDER...`: a caption beside every picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..argv import parse
from ..engine import Tagger
from ..folder.job import FolderJob, plan_folder
from ..folder.plan import Refusal
from ..folder.run import Run, Summary, caption_folder
from ..options import option
from ..pipeline import Pipeline
from ..settings import Folder, OnExisting, Runtime
from . import DONE, FAILED, INTERRUPTED
from .flags import CaptionFlags, borrowed
from .opening import open_captioner
from .screen import progress

SHOWN = 20
"""Failures that the summary names one by one."""


@dataclass(frozen=True)
class FolderFlags(CaptionFlags):
    """Write a caption beside every picture of a folder; those that are there stay as they are."""

    folders: tuple[Path, ...] = option((), help="Folders of pictures.", metavar="FOLDER")
    out: Path | None = borrowed(Folder, "out", metavar="DIR")
    on_existing: OnExisting = borrowed(Folder, "on_existing")
    extension: str = borrowed(Folder, "extension")
    recursive: bool = borrowed(Folder, "recursive", help="Leave sub-folders out.")
    dry_run: bool = option(False, help="Say what would be written where, and write nothing.")
    device: str = borrowed(Runtime, "device")
    batch: int = borrowed(Runtime, "batch")
    threads: int = borrowed(Runtime, "threads")

    def job(self) -> FolderJob:
        """What is to be captioned, and where the captions go."""
        folder = Folder(self.out, self.on_existing, self.extension, self.recursive)
        return FolderJob(self.folders, folder)


def run(argv: Sequence[str], prog: str) -> int:
    """Caption, or with --dry-run show the plan; 1 if a picture failed, 130 after Ctrl-C."""
    flags = parse(FolderFlags, argv, prog, positional=["folders"])
    settings, job = flags.settings(), flags.job()
    if flags.dry_run:
        return _show_plan(job)
    tally = plan_folder(job).tally()  # refuses what can't be done before a model is loaded
    runtime = Runtime(device=flags.device, batch=flags.batch, threads=flags.threads)
    tagger, captioner = open_captioner(flags.model, runtime, settings)
    _say(_opening(tagger))
    with Pipeline(tagger, runtime) as pipeline:
        summary = _watch(caption_folder(job, pipeline, captioner), tally.total() - tally["skip"])
    _print_summary(summary)
    if summary.interrupted:
        return INTERRUPTED
    return FAILED if summary.failures else DONE


def _watch(running: Run, total: int) -> Summary:
    """Drive a run to its end, showing how far it is."""
    with progress("Captioning", "pictures") as tell:
        for done, _ in enumerate(running, start=1):
            tell(done, total)
    return running.summary


def _opening(tagger: Tagger) -> str:
    backend = tagger.backend
    return f"{tagger.name} on {backend.device} ({backend.library}, {backend.dtype})"


def _show_plan(job: FolderJob) -> int:
    refused = 0
    counts: dict[str, int] = {}
    for task in plan_folder(job):
        if isinstance(task, Refusal):
            refused += 1
            print(f"{task.picture}: {task.reason}")
            continue
        counts[task.kind] = counts.get(task.kind, 0) + 1
        print(f"{task.kind:<10} {task.picture} -> {task.caption}")
    said = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing to do"
    _say(f"{said}; nothing was written" + (f"; {refused} refused" if refused else ""))
    return FAILED if refused else DONE


def _print_summary(summary: Summary) -> None:
    counts = {
        "written": summary.written,
        "unchanged": summary.same,
        "skipped": summary.skipped,
        "failed": summary.failed,
    }
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    _say(f"{'Stopped: ' if summary.interrupted else ''}{said or 'nothing to do'}")
    if summary.ignored:
        kinds = ", ".join(f"{n} {ending or 'without'}" for ending, n in summary.ignored.items())
        _say(f"other files, left alone: {kinds}")
    for path, reason in [*summary.failures, *summary.unreadable, *summary.left][:SHOWN]:
        _say(f"  {path}: {reason}")
    rest = len(summary.failures) + len(summary.unreadable) + len(summary.left) - SHOWN
    if rest > 0:
        _say(f"  and {rest:,} more")


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
