"""`tagger runs`: what was done to folders, and can be undone."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ..argv import parse
from ..folder.journal import Journal, RunRecord, home_journal
from ..options import option
from . import DONE
from .screen import say, table


@dataclass(frozen=True)
class RunsFlags:
    """List the runs that changed files, the oldest first; `tagger undo` takes one back."""

    json: bool = option(False, help="Print them as JSON, a run to a line.")
    keep: int | None = option(
        None,
        help="Forget all but the newest N: they can't be undone then, and `update` takes their "
        "captions for yours.",
        ge=0,
        metavar="N",
    )


def run(argv: Sequence[str], prog: str) -> int:
    """List them."""
    flags = parse(RunsFlags, argv, prog)
    if flags.keep is not None:
        with Journal() as journal:
            say(f"{journal.keep(flags.keep):,} runs forgotten")
    runs = _runs()
    if flags.json:
        for each in runs:
            print(json.dumps(asdict(each), ensure_ascii=False))
        return DONE
    if not runs:
        print("no run has changed anything yet")
        return DONE
    table(("run", "when", "files", "undone", "what"), [_row(each) for each in runs])
    return DONE


def _runs() -> list[RunRecord]:
    """What the journal has; a home that can't be written to is no hindrance."""
    path = home_journal()
    if not path.exists():
        return []
    with Journal(path, read_only=True) as journal:
        return journal.runs()


def _row(run: RunRecord) -> tuple[str, ...]:
    undone = "" if run.undone is None else when(run.undone)
    return str(run.run), when(run.began), f"{run.changes:,}", undone, f"tagger {run.command}"


def when(seconds: float) -> str:
    """A moment as people here write it: "2026-11-20 14:31"."""
    return datetime.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
