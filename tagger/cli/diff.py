"""`tagger diff A B`: two folders of captions of the same pictures, tag by tag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ..argv import parse
from ..evaluate.difference import Changed, Difference, DiffOptions, diff
from ..evaluate.difference.changes import COLUMNS, as_json, rows
from ..evaluate.difference.page import notes, write_difference
from ..options import option
from . import DONE, FAILED
from .screen import line, table
from .written import check_file, write_json, write_rows


@dataclass(frozen=True, kw_only=True)
class DiffFlags(DiffOptions):
    """Compare the captions of two folders, tag by tag; no truth is needed."""

    top: int = option(20, help="So many tags, and pictures, are printed.", ge=0, metavar="N")
    pictures: int = option(200, help="Pictures on the page.", ge=0, le=5000)
    json: Path | None = option(None, help="Write everything as JSON.", metavar="FILE")
    csv: Path | None = option(None, help="Write a row for each tag that changed.", metavar="FILE")
    html: Path | None = option(None, help="Write a page with the pictures.", metavar="FILE")


def run(argv: Sequence[str], prog: str) -> int:
    """Compare; 1 if a caption could not be read."""
    flags = parse(DiffFlags, argv, prog, positional=["a", "b"])
    for name in ("json", "csv", "html"):
        check_file(f"--{name}", getattr(flags, name))
    options = DiffOptions(**{each.name: getattr(flags, each.name) for each in fields(DiffOptions)})
    found = diff(options)
    _print(found, flags.top)
    if flags.json is not None:
        write_json(flags.json, as_json(found))
    if flags.csv is not None:
        write_rows(flags.csv, COLUMNS, rows(found))
    if flags.html is not None:
        write_difference(flags.html, found, options, flags.pictures)
    return FAILED if found.unread else DONE


def _print(found: Difference, top: int) -> None:
    print(
        f"{found.pictures:,} pictures in both: the tags of {len(found.changed):,} differ, "
        f"{found.same:,} captions are equal"
    )
    for sentence in notes(found):
        line(sentence)
    if found.tags[:top]:
        print()
        table(
            ("added", "removed", "tag"),
            [(f"{row.added:,}", f"{row.removed:,}", row.tag) for row in found.tags[:top]],
        )
    if found.replaced[:top]:
        print()
        table(
            ("pictures", "in the place of", "came"),
            [(f"{row.pictures:,}", row.old, row.new) for row in found.replaced[:top]],
        )
    if found.changed[:top]:
        print()
    for each in found.changed[:top]:
        line(f"{each.name}: {_shown(each)}")
    if len(found.changed) > top:
        print(f"and {len(found.changed) - top:,} more")


def _shown(each: Changed) -> str:
    return ", ".join([*(f"+{tag}" for tag in each.added), *(f"-{tag}" for tag in each.removed)])
