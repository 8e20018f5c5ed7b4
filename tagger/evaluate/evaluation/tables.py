"""The figures of an evaluation as tables of text, and as rows for CSV files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..grid import Grid, number
from ..intervals import Interval
from .result import WAYS, At, Evaluation, Group, TagRow

TAG_COLUMNS = tuple(TagRow.__dataclass_fields__)
CLASS_COLUMNS = ("class_name", "num_samples", "class_accuracy", "id")


def tables(result: Evaluation) -> Iterator[Grid]:
    """The tables a terminal shows, in the order they are read."""
    yield thresholds(result)
    yield averages(result)
    yield over_tags(result)
    yield groups("By category, at the model's own thresholds", "category", result.categories)
    yield groups("By pictures that the dataset has of a tag", "pictures", result.frequencies)
    if result.ratings:
        yield ratings(result)
    if result.characters:
        yield characters(result)


def thresholds(result: Evaluation) -> Grid:
    """The rates at each way to choose thresholds."""
    head = ("thresholds", "at", "P", "R", "micro F1", "gain", "F2", "MCC", "accuracy")
    return Grid("At thresholds", head, [_row(at) for at in result.at], left=1)


def _row(at: At) -> Sequence[str]:
    return (
        WAYS[at.way],
        "each its own" if at.threshold is None else number(at.threshold),
        number(at.micro.precision),
        number(at.micro.recall),
        within(at.f1),
        "" if at.gain is None else within(at.gain, "+"),
        number(at.f2),
        number(at.mcc),
        number(at.accuracy, 4),
    )


def averages(result: Evaluation) -> Grid:
    """The rates as means over tags with support, and over pictures."""
    head = ("thresholds", "macro P", "R", "F1", "F2", "by picture P", "R", "F1", "F2")
    rows = [
        (
            WAYS[at.way],
            *(
                number(value)
                for rates, f2 in ((at.macro, at.macro_f2), (at.samples, at.samples_f2))
                for value in (rates.precision, rates.recall, rates.f1, f2)
            ),
        )
        for at in result.at
    ]
    return Grid("Means over tags, and over pictures", head, rows, left=1)


def over_tags(result: Evaluation) -> Grid:
    """What needs no threshold."""
    threshold, rates = result.equal
    return Grid(
        "Over all thresholds",
        ("figure", "value", "of"),
        [
            (
                "mAP" if result.exact else "mAP, to a thousandth",
                number(result.mean_average_precision),
                f"{result.supported:,} tags with {result.options.support:,} pictures and more",
            ),
            ("precision = recall", number(rates.f1), f"threshold {number(threshold)}"),
            ("calibration error", number(result.calibration_error), f"{result.tags:,} tags"),
        ],
    )


def groups(title: str, name: str, rows: Sequence[Group]) -> Grid:
    """Kinds of tags."""
    head = (name, "tags", "in means", "true", "P", "R", "micro F1", "macro F1", "mAP", "cal. error")
    return Grid(
        title,
        head,
        [
            (
                one.name,
                f"{one.tags:,}",
                f"{one.supported:,}",
                f"{one.positives:,}",
                *map(number, (one.micro.precision, one.micro.recall, one.micro.f1)),
                number(one.macro_f1),
                number(one.mean_average_precision),
                number(one.calibration_error),
            )
            for one in rows
        ],
    )


def ratings(result: Evaluation) -> Grid:
    """How often each rating was called which."""
    rated = result.ratings
    assert rated is not None
    title = (
        f"Ratings: {within(rated.accuracy)} right of {rated.pictures:,}; by the scalar "
        f"{number(rated.three)} of three, off by {number(rated.error)} on average"
    )
    rows = [
        (name, *(f"{count:,}" for count in row))
        for name, row in zip(rated.names, rated.confusion, strict=True)
    ]
    return Grid(title, ("true", *(f"called {name}" for name in rated.names)), rows)


def characters(result: Evaluation) -> Grid:
    """The right character first, and among five."""
    named = result.characters
    assert named is not None
    rows = [
        ("the right one first", within(named.top1)),
        ("among the first five", within(named.top5)),
    ]
    title = f"Characters: {named.classes:,} on {named.pictures:,} pictures"
    return Grid(title, ("", "share"), rows)


def within(value: Interval, sign: str = "") -> str:
    """A figure with its interval: 0.742 (0.731 to 0.752)."""
    low, high = number(value.low), number(value.high)
    return f"{value.value:{sign}.3f} ({low} to {high})"


def tag_rows(result: Evaluation) -> list[Mapping[str, Any]]:
    """A row a tag, for CSV; what is not known is empty."""
    return [
        {
            name: "" if value is None or (isinstance(value, float) and math.isnan(value)) else value
            for name, value in asdict(row).items()
        }
        for row in result.by_tag
    ]


def class_rows(result: Evaluation) -> list[Mapping[str, Any]]:
    """A row a character, for CSV, with the columns that animesion's `evaluate.py` wrote."""
    if result.characters is None:
        return []
    return [
        dict(zip(CLASS_COLUMNS, (row.name, row.samples, row.accuracy, row.id), strict=True))
        for row in result.characters.rows
    ]
