"""A comparison as charts: the showdown's histograms, errors, times; curves over thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...report.lines import Line, Row, bars, lines, series
from ...report.page import Chip, Figure
from ...report.svg import columns
from .result import Entry, Result

BINS = 20
LOWEST = -1.0
"""Scores below this are counted in the first column."""


def histograms(entries: Sequence[Entry]) -> Iterator[Figure]:
    """How the showdown's scores of the pictures lie, for each contestant: all, and those over 0."""
    for at, entry in enumerate(entries):
        scores = entry.at("own").scores
        scores = scores[~np.isnan(scores)]
        for low, title in ((LOWEST, "scores"), (0.0, "scores over 0")):
            shown = np.maximum(scores, low) if low < 0 else scores[scores > 0]
            counts, edges = np.histogram(shown, bins=BINS, range=(low, 1.0))
            names = [f"{edge:.2g}" for edge in edges[:-1]]
            drawn = columns(names, {series(at): counts.tolist()}, "score", "pictures")
            yield Figure(drawn, f"{entry.name}: {title}")


def errors(entries: Sequence[Entry]) -> Figure:
    """Wrong tags of a picture by kind, and what was missed."""
    kinds = {"practical": "wrong", "wrong ratings": "rating", "missed": "missed"}
    rows = [
        Row(
            entry.name,
            {
                "wrong": of.practical,
                "rating": of.wrong_ratings,
                "missed": of.missed,
            },
        )
        for entry in entries
        for of in [entry.at("own").figures.errors]
    ]
    legend = [Chip(name, group) for name, group in kinds.items()]
    return Figure(bars(rows, "of a picture on average"), "Errors by kind", legend)


def times(entries: Sequence[Entry]) -> Figure | None:
    """The median time of a picture, and None where nobody was timed."""
    rows = [
        Row(entry.name, {series(at): entry.timing.median})
        for at, entry in enumerate(entries)
        if entry.timing
    ]
    return Figure(bars(rows, "seconds a picture, median", 3), "Runtime") if rows else None


def curves(result: Result) -> Iterator[Figure]:
    """Precision against recall, and both over thresholds, of those who give scores."""
    scored = [(at, entry) for at, entry in enumerate(result.ranked()) if entry.curve]
    if not scored:
        return
    legend = [Chip(entry.name, series(at)) for at, entry in scored]
    yield Figure(
        lines([_against(at, entry) for at, entry in scored], "recall", "precision"),
        "Precision against recall",
        legend,
    )
    yield Figure(
        lines([line for at, entry in scored for line in _over(at, entry)], "threshold", "share"),
        "Precision (rises) and recall (falls) over the threshold",
        legend,
    )


def _against(at: int, entry: Entry) -> Line:
    curve = entry.curve
    assert curve is not None  # asked for by its only caller
    return Line(series(at), list(zip(curve.recall, curve.precision, strict=True)), entry.name)


def _over(at: int, entry: Entry) -> Iterator[Line]:
    curve = entry.curve
    assert curve is not None  # asked for by its only caller
    for name, values in (("precision", curve.precision), ("recall", curve.recall)):
        points = list(zip(curve.thresholds, values, strict=True))
        yield Line(series(at), points, f"{entry.name}: {name}")
