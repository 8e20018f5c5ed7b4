"""`tagger undo [RUN]`: the files of a run as they were before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..argv import parse
from ..errors import OptionError
from ..folder.journal import Journal
from ..folder.undo import undo
from ..options import option
from . import DONE, FAILED
from .runs import when
from .screen import line, say


@dataclass(frozen=True)
class UndoFlags:
    """Give the files that a run changed what they held before, byte for byte.

    What somebody edited since is left as it is, and named.
    """

    run: tuple[int, ...] = option(
        (), help="Number of the run, as `tagger runs` lists it; without it the last.", metavar="RUN"
    )
    dry_run: bool = option(False, help="Say what would be restored, and change nothing.")


def run(argv: Sequence[str], prog: str) -> int:
    """Undo one run; 1 if a file was left."""
    flags = parse(UndoFlags, argv, prog, positional=["run"])
    if len(flags.run) > 1:
        raise OptionError(f"run: expected one, got {len(flags.run)}: undo them one by one")
    with Journal() as journal:
        record = journal.find(flags.run[0] if flags.run else None)
        say(f"run {record.run} of {when(record.began)}: tagger {record.command}")
        fates: Counter[str] = Counter()
        for done in undo(journal, record.run, dry_run=flags.dry_run):
            fates[done.fate] += 1
            if flags.dry_run or done.reason:
                line(f"{done.fate:<10}  {done.path}" + (f": {done.reason}" * bool(done.reason)))
    said = ", ".join(f"{count:,} {fate}" for fate, count in fates.items())
    say(f"{said}{'; nothing was written' if flags.dry_run else ''}")
    return FAILED if fates["left"] else DONE
