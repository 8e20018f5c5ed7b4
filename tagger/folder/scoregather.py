"""Gather the scores of a folder's pictures in one table, in the order of the pictures."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ..errors import ImageError
from ..images import content_hash
from ..scores import Scores
from .gather import path_key
from .job import FolderJob, Plan
from .noted import Noted
from .recorder import Recorder
from .run import Scorer
from .scoretable import Head, writing
from .strays import sweep
from .wholefile import digest_of

HashOf = Callable[[Path], str | None]
"""The content hash of a picture, None where it is not known without reading it."""


@dataclass
class Gathered:
    """How many pictures a table holds, and those it lacks, with the reason."""

    pictures: int = 0
    failures: Noted = field(default_factory=Noted)


@dataclass(frozen=True)
class Wanted:
    """A table that is wanted: the file, what its scores are of, how it names pictures."""

    file: Path
    head: Head
    full_paths: bool = False


def gather_scores(
    job: FolderJob,
    scorer: Scorer,
    hash_of: HashOf,
    wanted: Wanted,
    tell: Callable[[int], None] = lambda done: None,
    recorder: Recorder | None = None,
) -> Gathered:
    """Write the scores of all pictures of a job, whether they have a caption or not.

    Memory is that of one row group. The same pictures and scores give the same file, byte for
    byte; what was there before stays until the new one is whole. `tell` hears how many are done.
    With a `recorder` it can be undone.

    Raises:
        CaptionError: the file can't be written.
        StoreError: the journal can't be written.
        UsageError: there are no pictures.
    """
    gathered = Gathered()
    sweep(wanted.file.parent)
    with writing(wanted.file, wanted.head, partial(_record, recorder, wanted.file)) as table:
        for pictures in _groups((task.picture for task in Plan(job)), wanted.head.rows):
            scores = _scored(pictures, scorer, gathered)
            hashes = _hashes([p for p in pictures if p in scores], hash_of, gathered)
            if hashes:
                names = _names(hashes, wanted)
                table.write(names, list(hashes.values()), [scores[p] for p in hashes])
            gathered.pictures += len(hashes)
            tell(gathered.pictures)
    return gathered


def _record(recorder: Recorder | None, file: Path, made: Path) -> None:
    """Write down that a file will be replaced by one that is made, unless both are the same."""
    before = digest_of(file)
    if before == digest_of(made):
        made.unlink()
    elif recorder is not None:
        recorder.record(file, before, made, "gather")


def _groups(pictures: Iterable[Path], size: int) -> Iterator[list[Path]]:
    pictures = iter(pictures)
    while group := list(itertools.islice(pictures, size)):
        yield group


def _scored(pictures: Sequence[Path], scorer: Scorer, gathered: Gathered) -> dict[Path, Scores]:
    """The scores of some pictures; those without are noted."""
    stream, found = scorer.stream(iter(pictures), ordered=False), dict[Path, Scores]()
    while True:
        try:
            outcome = next(stream)
        except StopIteration:
            return found
        path = Path(str(outcome.source))
        if outcome.scores is not None:
            found[path] = outcome.scores
        else:
            error = outcome.error
            reason = error.cause if isinstance(error, ImageError) else str(error)
            gathered.failures.add(path, reason)


def _hashes(pictures: Iterable[Path], hash_of: HashOf, gathered: Gathered) -> dict[Path, str]:
    """The hashes of some pictures; those that can't be read any more are noted."""
    found: dict[Path, str] = {}
    for picture in pictures:
        try:
            found[picture] = hash_of(picture) or content_hash(picture)
        except ImageError as error:
            gathered.failures.add(picture, error.cause)
    return found


def _names(pictures: Iterable[Path], wanted: Wanted) -> list[str]:
    home = Path(os.path.abspath(wanted.file.parent))  # noqa: PTH100 - links stay as they are named
    return [path_key(picture, home, full=wanted.full_paths) for picture in pictures]
