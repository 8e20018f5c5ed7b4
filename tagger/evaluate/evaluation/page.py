"""An evaluation as one page: figures, curves, the best and worst tags, the surest mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ...dataset.index import Dataset
from ...errors import ImageError
from ...report.lines import Line, lines, series
from ...report.page import (
    Album,
    Card,
    Cell,
    Chip,
    Chips,
    Figure,
    Note,
    Page,
    Part,
    Section,
    Table,
    Text,
    write_page,
)
from ...report.thumbnail import thumbnail
from ..grid import Grid, number
from .mistakes import Mistake
from .result import Evaluation, TagRow
from .tables import tables

MOST = 25
"""Tags in the lists of the best and the worst."""


def write_evaluation(path: Path, result: Evaluation) -> None:
    """Write the page, whole or not at all. Raises UsageError, one sentence."""
    write_page(path, page(result))


def page(result: Evaluation) -> Page:
    """The page of an evaluation; opens the pictures that it shows."""
    own = result.at[0]
    facts = [
        ("pictures", f"{result.pictures:,}"),
        ("tags", f"{result.tags:,}"),
        ("mAP", number(result.mean_average_precision)),
        ("micro F1", number(own.micro.f1)),
        ("macro F1", number(own.macro.f1)),
    ]
    options = result.options
    return Page(
        title=result.model,
        about=f"Judged on {options.split} of {options.dataset.name}, content {result.content}",
        facts=facts,
        verdicts=list(_verdicts(result)),
        sections=list(_sections(result)),
    )


def _verdicts(result: Evaluation) -> Iterator[Note]:
    for sentence in result.notes:
        yield Note(f"{sentence[:1].upper()}{sentence[1:]}.", "warn")
    for at in result.at:
        if at.way == "tag" and at.gain is not None:
            gain = at.gain
            said = f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
            sure = gain.low > 0 or gain.high < 0
            state = "good" if gain.low > 0 else "plain"
            means = "" if sure else ", which can't be told from 0"
            yield Note(f"Fitted thresholds change micro F1 by {said}{means}.", state)
    if not result.without and not result.scarce:
        return
    yield Note(
        f"{len(result.without):,} tags have no picture here and {result.scarce:,} fewer than "
        f"{result.options.support:,}: they are in no mean over tags."
    )


def _sections(result: Evaluation) -> Iterator[Section]:
    first, means, over, *others = tables(result)
    figures = [_table(first, wide=True), _table(means, wide=True), _table(over)]
    yield Section("Figures", [Text(_FIGURES), *figures])
    yield Section("Curves", [Text(_CURVES), *_curves(result)])
    yield Section("Kinds of tags", [_table(grid, wide=True) for grid in others[:2]])
    one_of_many = [_table(grid) for grid in others[2:]]
    if one_of_many:
        about = [Text(_SCALAR)] if result.ratings else []
        yield Section("One of many", [*about, *one_of_many])
    tagged = list(_tags(result))
    if tagged:
        yield Section("Best and worst tags", tagged)
    yield from _mistakes(result)


def _table(grid: Grid, wide: bool = False) -> Part:
    return Table(grid.head, grid.rows, grid.title, words=grid.left, wide=wide)


def _curves(result: Evaluation) -> Iterator[Figure]:
    curves = result.curves
    against = Line(
        series(0), list(zip(curves.recall.tolist(), curves.precision.tolist(), strict=True))
    )
    yield Figure(lines([against], "recall", "precision"), "Precision against recall, all answers")
    names = list(curves.sweep)
    swept = [
        Line(
            series(at),
            list(zip(curves.thresholds.tolist(), curves.sweep[name].tolist(), strict=True)),
            name,
        )
        for at, name in enumerate(names)
    ]
    legend = [Chip(name, series(at)) for at, name in enumerate(names)]
    yield Figure(lines(swept, "threshold", "share"), "One threshold for all tags", legend)
    drawn = curves.reliability
    said = Line(series(0), list(zip(drawn.said.tolist(), drawn.true.tolist(), strict=True)))
    even = Line("rule", [(0.0, 0.0), (1.0, 1.0)], "as sure as it should be")
    title = f"How often what it is sure of is true; off by {drawn.error:.3f} on average"
    yield Figure(lines([even, said], "score", "share that is true"), title)


def _tags(result: Evaluation) -> Iterator[Table]:
    rows = [row for row in result.by_tag if row.positives >= result.options.support]
    rows.sort(key=lambda row: -row.average_precision)
    if not rows:
        return
    worst = rows[: -MOST - 1 : -1] if len(rows) > MOST else rows[::-1]
    yield _tag_table("The best, by average precision", rows[:MOST])
    yield _tag_table("The worst", worst)


def _tag_table(title: str, rows: Sequence[TagRow]) -> Table:
    head = ("tag", "pictures", "AP", "P", "R", "F1", "at")
    cells: list[list[Cell]] = [
        [
            Chip(row.name, row.category),
            row.positives,
            *(
                number(value)
                for value in (
                    row.average_precision, row.precision, row.recall, row.f1, row.threshold,
                )
            ),
        ]
        for row in rows
    ]  # fmt: skip
    return Table(head, cells, title, words=1)


def _mistakes(result: Evaluation) -> Iterator[Section]:
    dataset = Dataset.open(result.options.dataset)
    for title, text, group, found in (
        ("Said and not there", _SAID, "wrong", result.said),
        ("There and not said", _MISSED, "missed", result.missed),
    ):
        cards = [_card(dataset, result, one, group) for one in found]
        if cards:
            yield Section(title, [Text(text), Album(cards)])


def _card(dataset: Dataset, result: Evaluation, one: Mistake, group: str) -> Card:
    row = result.by_tag[one.label]
    score = one.certainty if group == "wrong" else 1 - one.certainty
    try:
        uri = thumbnail(dataset.image_path(one.row))
    except ImageError:
        uri = ""
    true = [
        dataset.vocabulary[at] for at in np.flatnonzero(dataset.targets([one.row])[0][0]).tolist()
    ]
    chips = [Chip(f"{row.name} {score:.3f}", group, f"{row.category}, score {score:.6f}")]
    known = [Chip(label.name, label.category.name) for label in true[:40]]
    return Card(uri, result.paths[one.row], [Chips(chips), Chips(known, "the dataset says")])


_FIGURES = (
    "Micro: all answers together. Macro: the mean over tags with enough pictures. By picture: the "
    "mean over pictures. Gain: of micro F1 over the model's own thresholds, on the same draws. In "
    "brackets: where the figure lies in 95 of 100 draws of such pictures. Fitted thresholds were "
    "chosen on other pictures."
)
_CURVES = "Over all tags together; the second is a sweep of one threshold for all of them."
_SCALAR = (
    "The scalar of a rating is the mean of the ratings' places, 0 safe to 1 explicit, weighed by "
    "their scores; two cut-points make three ratings of it."
)
_SAID = (
    "What it was surest of among tags that the dataset does not have: mistakes of the tagger, or "
    "tags that are missing in the dataset."
)
_MISSED = (
    "What it was surest is not there among tags that the dataset has: mistakes of the tagger, or "
    "tags that are wrong in the dataset."
)
