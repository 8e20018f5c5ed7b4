"""The tables of furry-image-model: one for each head, and the list of models.

Its six heads are identity, species, body, clothing, action and rating. Which head a tag is of is
said by the DATASET that the recipe built; without it by the tags' categories, which the table says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...bytecount import readable
from ..confusion import Counts, tag_counts
from ..grid import NONE, Grid, number
from ..metrics import Rates, macro, micro
from ..predictions import Predictions
from .result import Entry, Result

HEADS = ("identity", "species", "body", "clothing", "action")
RATING = "rating"


def furry(result: Result) -> list[Grid]:
    """The list of models, then a table for each head that has tags here."""
    entries = result.ranked()
    heads = _heads(result)
    grids = [_models(entries)]
    grids += [_head(head, entries, heads) for head in _named(heads)]
    return [*grids, _ratings(entries)]


def _models(entries: Sequence[Entry]) -> Grid:
    rows = [
        [
            entry.name,
            number(of.micro.f1),
            number(of.micro.recall),
            number(of.micro.precision),
            number(of.tag_accuracy),
            number(of.rating.value),
            NONE if entry.about.size is None else readable(entry.about.size),
            {None: NONE, True: "yes", False: "no"}[entry.about.normalised],
        ]
        for entry in entries
        for of in [entry.at("own").figures]
    ]
    head = ("name", "F1", "recall", "precision", "tag accuracy", "rating accuracy", "size",
            "normalised")  # fmt: skip
    return Grid("Models", head, rows)


def _head(head: str, entries: Sequence[Entry], heads: Mapping[str, str]) -> Grid:
    rows: list[list[str]] = []
    for entry in entries:
        tags = entry.frame.tags
        places = np.array([at for at, tag in enumerate(tags) if heads.get(tag) == head], np.intp)
        counts = _counts(entry, places)
        whole, each = micro(counts), _over_tags(counts)
        rows.append(
            [
                entry.name,
                str(len(places)),
                number(whole.f1),
                number(whole.recall),
                number(whole.precision),
                number(each.f1),
                number(_accuracy(entry, places, counts)),
            ]
        )
    head_ = ("name", "tags", "F1", "recall", "precision", "F1 over tags", "tag accuracy")
    return Grid(f"Head {head}", head_, rows)


def _ratings(entries: Sequence[Entry]) -> Grid:
    rows = [
        [entry.name, number(of.value), f"{of.of:,}"]
        for entry in entries
        for of in [entry.at("own").figures.rating]
    ]
    return Grid("Head rating", ("name", "accuracy", "pictures"), rows)


def _heads(result: Result) -> Mapping[str, str]:
    """The head of each tag: the DATASET's, else the tag's category."""
    return result.truth.heads or result.truth.kinds


def _named(heads: Mapping[str, str]) -> list[str]:
    found = set(heads.values()) - {RATING}
    return [*(head for head in HEADS if head in found), *sorted(found - set(HEADS))]


def _counts(entry: Entry, places: np.ndarray) -> Counts:
    into, said = entry.frame, entry.at("own").said
    own = Predictions(said.astype(np.float32), into.truth, into.known).columns(places)
    return tag_counts(own, 0.5)


def _over_tags(counts: Counts) -> Rates:
    return macro(counts) if counts.tp.size else Rates(*[float("nan")] * 3)


def _accuracy(entry: Entry, places: np.ndarray, counts: Counts) -> float:
    known = int(entry.frame.known[:, places].sum())
    return 1 - int((counts.fp + counts.fn).sum()) / known if known else float("nan")
