"""`tagger demo draw OUT`: a booru of drawn figures with known truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ..argv import parse
from ..demo.dump import DumpOptions, draw_dump
from ..errors import UsageError
from ..options import option
from . import DONE
from .screen import progress


@dataclass(frozen=True, kw_only=True)
class DrawFlags(DumpOptions):
    """Draw a dump of chibi figures in a Danbooru dump's shape; every tag is known to be true."""

    out: Path = option(help="Folder to make; new or empty.", metavar="OUT")


def run(argv: Sequence[str], prog: str) -> int:
    """Draw."""
    if not argv or argv[0] != "draw":
        if argv and argv[0] in ("-h", "--help"):
            parse(DrawFlags, ["--help"], f"{prog} draw", positional=["out"])
        raise UsageError(f"expected `{prog} draw OUT`, got {' '.join([prog, *argv])!r}")
    flags = parse(DrawFlags, argv[1:], f"{prog} draw", positional=["out"])
    options = DumpOptions(**{each.name: getattr(flags, each.name) for each in fields(DumpOptions)})
    with progress("Drawing", "pictures") as tell:
        summary = draw_dump(flags.out, options, tell)
    print(f"{summary.posts:,} posts in {summary.folder}, content {summary.content_hash}")
    return DONE
