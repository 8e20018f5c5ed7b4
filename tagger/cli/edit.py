"""`tagger edit FOLDER...`: edit all captions of a folder, shown first, undone by `tagger undo`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..argv import flagged, parse
from ..errors import UsageError
from ..folder.dispose import Move, apply_moves, kept_place, plan_moves
from ..folder.editing import EditPlan, apply_edits
from ..folder.journal import Journal, Recorder
from ..folder.preview import Preview, preview
from . import DONE, FAILED
from .editflags import EditFlags, check, edits_of
from .screen import line, progress, say
from .selecting import categories, rules

SHOWN = 20
"""Tags and failures that are named one by one."""


def run(argv: Sequence[str], prog: str) -> int:
    """Show, ask, do; 1 if something could not be done."""
    flags = parse(EditFlags, argv, prog, positional=["folders"])
    model = flags.known_model()
    with flagged(EditFlags):
        kinds = categories(model)
        edits = list(edits_of(flags, model, kinds))
        check(flags, edits)
    captions = flags.captions()
    with rules(flags, model, kinds, edits) as meant:
        if flags.move or flags.delete:
            place = flags.move or kept_place()
            moves = plan_moves(captions, meant, place)
            _show_moves(moves, place, flags.show)
            return _do(flags, argv, len(moves), lambda to: apply_moves(moves, to))
        with flagged(EditFlags):
            plan = EditPlan(captions, meant)
        found = preview(plan, meant.form, flags.show)
        _show(plan, found)
        unread = list(plan.unread)
        code = _do(flags, argv, found.changed, lambda to: apply_edits(plan, to))
        return FAILED if unread else code


# ---------------------------------------------------------------- showing


def _show(plan: EditPlan, found: Preview) -> None:
    for edit in plan.edits:
        line(edit.said)
    for planned in found.samples:
        print()
        line(planned.captioned.caption)
        line(f"- {planned.before.rstrip()}")
        line(f"+ {planned.after.rstrip()}")
    print(f"\n{found.captions:,} captions, {found.changed:,} change")
    _show_tags("taken out", found.removed)
    _show_tags("put in", found.added)
    if found.reordered:
        print(f"  only in another order or spelling: {found.reordered:,}")
    for reason, number in found.left.most_common():
        print(f"  left as they are, {reason}: {number:,}")
    if plan.without:
        print(f"  pictures without a caption: {plan.without:,}")
    for path, reason in plan.unread[:SHOWN]:
        line(f"  {reason}" if str(path) in reason else f"  {path}: {reason}")


def _show_tags(what: str, counts: Counter[str]) -> None:
    if counts:
        named = [f"{name.replace('_', ' ')} {n:,}" for name, n in counts.most_common(SHOWN)]
        more = f", and {len(counts) - SHOWN:,} more" if len(counts) > SHOWN else ""
        line(f"  {what}: {', '.join(named)}{more}")


def _show_moves(moves: Sequence[Move], place: Path, most: int) -> None:
    for move in moves[:most]:
        line(f"{move.path} -> {move.target}")
    line(f"{len(moves):,} files go to {place}")


# ---------------------------------------------------------------- doing


def _do(
    flags: EditFlags,
    argv: Sequence[str],
    count: int,
    apply: Callable[[Recorder], Iterator[tuple[Path, str]]],
) -> int:
    """Ask, then apply; `count` is how many files will be changed."""
    if flags.dry_run or not count:
        print("nothing was written" if flags.dry_run else "nothing to do")
        return DONE
    if not flags.yes and not _agreed(count):
        print("nothing was written")
        return DONE
    with Journal() as journal:
        recorder = journal.begin("edit", argv)
        try:
            failed = _watch(apply(recorder), count)
        except KeyboardInterrupt:
            if recorder.run is not None:
                print(f"stopped; `tagger undo {recorder.run}` undoes what was done")
            raise
        print(_closing(recorder, count - len(failed)))
    for path, reason in failed[:SHOWN]:
        say(reason if str(path) in reason else f"{path}: {reason}")
    return FAILED if failed else DONE


def _agreed(count: int) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("expected --yes where nobody can be asked, got none: nothing was written")
    try:
        return input(f"Change {count:,} files? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _watch(applied: Iterator[tuple[Path, str]], count: int) -> list[tuple[Path, str]]:
    failed: list[tuple[Path, str]] = []
    with progress("Editing", "files") as tell:
        for done, (path, reason) in enumerate(applied, start=1):
            tell(done, count)
            if reason:
                failed.append((path, reason))
    return failed


def _closing(recorder: Recorder, done: int) -> str:
    if recorder.run is None:
        return "nothing was written"
    return f"{done:,} files changed; `tagger undo {recorder.run}` undoes it"
