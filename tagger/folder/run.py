"""Caption a folder.

One bad picture never stops a run: it is counted, with its reason. Scores come from a pipeline,
tags from a captioner; here they are brought to files.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, cast

from ..captioner import Captioner
from ..errors import (
    BackendError,
    CaptionError,
    ImageError,
    ModelError,
    StoreError,
    TaggerError,
)
from ..pipeline import Outcome as Scored
from .job import FolderJob, Plan
from .journal import Journal
from .plan import EDITED, Refusal, Task
from .strays import sweep
from .summary import Summary
from .wholefile import is_full
from .writer import Decided, Outcome, Writer

__all__ = ["Outcome", "Run", "Scorer", "Scoring", "caption_folder"]

BATCH = 256
"""Captions that are written down together, if their scores are there at once."""


class Scoring(Protocol):
    """The outcomes of pictures under way: `pipeline.Stream`."""

    def __next__(self) -> Scored: ...
    def take(self, most: int) -> list[Scored]: ...
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
    summary: Summary | None = None,
) -> Run:
    """Caption the pictures of a job: iterate over the Run, its `summary` counts meanwhile.

    Pictures that have a caption and keep it are not scored, and counted without an Outcome. What
    is written can be undone by the journal, without one that in our home. `dry` writes nothing:
    the outcomes say what would become of each caption. `summary` is counted in, else a new one.

    Raises:
        UsageError: as `plan_folder` does.
        StoreError: the journal can't be opened.
    """
    run = Run(job, scorer, captioner, journal or Journal(), dry=dry, summary=summary)
    if journal is None:
        run.closes_journal()
    return run


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
        summary: Summary | None = None,
    ) -> None:
        self.job = job
        self.summary = summary or Summary()
        self._dry, self._journal = dry, journal
        self._at_end: Callable[[], object] = lambda: None
        self.recorder = journal.begin("caption", job.argv)
        self._plan = Plan(job)
        self._writer = Writer(job.folder, captioner, journal, dry=dry)
        self._tasks: dict[Path, Task] = {}
        self._refused: deque[Refusal] = deque()
        self._scored: list[Scored] = []
        self._ready: deque[Outcome] = deque()
        self._stream = scorer.stream(self._sources(), ordered=False)

    def __next__(self) -> Outcome:
        while True:
            try:
                while not self._ready:
                    self._advance()
                return self._counted(self._ready.popleft())
            except StopIteration:
                self._at_end()
                raise
            except KeyboardInterrupt:
                if self.summary.interrupted:
                    raise
                self.stop()

    def closes_journal(self) -> None:
        """Close the journal when the iteration has come to its end."""
        self._at_end = self._journal.close

    def stop(self) -> None:
        """Take no more pictures; a signal's handler may call it at any moment."""
        self.summary.interrupted = True

    def _advance(self) -> None:
        """Make outcomes of what is there; struck by Ctrl-C it can be called again."""
        try:
            if self.summary.interrupted:
                self._stream.stop()
            if not self._scored:
                self._scored = self._stream.take(BATCH)
        finally:
            self._take_counts()
        if not self._scored and not self._refused:
            raise StopIteration
        outcomes = self._finish(self._scored)
        for scored in self._scored:
            self._tasks.pop(cast("Path", scored.source), None)
        self._scored = []
        while self._refused:
            outcomes.append(_refused(self._refused.popleft()))
        self._ready.extend(outcomes)

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

    def _finish(self, scored: Sequence[Scored]) -> list[Outcome]:
        """Decide, write down, write."""
        decided = [self._decide(self._tasks[cast("Path", one.source)], one) for one in scored]
        changes = [change for each in decided for change in each.changes]
        try:
            errors = iter(self.recorder.apply_all(changes) if changes else ())
        except StoreError as error:
            errors = itertools.repeat(error)
        return [self._written(each, [next(errors) for _ in each.changes]) for each in decided]

    def _written(self, decided: Decided, errors: Sequence[TaggerError | None]) -> Outcome:
        error = next((each for each in errors if each), None)
        return self._failed(decided.outcome.picture, error) if error else decided.outcome

    def _decide(self, task: Task, scored: Scored) -> Decided:
        try:
            if scored.scores is None:
                raise scored.error or CaptionError("no scores")
            return self._writer.decide(task, scored.scores)
        except TaggerError as error:
            return Decided(self._failed(task.picture, error))

    def _failed(self, picture: Path, error: TaggerError) -> Outcome:
        if _strikes_all(error):
            self._give_up(str(error))
            return Outcome(picture, reason=self.summary.stopped)  # one reason for all
        return Outcome(picture, reason=_reason(error))

    def _give_up(self, cause: str) -> None:
        if not self.summary.stopped:
            self.summary.stopped = cause
            self._stream.stop()

    def _counted(self, outcome: Outcome) -> Outcome:
        summary, change = self.summary, outcome.change
        if change is None:
            if outcome.reason != summary.stopped:  # said once, for all
                summary.failures.add(outcome.picture, outcome.reason)
        elif change.writes:
            summary.written += 1
        elif change.kind == "same":
            summary.same += 1
        else:
            summary.skipped += 1
            if outcome.reason == EDITED:
                summary.edited += 1
            elif outcome.reason:
                summary.left.add(outcome.picture, outcome.reason)
        return outcome

    def _take_counts(self) -> None:
        found = self._plan.walk
        ours = self.job.folder.extension.lower()
        self.summary.ignored = Counter({k: n for k, n in found.ignored.items() if k != ours})
        self.summary.unreadable = found.unreadable


def _refused(refusal: Refusal) -> Outcome:
    return Outcome(refusal.picture, reason=refusal.reason)


def _strikes_all(error: TaggerError) -> bool:
    """Whether the next picture would fail as well: no device or model, no journal, no space."""
    return isinstance(error, (BackendError, ModelError, StoreError)) or is_full(error)


def _reason(error: TaggerError) -> str:
    return error.cause if isinstance(error, ImageError) else str(error)
