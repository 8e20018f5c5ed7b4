"""`tagger relations update FILE...`: what tags are called besides, and which imply others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..argv import parse
from ..errors import UsageError
from ..options import option
from ..relationfiles import update_home
from . import DONE


@dataclass(frozen=True)
class UpdateFlags:
    """Read Danbooru's or e621's exports of aliases and implications, for --implied and --series.

    They take the place of what was read before. Where two disagree, the first named holds.
    """

    exports: tuple[Path, ...] = option(
        (),
        help="Exports as the sites name them, such as tag_aliases.json or "
        "tag_implications.csv.gz: JSON lines, JSON or CSV, also packed as gz.",
        metavar="FILE",
    )


def run(argv: Sequence[str], prog: str) -> int:
    """Read exports into our home."""
    if not argv or argv[0] != "update":
        if argv and argv[0] in ("-h", "--help"):
            parse(UpdateFlags, ["--help"], f"{prog} update", positional=["exports"])
        raise UsageError(f"expected `{prog} update FILE...`, got {' '.join([prog, *argv])!r}")
    flags = parse(UpdateFlags, argv[1:], f"{prog} update", positional=["exports"])
    if not flags.exports:
        raise UsageError(f"expected exports, got none: `{prog} update tag_implications.json`")
    update = update_home(flags.exports)
    implying = sum(map(len, update.relations.implications.values()))
    print(f"{len(update.relations.aliases):,} aliases, {implying:,} implications in {update.path}")
    if update.dropped:
        print(f"left out, since they contradict others: {len(update.dropped):,}")
        for tag, other in update.dropped[:SHOWN]:
            print(f"  {tag} -> {other}")
    return DONE


SHOWN = 20
"""Contradictions that are named one by one."""
