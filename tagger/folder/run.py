"""Caption a folder.

One bad picture never stops a run: it is counted, with its reason. Scores come from a pipeline,
tags from a captioner; here they are brought to files.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from ..caption import Caption
from ..captioner import Captioner
from ..errors import BackendError, CaptionError, ImageError, StoreError, TaggerError
from ..pipeline import Outcome as Scored
from .job import FolderJob, Plan
from .journal import FileChange, Journal
from .origin import trace
from .plan import EDITED, Change, Existing, Refusal, Task, decide
from .scorefiles import put_scores
from .sidecars import decode_caption, encode_caption, mark_of
from .strays import sweep
from .summary import Summary
from .wholefile import get_file, is_full

_EMPTY = "no tag reaches its threshold: nothing to write"


@dataclass(frozen=True)
class Outcome:
    """What became of one picture.

    change: what was done, if it came so far. caption: the new caption, with its tags. reason: why
    nothing was written; empty where the caption was written or is as it should be.
    """

    picture: Path
    change: Change | None = None
    caption: Caption | None = None
    reason: str = ""


class Scoring(Protocol):
    """The outcomes of pictures under way: `pipeline.Stream`."""

    def __next__(self) -> Scored: ...
    def stop(self) -> None: ...


class Scorer(Protocol):
    """What gives scores: a `Pipeline`, or a test's stand-in."""

    def stream(self, sources: Iterable[Path], *, ordered: bool = True) -> Scoring: ...


def caption_folder(
    job: FolderJob,
    scorer: Scorer,
    captioner: Captioner,
    journal: Journal | None = None,
    *,
    dry: bool = False,
) -> Run:
    """Caption the pictures of a job: iterate over the Run, its `summary` counts meanwhile.

    Pictures that have a caption and keep it are not scored, and counted without an Outcome. What
    is written can be undone by the journal, without one that in our home. `dry` writes nothing:
    the outcomes say what would become of each caption.

    Raises:
        UsageError: as `plan_folder` does.
        StoreError: the journal can't be opened.
    """
    return Run(job, scorer, captioner, journal or Journal(), dry=dry)


class Run(Iterator[Outcome]):
    """The outcomes of a job, each as soon as it is there.

    Ctrl-C, or `stop`, lets what is in flight come to its end: the iteration goes on for those
    few, and `summary.interrupted` is set. A second Ctrl-C is Python's. What would strike every
    further picture, a dead device or a full disk, stops the run as well: `summary.stopped` says
    it once, and the pictures that it struck count neither as failed nor as done.

    Attributes:
        recorder: what is written goes through it, so that one undo takes all back.
    """

    def __init__(
        self,
        job: FolderJob,
        scorer: Scorer,
        captioner: Captioner,
        journal: Journal,
        *,
        dry: bool = False,
    ) -> None:
        self.job = job
        self.summary = Summary()
        self._journal, self._dry = journal, dry
        self.recorder = journal.begin("caption", job.argv)
        self._plan = Plan(job)
        self._captioner = captioner
        self._tasks: dict[Path, Task] = {}
        self._refused: deque[Refusal] = deque()
        self._scored: Scored | None = None
        self._stream = scorer.stream(self._sources(), ordered=False)

    def __next__(self) -> Outcome:
        while True:
            try:
                return self._counted(self._next())
            except KeyboardInterrupt:
                if self.summary.interrupted:
                    raise
                self.stop()
            finally:
                self._take_counts()

    def stop(self) -> None:
        """Take no more pictures."""
        self.summary.interrupted = True
        self._stream.stop()

    def _next(self) -> Outcome:
        """The next outcome; struck by Ctrl-C it can be called again, and none is lost."""
        while self._scored is None:
            if self._refused:
                return _refused(self._refused.popleft())
            try:
                self._scored = next(self._stream)
            except StopIteration:
                if not self._refused:
                    raise
        picture = cast("Path", self._scored.source)  # as `_sources` gave it
        outcome = self._finish(self._tasks[picture], self._scored)
        self._scored = None
        del self._tasks[picture]
        return outcome

    def _sources(self) -> Iterator[Path]:
        """The pictures to score; the others are counted here."""
        swept: Path | None = None
        for task in self._plan:
            self.summary.pictures += 1
            if isinstance(task, Refusal):
                self._refused.append(task)
                continue
            if task.caption.parent != swept and not self._dry:
                swept = task.caption.parent
                sweep(swept)
            if task.kind == "skip":
                self.summary.skipped += 1
                continue
            self._tasks[task.picture] = task
            yield task.picture

    def _finish(self, task: Task, scored: Scored) -> Outcome:
        try:
            if scored.scores is None:
                raise scored.error or CaptionError("no scores")
            caption = self._captioner(scored.scores, task.picture)
            outcome = self._write(task, caption)
            if self.job.folder.json_sidecar and not self._dry:
                put_scores(task.caption, scored.scores, self._journal, self.recorder)
            return outcome
        except TaggerError as error:
            if _strikes_all(error):
                self._give_up(str(error))
                return Outcome(task.picture, reason=self.summary.stopped)  # one reason for all
            return Outcome(task.picture, reason=_reason(error))

    def _give_up(self, cause: str) -> None:
        self.summary.stopped = self.summary.stopped or cause
        self._stream.stop()

    def _write(self, task: Task, caption: Caption) -> Outcome:
        data = get_file(task.caption)
        there = self._existing(task.caption, data)
        form = self._captioner.settings.format
        change = decide(task, there, caption, self.job.folder, form)
        if change.writes and not change.after.strip():
            return Outcome(task.picture, caption=caption, reason=_EMPTY)
        if change.writes and not self._dry:
            merged = change.kind == "update" and there.ours and there.ours.base is not None
            kind = there.ours.kind if merged and there.ours else change.kind
            after = encode_caption(change.caption, change.after)
            if data and (merged or change.kind in ("append", "prepend")):
                after = mark_of(data) + after  # what is added to stays byte for byte
            self.recorder.apply(FileChange(change.caption, data, after, kind))
        return Outcome(task.picture, change, caption, change.reason)

    def _existing(self, path: Path, data: bytes | None) -> Existing:
        if data is None:
            return Existing()
        folder = self.job.folder
        if folder.on_existing not in ("skip", "overwrite"):
            ours = trace(self._journal, path, data, folder.encoding)
            if ours:
                return Existing(decode_caption(path, data), ours)
        # what is overwritten may be in any encoding; what is added to, or kept, may not
        strict = folder.on_existing != "overwrite"
        return Existing(decode_caption(path, data, strict=strict, encoding=folder.encoding))

    def _counted(self, outcome: Outcome) -> Outcome:
        summary, change = self.summary, outcome.change
        if change is None:
            if outcome.reason != summary.stopped:  # said once, for all
                summary.failures.append((outcome.picture, outcome.reason))
        elif change.writes:
            summary.written += 1
        elif change.kind == "same":
            summary.same += 1
        else:
            summary.skipped += 1
            if outcome.reason == EDITED:
                summary.edited += 1
            elif outcome.reason:
                summary.left.append((outcome.picture, outcome.reason))
        return outcome

    def _take_counts(self) -> None:
        found = self._plan.walk
        ours = self.job.folder.extension.lower()
        self.summary.ignored = Counter({k: n for k, n in found.ignored.items() if k != ours})
        self.summary.unreadable = found.unreadable


def _refused(refusal: Refusal) -> Outcome:
    return Outcome(refusal.picture, reason=refusal.reason)


def _strikes_all(error: TaggerError) -> bool:
    """Whether the next picture would fail as well: no device, no journal, no space."""
    return isinstance(error, (BackendError, StoreError)) or is_full(error)


def _reason(error: TaggerError) -> str:
    return error.cause if isinstance(error, ImageError) else str(error)
