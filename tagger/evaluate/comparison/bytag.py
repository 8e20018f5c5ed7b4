"""The tags on which contestants differ most, and every tag's own figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..confusion import Counts, tag_counts
from ..metrics import average_precision, f1, precision, recall
from ..predictions import Predictions
from .result import Entry, Result, plain


@dataclass(frozen=True)
class TagRow:
    """One contestant's figures for one tag; average_precision: None where it gives no scores."""

    precision: float
    recall: float
    f1: float
    average_precision: float | None


@dataclass(frozen=True)
class TagFigures:
    """A tag, the pictures that it is true of, and what each contestant makes of it, by name."""

    tag: str
    support: int
    by: dict[str, TagRow]

    @property
    def spread(self) -> float:
        """By how much the best F1 is over the worst."""
        values = [row.f1 for row in self.by.values()]
        return max(values) - min(values) if values else 0.0


def by_tag(result: Result) -> list[TagFigures]:
    """Every tag with enough support that all contestants are judged by, the most frequent first."""
    entries = result.entries
    if not entries:
        return []
    tags = set.intersection(*(set(entry.frame.tags) for entry in entries))
    figures = {entry.name: _figures(entry) for entry in entries}
    support = dict(
        zip(entries[0].frame.tags, entries[0].frame.truth.sum(axis=0).tolist(), strict=True)
    )
    enough = (tag for tag in tags if support[tag] >= result.options.support)
    rows = [
        TagFigures(tag, support[tag], {name: own[tag] for name, own in figures.items()})
        for tag in enough
    ]
    return sorted(rows, key=lambda row: (-row.support, row.tag))


def tags_as_json(result: Result) -> list[dict[str, Any]]:
    """The same as plain values; what is not a number is null."""
    return [plain(asdict(row)) for row in by_tag(result)]


def _figures(entry: Entry) -> dict[str, TagRow]:
    into, judged = entry.frame, entry.at("own")
    said = Predictions(judged.said.astype(np.float32), into.truth, into.known)
    counts: Counts = tag_counts(said, 0.5)
    scored: Sequence[float | None] = [None] * len(into.tags)
    if entry.about.scored:
        scores = Predictions(entry.aligned.scores, into.truth, into.known)
        scored = average_precision(scores).tolist()
    columns = (rate(counts).tolist() for rate in (precision, recall, f1))
    rows = zip(into.tags, *columns, scored, strict=True)
    return {tag: TagRow(*values) for tag, *values in rows}
