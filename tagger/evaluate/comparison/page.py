"""A comparison as one page: who stands where and how sure that is, charts, and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from ...report.lines import series
from ...report.page import Cell, Chip, Chips, Note, Page, Part, Section, Table, Text, write_page
from ..grid import Grid, number
from .bytag import by_tag
from .cards import album
from .charts import curves, errors, histograms, times
from .collect import machine
from .furry import furry
from .result import Entry, Result
from .standings import Pair
from .tables import tables

MOST_TAGS = 40
"""Tags in the table of those on which contestants differ."""


def write_comparison(path: Path, result: Result) -> None:
    """Write the page, whole or not at all. Raises UsageError, one sentence."""
    write_page(path, page(result))


def page(result: Result) -> Page:
    """The page of a comparison."""
    entries = result.ranked()
    facts = [
        ("pictures", f"{len(result.pictures):,}"),
        ("contestants", f"{len(entries):,}"),
        ("tags judged", f"{len(result.control.frame.tags):,}"),
        ("ratings", "judged" if result.rated else "not judged"),
    ]
    return Page(
        title="Taggers compared",
        about=f"{result.truth.name}: {result.truth.about}",
        facts=facts,
        verdicts=list(_verdicts(result)),
        sections=list(_sections(result, entries)),
    )


def _verdicts(result: Result) -> Iterator[Note]:
    yield Note("The control, which answers the truth, scores exactly 1 in everything.", "good")
    for name, why in result.failed.items():
        yield Note(f"{name} failed and is not judged: {why}", "bad")
    names = [entry.name for entry in result.ranked()]
    neighbours = {frozenset(pair) for pair in pairwise(names)}
    for pair in result.pairs.get("own", ()):
        if {pair.first, pair.second} in neighbours:
            yield _ahead(pair)
    for sentence in result.notes:
        yield Note(sentence, "warn")


def _ahead(pair: Pair) -> Note:
    gain = pair.gain
    better, worse = (pair.second, pair.first) if gain.value >= 0 else (pair.first, pair.second)
    if gain.low == gain.high == 0:
        return Note(f"{better} and {worse} have the same score on every draw of the pictures.")
    low, high = sorted((abs(gain.low), abs(gain.high)))
    if pair.sure:
        said = f"{abs(gain.value):.3f} ({low:.3f} to {high:.3f})"
        return Note(f"{better} is ahead of {worse} by {said}.")
    return Note(
        f"{better} and {worse} can't be told apart on these pictures: {gain.value:+.3f} "
        f"({gain.low:+.3f} to {gain.high:+.3f})."
    )


def _sections(result: Result, entries: Sequence[Entry]) -> Iterator[Section]:
    standing, rates, *others = tables(result)
    yield Section("The showdown", [Text(_SCORE), _table(standing, True), *histograms(entries)])
    by_kind = next(grid for grid in others if grid.title.startswith("Errors"))
    yield Section("Errors", [errors(entries), _table(by_kind)])
    timed = [grid for grid in others if grid.title.startswith("Seconds")]
    if (chart := times(entries)) is not None:
        yield Section("Runtime", [Text(f"{_TIMES} {machine()}."), chart, *map(_table, timed)])
    yield Section("Tags", [Text(_POINTS), _table(rates, True), *curves(result)])
    if (differing := _differing(result)) is not None:
        yield Section("Tag by tag", [Text(_DIFFER), differing])
    compared = [grid for grid in others if grid.title.startswith("Two by two")]
    if compared:
        yield Section("Two by two", [Text(_PAIRS), *map(_table, compared)])
    if result.options.recipe == "furry":
        yield Section("furry-image-model's tables", [_table(grid) for grid in furry(result)])
    shown = album(result, result.options.pictures)
    if shown is not None:
        yield Section("Pictures", [Text(_PICTURES), _legend(), shown])


def _table(grid: Grid, wide: bool = False) -> Part:
    title = "" if grid.title == _SHOWDOWN else grid.title
    return Table(grid.head, grid.rows, title, words=grid.left, wide=wide)


def _legend() -> Part:
    return Chips(
        [
            Chip("rightly said", "agreed"),
            Chip("wrongly said", "wrong"),
            Chip("true and not said", "missed"),
        ]
    )


def _differing(result: Result) -> Part | None:
    rows = by_tag(result)
    names = [entry.name for entry in result.ranked()]
    if len(names) > 1:
        rows.sort(key=lambda row: -row.spread)
    else:
        rows.sort(key=lambda row: row.by[names[0]].f1 if names else 0.0)
    cells: list[list[Cell]] = [
        [
            Chip(row.tag, result.truth.kinds.get(row.tag, "general")),
            row.support,
            *(Chip(number(row.by[name].f1), series(at)) for at, name in enumerate(names)),
        ]
        for row in rows[:MOST_TAGS]
    ]
    if not cells:
        return None
    head = ["tag", "pictures", *(f"F1 of {name}" for name in names)]
    return Table(head, cells, wide=len(names) > 3)


_SHOWDOWN = "The showdown"
_SCORE = (
    "Of each picture: tags and rating rightly said, less those wrongly said, by how many are true. "
    "1 is all of it and nothing else; below 0 more is wrong than right. By distance, a wrong tag "
    "that is nearly the right one costs less. In brackets: where the mean lies in 95 of 100 draws "
    "of such pictures; the places likewise."
)
_TIMES = (
    "Everybody was asked about the same pictures, one after another, from the file to the scores; "
    "loading and warming up apart."
)
_POINTS = (
    "own: at its author's threshold, or as it is written; shared: at the one that all share; best: "
    "at the one that was best on pictures that are not judged here. P = R: where precision and "
    "recall of all answers together cross."
)
_DIFFER = "F1 of the tags on which contestants differ most; of one alone, its worst."
_PAIRS = "The same pictures for both in every draw. Sure: the interval leaves 0 out."
_PICTURES = "Those on which contestants differ most come first."
