"""A comparison as tables of text: for a terminal, and in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..grid import NONE, Grid, number
from ..intervals import Interval
from .furry import furry
from .result import POINTS, Entry, Point, Result


def tables(result: Result) -> Iterator[Grid]:
    """The tables of a comparison, the weightiest first."""
    everybody = [*result.ranked(), result.control]
    yield _standing(result, everybody)
    yield _rates(result, everybody)
    yield _errors(everybody)
    if any(entry.timing for entry in everybody):
        yield _times(everybody)
    if result.options.recipe == "furry":
        yield from furry(result)
    wanted: tuple[tuple[Point, str], ...] = (
        ("own", "each at its own threshold"),
        ("best", "each at its best"),
    )
    for point, title in wanted:
        if result.pairs.get(point):
            yield _pairs(result, point, title)


def markdown(result: Result) -> str:
    """The same as Markdown, with what a reader has to know."""
    facts = f"{result.truth.name}: {len(result.pictures):,} pictures ({result.truth.about})."
    lines = ["# Taggers compared", "", _cell(facts), ""]
    for grid in tables(result):
        lines += [f"## {grid.title}", "", _row(grid.head)]
        lines.append(_row(["---" if at < grid.left else "---:" for at in range(len(grid.head))]))
        lines += [_row([_cell(cell) for cell in row]) for row in grid.rows] + [""]
    said = [*result.notes, *(f"{name} failed: {why}" for name, why in result.failed.items())]
    lines += [f"- {_cell(sentence)}" for sentence in said]
    return "\n".join(lines).rstrip() + "\n"


def span(of: Interval, digits: int = 3) -> str:
    """A figure with its interval."""
    if math.isnan(of.value):
        return NONE
    return f"{of.value:.{digits}f} [{of.low:.{digits}f}, {of.high:.{digits}f}]"


def limit(entry: Entry, point: Point) -> str:
    """At which threshold an entry stands at a point."""
    judged = entry.points.get(point)
    if judged is None:
        return NONE
    if judged.figures.threshold is not None:
        return f"{judged.figures.threshold:.3f}"
    if entry.about.kind in ("captions", "control"):
        return "as written"
    return "its author's"


def _standing(result: Result, everybody: Sequence[Entry]) -> Grid:
    rows: list[list[str]] = []
    places = result.standings.get("own", {})
    for entry in everybody:
        of, place = entry.at("own").figures, places.get(entry.name)
        rows.append(
            [
                f"{place.place} ({place.low} to {place.high})" if place else "-",
                entry.name,
                limit(entry, "own" if "own" in entry.points else "shared"),
                span(of.score),
                span(of.distance),
                number(of.errors.practical, 2),
                number(entry.timing.median if entry.timing else None),
            ]
        )
    head = ("place", "contestant", "threshold", "score", "by distance", "wrong tags", "seconds")
    return Grid("The showdown", head, rows, left=3)


def _rates(result: Result, everybody: Sequence[Entry]) -> Grid:
    rows = [
        [
            entry.name,
            _POINTS[point],
            limit(entry, point),
            number(judged.figures.score.value),
            number(judged.figures.tags.precision),
            number(judged.figures.tags.recall),
            number(judged.figures.tags.f1),
            number(entry.precision_mean),
            number(judged.figures.micro.f1),
            _crossing(entry),
        ]
        for entry in everybody
        for point in POINTS
        if (judged := entry.points.get(point))
    ]
    head = ("contestant", "at", "threshold", "score", "precision", "recall", "F1", "AP",
            "micro F1", "P = R")  # fmt: skip
    title = f"Tags with {result.options.support} pictures or more, the mean over them"
    return Grid(title, head, rows, left=2)


_POINTS = {"own": "own", "shared": "shared", "best": "best"}


def _crossing(entry: Entry) -> str:
    crossing = entry.curve.crossing if entry.curve else None
    return f"{crossing[1]:.3f} at {crossing[0]:.3f}" if crossing else NONE


def _errors(everybody: Sequence[Entry]) -> Grid:
    rows = [
        [
            entry.name,
            number(of.errors.wrong, 2),
            number(of.errors.wrong_ratings, 2),
            number(of.errors.practical, 2),
            number(of.errors.missed, 2),
            number(of.tag_accuracy, 4),
            number(of.rating.value),
        ]
        for entry in everybody
        for of in [entry.at("own").figures]
    ]
    head = ("contestant", "wrong", "wrong ratings", "practical", "missed", "tag accuracy",
            "rating accuracy")  # fmt: skip
    return Grid("Errors, of a picture on average", head, rows)


def _times(everybody: Sequence[Entry]) -> Grid:
    rows = [
        [
            entry.name,
            number(entry.timing.median),
            number(entry.timing.mean),
            number(entry.timing.load),
            number(entry.timing.warm_up),
            str(len(entry.timing.seconds)),
        ]
        for entry in everybody
        if entry.timing
    ]
    head = ("contestant", "median", "mean", "loading", "warm-up", "pictures")
    return Grid("Seconds, one picture after another", head, rows)


def _pairs(result: Result, point: Point, title: str) -> Grid:
    rows = [
        [pair.second, pair.first, f"{pair.gain.value:+.3f} [{pair.gain.low:+.3f}, "
         f"{pair.gain.high:+.3f}]", "yes" if pair.sure else "no"]
        for pair in result.pairs[point]
    ]  # fmt: skip
    head = ("contestant", "against", "ahead by", "sure")
    return Grid(f"Two by two, {title}", head, rows, left=2)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Somebody's text as text: what Markdown or HTML would read otherwise is escaped."""
    escaped = "".join(f"\\{char}" if char in "\\`*_[]<>|#" else char for char in text)
    return " ".join(escaped.split())
