"""Pictures with what everybody said of them: agreements, and disagreements by kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...errors import TaggerError
from ...report.page import Album, Card, Chip, Chips
from ...report.thumbnail import thumbnail
from ..grid import number
from ..showdown import Bools
from .result import Entry, Result


def album(result: Result, most: int) -> Album | None:
    """The pictures on which contestants differ most, one alone its worst; None if none is asked."""
    if not most or not result.entries:
        return None
    rows = _chosen(result, most)
    return Album([_card(result, row) for row in rows])


def _chosen(result: Result, most: int) -> Sequence[int]:
    scores = np.stack([entry.at("own").scores for entry in result.entries])
    has = np.flatnonzero(~np.isnan(scores).any(axis=0))
    own = scores[:, has]
    weight = own.max(axis=0) - own.min(axis=0) if len(own) > 1 else -own[0]
    return has[np.argsort(-weight, kind="stable")][:most].tolist()


def _card(result: Result, row: int) -> Card:
    picture = result.pictures[row]
    try:
        uri = thumbnail(picture.path)
    except TaggerError:
        uri = ""
    return Card(uri, picture.name, [_said(entry, row) for entry in result.ranked()])


def _said(entry: Entry, row: int) -> Chips:
    judged, into = entry.at("own"), entry.frame
    title = f"{entry.name}: {number(float(judged.scores[row]))}"
    nearly = float(judged.distances[row])
    if abs(nearly - float(judged.scores[row])) > 5e-4:
        title += f", by distance {number(nearly)}"
    said, truth = judged.said[row], into.truth[row]
    chips = [
        *_chips(entry, said & truth, row, "agreed"),
        *_chips(entry, said & ~truth, row, "wrong"),
        *_chips(entry, truth & ~said, row, "missed"),
        *_rating(entry, row),
    ]
    return Chips(chips, title)


def _chips(entry: Entry, where: Bools, row: int, group: str) -> Iterator[Chip]:
    for at in np.flatnonzero(where).tolist():
        score = f", {entry.aligned.scores[row, at]:.2f}" if entry.about.scored else ""
        yield Chip(entry.frame.tags[at], group, f"{group}{score}")


def _rating(entry: Entry, row: int) -> Iterator[Chip]:
    true, said = entry.frame.ratings[row], entry.aligned.ratings[row]
    if not true:
        return
    if said:
        group = "agreed" if said == true else "wrong"
        yield Chip(f"rating:{said}", group, group)
    if said != true:
        yield Chip(f"rating:{true}", "missed", "missed")
