"""`tagger compare DATASET --contestant ...`: who tags the same pictures best, and how surely."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ..argv import flagged, parse
from ..errors import OptionError
from ..evaluate.comparison import CompareOptions, compare
from ..evaluate.comparison.bytag import tags_as_json
from ..evaluate.comparison.page import write_comparison
from ..evaluate.comparison.result import COLUMNS, Result, as_json, rows
from ..evaluate.comparison.tables import markdown, tables
from ..evaluate.contestants import find_contestants
from ..options import option
from ..settings import Runtime
from . import DONE, FAILED
from .grids import show
from .screen import line, progress, say
from .written import check_file, write_json, write_rows, write_text

AUTH = "TAGGER_AUTH"
_OUTPUTS = ("json", "csv", "markdown", "html")


@dataclass(frozen=True, kw_only=True)
class CompareFlags(CompareOptions):
    """Compare taggers on the same pictures: models, captions, scores, and servers."""

    json: Path | None = option(None, help="Write all figures as JSON.", metavar="FILE")
    csv: Path | None = option(None, help="Write the figures as CSV.", metavar="FILE")
    markdown: Path | None = option(None, help="Write the tables as Markdown.", metavar="FILE")
    html: Path | None = option(None, help="Write a page with charts and pictures.", metavar="FILE")


def run(argv: Sequence[str], prog: str) -> int:
    """Compare; 1 if a contestant failed."""
    flags = parse(CompareFlags, argv, prog, positional=["dataset"])
    for name in _OUTPUTS:
        check_file(f"--{name}", getattr(flags, name))
    with flagged(Runtime):
        runtime = Runtime(flags.device, flags.precision)
    auth = _auth(flags.auth or os.environ.get(AUTH, ""))
    contestants = find_contestants(flags.contestant, runtime, flags.timeout, auth)
    with progress("Comparing", "answers") as tell:
        result = compare(
            contestants, _options(flags), lambda name, done, total: tell(done, total, name)
        )
    for grid in tables(result):
        show(grid)
    for sentence in result.notes:
        line(sentence)
    for name, why in result.failed.items():
        say(f"{name} failed: {why}")
    _write(flags, result)
    return FAILED if result.failed else DONE


def _options(flags: CompareFlags) -> CompareOptions:
    own = {each.name: getattr(flags, each.name) for each in fields(CompareOptions)}
    return CompareOptions(**own)


def _auth(pair: str) -> tuple[str, str] | None:
    user, colon, password = pair.partition(":")
    if pair and not (user and colon and password):
        raise OptionError("--auth: expected USER:PASS, both not empty")
    return (user, password) if pair else None


def _write(flags: CompareFlags, result: Result) -> None:
    if flags.json is not None:
        write_json(flags.json, as_json(result) | {"tags": tags_as_json(result)})
    if flags.csv is not None:
        write_rows(flags.csv, COLUMNS, rows(result))
    if flags.markdown is not None:
        write_text(flags.markdown, markdown(result))
    if flags.html is not None:
        write_comparison(flags.html, result)
