"""Lines, tables and progress: rich on a terminal, plain lines where the output goes elsewhere.

What is said about the work goes to stderr, so that what a verb prints can be piped. Names of files
and captions are somebody else's text: they are printed by `line` and `say`, never as they are.
"""

from __future__ import annotations

import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from ..bytecount import readable


class Tell(Protocol):
    """Told how much is done, how much there is, and what else is worth a word beside it."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


PLAIN_EVERY_S = 10.0
"""Seconds between two lines of progress where there is no terminal."""


def printable(text: object) -> str:
    """A path or a caption as one line: what would break it, or steer a terminal, is escaped."""
    said = str(text)
    if said.isprintable():
        return said
    return "".join(
        c if c.isprintable() or unicodedata.category(c) == "Zs" else _escaped(c) for c in said
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def line(text: object) -> None:
    """Print one line."""
    print(printable(text))


def say(sentence: object) -> None:
    """Say one line about the work, on stderr."""
    print(printable(sentence), file=sys.stderr)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their heads; columns as wide as they need to be."""
    rows = [tuple(map(printable, row)) for row in (head, *rows)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    for row in rows:
        print(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )


@contextmanager
def progress(title: str, unit: str = "") -> Iterator[Tell]:
    """Show progress while the block runs; what it gives is told (done, all)."""
    with _bar(title, unit) if sys.stderr.isatty() else _lines(title, unit) as tell:
        yield tell


@contextmanager
def _bar(title: str, unit: str) -> Iterator[Tell]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    console = Console(stderr=True)
    start = time.monotonic()
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(title, total=None, said="")

        def tell(done: int, total: int, note: str = "") -> None:
            said = _noted(amounts(done, total, unit, time.monotonic() - start), note)
            shown.update(task, completed=done, total=total or None, said=said)

        yield tell


@contextmanager
def _lines(title: str, unit: str) -> Iterator[Tell]:
    """A line when it is worth one: every ten seconds."""
    start = said = time.monotonic()

    def tell(done: int, total: int, note: str = "") -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= PLAIN_EVERY_S:
            said = now
            far = _noted(amounts(done, total, unit, now - start), note)
            print(f"{title}: {far}", file=sys.stderr, flush=True)

    yield tell


def _noted(said: str, note: str) -> str:
    return f"{said}; {note}" if note else said


def amounts(done: int, total: int, unit: str, seconds: float) -> str:
    """How far it is, how fast, and how long it will take.

    "120 of 400 pictures, 19.8/s, 14 s left"; "12 MB of 380 MB, 5.1 MB/s, 1 min 12 s left".
    """
    say, name = (readable, "") if unit == "bytes" else ("{:,}".format, f" {unit}")
    far = f"{say(done)} of {say(total)}{name}" if total else f"{say(done)}{name}"
    if seconds <= 0 or not done:
        return far
    each = done / seconds
    rate = readable(each) if unit == "bytes" else f"{each:,.1f}"
    left = f", {duration((total - done) / each)} left" if total > done else ""
    return f"{far}, {rate}/s{left}"


def duration(seconds: float) -> str:
    """A time as people say it: "14 s", "1 min 12 s", "3 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
