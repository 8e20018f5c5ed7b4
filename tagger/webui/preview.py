"""What captioning a folder would do: counted and sampled, nothing written."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import TaggerError
from ..folder.job import FolderJob, plan_folder
from ..folder.plan import Refusal
from ..folder.recall import Recall, Recalled
from ..folder.run import caption_folder
from .jobs import MOST_ERRORS, Failure
from .runs import FolderRequest, Means

SAMPLES = 4
"""Captions shown before and after: each costs an inference where no scores are kept."""


@dataclass(frozen=True)
class Sample:
    """One caption, as it is (None: no file) and as it would be."""

    path: str
    caption: str
    kind: str
    before: str | None
    after: str


@dataclass(frozen=True)
class Preview:
    """What a run would do.

    counts: pictures by what becomes of their caption: new, skip, overwrite, update, append,
    prepend. refused: pictures that can have no caption, such as two that would share a file, each
    with its reason, the first hundred. ignored: other files by extension. note: why there are no
    samples, if there are none.
    """

    pictures: int
    counts: Mapping[str, int]
    refusals: int = 0
    refused: tuple[Failure, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict[str, int])
    unreadable: tuple[Failure, ...] = ()
    samples: tuple[Sample, ...] = ()
    note: str = ""


def preview(
    request: FolderRequest, means: Means | None, within: tuple[Path, ...] | None
) -> Preview:
    """List what would be done, and make the first few captions; without `means` none.

    Raises:
        UsageError: a folder that is not there, holds no pictures, or is not open.
    """
    job = request.job(within)
    plan = plan_folder(job)
    counts: Counter[str] = Counter()
    refused: list[Failure] = []
    for task in plan:
        if isinstance(task, Refusal):
            counts["refused"] += 1
            if len(refused) < MOST_ERRORS:
                refused.append(Failure(str(task.picture), task.reason))
        else:
            counts[task.kind] += 1
    samples, note = _samples(job, request, means) if means else ((), "the model is not on disk")
    refusals = counts.pop("refused", 0)
    unreadable = tuple(Failure(str(path), why) for path, why in plan.walk.unreadable[:MOST_ERRORS])
    return Preview(
        plan.walk.pictures,
        dict(counts),
        refusals,
        tuple(refused),
        dict(plan.walk.ignored),
        unreadable,
        samples,
        note,
    )


def _samples(
    job: FolderJob, request: FolderRequest, means: Means
) -> tuple[tuple[Sample, ...], str]:
    found: list[Sample] = []
    reason = ""
    scorer = _First(means.recall(request.keeping))
    try:
        for outcome in caption_folder(job, scorer, means.captioner, means.journal, dry=True):
            change = outcome.change
            if change is None or not change.writes:
                reason = reason or outcome.reason
                continue
            name = str(outcome.picture)
            found.append(
                Sample(name, str(change.caption), change.kind, change.before, change.after)
            )
    except TaggerError as error:
        reason = str(error)
    return tuple(found), "" if found else reason or "no caption would change"


class _First:
    """A scorer of the first few pictures."""

    def __init__(self, recall: Recall) -> None:
        self._recall = recall

    def stream(self, sources: Iterable[Path], *, ordered: bool = False) -> Recalled:
        return self._recall.stream(itertools.islice(sources, SAMPLES), ordered=ordered)
