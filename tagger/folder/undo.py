"""Undo a run: each file gets back, byte for byte, what it held, unless somebody edited it since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import CaptionError
from ..paths import openable
from .journal import Journal, Recorded
from .recorder import FOLDER, state_of
from .wholefile import digest_of, move_file, put_file, put_pieces

Fate = Literal["restored", "removed", "moved back", "as it was", "left"]


@dataclass(frozen=True)
class Undone:
    """What became of one file.

    fate: `as it was`: nothing to undo, the run was stopped before it or it was undone already;
    `left`: not undone, for a `reason`.
    """

    path: Path
    fate: Fate
    reason: str = ""


def undo(journal: Journal, run: int, *, dry_run: bool = False) -> Iterator[Undone]:
    """Undo a run's changes, the last first; with `dry_run` only say what would be done.

    Folders that the run made are removed in silence, if they are empty then.

    The run counts as undone when the iteration came to its end and nothing failed.

    Raises:
        StoreError: the journal can't be read.
    """
    failed = False
    for change in journal.changes(run):
        if change.kind == FOLDER:
            if not dry_run:
                with suppress(OSError):  # not empty, or gone
                    openable(change.path).rmdir()
            continue
        try:
            done = (
                _move_back(change, dry_run) if change.target else _restore(journal, change, dry_run)
            )
        except CaptionError as error:
            failed, done = True, Undone(change.path, "left", str(error))
        yield done
    if not dry_run and not failed:
        journal.mark_undone(run)


def _restore(journal: Journal, change: Recorded, dry_run: bool) -> Undone:
    now = digest_of(change.path)
    if now == change.was:
        return Undone(change.path, "as it was")
    if now != change.after:
        return Undone(change.path, "left", "removed since" if now is None else "edited since")
    if not dry_run:
        if change.was is not None and change.before is None:
            put_pieces(change.path, journal.parts(change.was))
        else:
            put_file(change.path, change.before)
    return Undone(change.path, "removed" if change.was is None else "restored")


def _move_back(change: Recorded, dry_run: bool) -> Undone:
    assert change.target is not None
    there = change.path.exists() or change.path.is_symlink()
    if not change.target.exists() and not change.target.is_symlink():
        return Undone(change.path, "as it was" if there else "left", "" if there else "gone since")
    if there:
        return Undone(change.path, "left", "another file has its name")
    if state_of(change.target) != change.after:
        return Undone(change.path, "left", f"{change.target} was edited since")
    if not dry_run:
        move_file(change.target, change.path)
    return Undone(change.path, "moved back")
