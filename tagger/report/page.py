"""One HTML page that needs nothing beside it: sections of text, tables, figures and grids.

Everything a page is made of is plain text and escaped when it is written; only a figure's SVG
is taken as it is, from `svg`. Light or dark is as the reader's system asks.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from ..errors import UsageError
from ..extras import install
from ..paths import cause_of, openable

State = Literal["good", "warn", "bad", "plain"]


@dataclass(frozen=True)
class Chip:
    """A tag, coloured by its group, such as its category; `hint` is said when pointed at."""

    text: str
    group: str = "general"
    hint: str = ""


Cell = str | int | float | Chip


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Note:
    """A sentence with a verdict in it."""

    kind: ClassVar[str] = "note"
    text: str
    state: State = "plain"


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; numbers stand at the right, integers with separators.

    words: columns from the left that are words, and all after them stand at the right; None where
    the cells tell. wide: has the whole width.
    """

    kind: ClassVar[str] = "table"
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    words: int | None = None
    wide: bool = False


@dataclass(frozen=True)
class Figure:
    """A chart, as SVG that `svg` or `lines` made; legend: the groups that it colours."""

    kind: ClassVar[str] = "figure"
    svg: str
    title: str
    legend: Sequence[str | Chip] = ()


@dataclass(frozen=True)
class Chips:
    """Tags in a row."""

    kind: ClassVar[str] = "chips"
    chips: Sequence[Chip]
    title: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, the words under it, and what is said when it is pointed at."""

    uri: str
    caption: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Grid:
    """Pictures side by side."""

    kind: ClassVar[str] = "grid"
    pictures: Sequence[Picture]
    title: str = ""


@dataclass(frozen=True)
class Card:
    """A picture with words about it, row by row; uri: empty where it can't be shown."""

    uri: str
    caption: str
    rows: Sequence[Chips] = ()


@dataclass(frozen=True)
class Album:
    """Many cards, some at a time: a leaf is opened by its name."""

    kind: ClassVar[str] = "album"
    cards: Sequence[Card]
    title: str = ""
    leaf: int = 12
    """Cards at a time."""

    @property
    def leaves(self) -> Sequence[tuple[str, Sequence[Card]]]:
        """The leaves, each with its name."""
        starts = range(0, len(self.cards), self.leaf)
        parts = ((start, self.cards[start : start + self.leaf]) for start in starts)
        return [(f"{start + 1:,} to {start + len(part):,}", part) for start, part in parts]


Part = Text | Note | Table | Figure | Chips | Grid | Album


@dataclass(frozen=True)
class Section:
    """A part of a page under a title of its own; figures and tables stand side by side."""

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Page:
    """A whole page: what it is about in a line, facts, verdicts, then sections."""

    title: str
    about: str = ""
    facts: Sequence[tuple[str, str]] = ()
    verdicts: Sequence[Note] = ()
    sections: Sequence[Section] = field(default_factory=tuple)


def render(page: Page) -> str:
    """The page as HTML, one file. Raises UsageError if Jinja2 is not installed."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise UsageError(f"a report: expected Jinja2, got none: `{install('report')}`") from error
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["shown"] = _shown
    return environment.get_template("page.html").render(page=page)


def write_page(path: Path, page: Page) -> None:
    """Write a page to a file, whole or not at all. Raises UsageError, one sentence."""
    html = render(page)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        openable(beside).write_text(html, encoding="utf-8", errors="replace", newline="\n")
        openable(beside).replace(openable(path))
    except OSError as error:
        openable(beside).unlink(missing_ok=True)
        raise UsageError(f"{path}: expected to write a page, got {cause_of(error)}") from error


def _shown(cell: Cell) -> str:
    if isinstance(cell, float):
        return f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
