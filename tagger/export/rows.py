"""The labels of a universal model folder, in the order of its outputs.

WD's rows come first, as the readers of `selected_tags.csv` demand: four ratings, then general by
count, then character by count, at least one, ASCII only (several open the file in the locale's
encoding). What such a file can't hold (copyrights, meta, other alphabets) follows them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..labels import DANBOORU, Label, LabelSet, category, numbered, write_selected_tags

EVERY = "labels/all.csv"
"""Every label of a folder. Apart from selected_tags.csv: older readers stop at two CSVs."""

RATINGS = ("general", "sensitive", "questionable", "explicit")
FIRST_RATING_ID = 9999999
"""WD numbers its ratings downward from here; they are no tags of Danbooru's."""
NOBODY = "unknown_character"
"""Stands where the vocabulary has no character: a reader that finds none takes every row."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A universal folder's labels.

    labels: all of them. wd: how many of the first ones `selected_tags.csv` holds. vocabulary:
    intp[n], the index of each label in the vocabulary it was made of, -1 for ratings and NOBODY.
    """

    labels: LabelSet
    wd: int
    vocabulary: NDArray[np.intp]


def write_every(labels: LabelSet, folder: Path) -> None:
    """Write the file of every label."""
    (folder / EVERY).parent.mkdir()
    write_selected_tags(labels, folder / EVERY)


def universal_rows(vocabulary: LabelSet) -> Rows:
    """Order a training's vocabulary, which holds no ratings, as a universal folder has it."""
    indices = range(len(vocabulary))
    by_count = sorted(indices, key=lambda index: -vocabulary[index].count)
    general = [index for index in by_count if _fits(vocabulary[index], "general")]
    character = [index for index in by_count if _fits(vocabulary[index], "character")]
    others = sorted(set(indices) - {*general, *character})
    nobody = [] if character else [Label(NOBODY, category(DANBOORU, "character"), tag_id=0)]
    labels = [
        *_ratings(),
        *(vocabulary[index] for index in (*general, *character)),
        *nobody,
        *(vocabulary[index] for index in others),
    ]
    places = [*[-1] * len(RATINGS), *general, *character, *[-1] * len(nobody), *others]
    return Rows(LabelSet(numbered(labels)), len(labels) - len(others), np.array(places, np.intp))


def model_rows(labels: LabelSet) -> Rows:
    """Order a finished model's labels, which may hold ratings, as a universal folder has them.

    What can't be named (slots without a name, a second label of one name) is left out.
    """
    known = {name: at for at, name in reversed(list(enumerate(labels.names))) if name}
    named = [at for at, name in enumerate(labels.names) if name and known[name] == at]
    ratings = {_rating(labels[at].name): at for at in reversed(named) if _is_rating(labels[at])}
    tags = [at for at in named if not _is_rating(labels[at])]
    rows = universal_rows(LabelSet(tuple(labels[at] for at in tags)))
    inner = [-1 if at < 0 else tags[at] for at in rows.vocabulary]
    places = [*(ratings.get(name, -1) for name in RATINGS), *inner[len(RATINGS) :]]
    counted = [
        replace(label, count=0 if at < 0 else labels[at].count)
        for label, at in zip(rows.labels, places, strict=True)
    ]
    return Rows(LabelSet(tuple(counted)), rows.wd, np.array(places, np.intp))


def constant_rows(rows: Rows) -> NDArray[np.float32]:
    """What a row says that no label stands behind, float32[n]: NaN where one does.

    A model without ratings says `general` of every picture; nobody is never shown.
    """
    values = np.where(rows.vocabulary < 0, 0.0, np.nan).astype(np.float32)
    if (rows.vocabulary[: len(RATINGS)] < 0).all():
        values[0] = 1.0
    return values


def _is_rating(label: Label) -> bool:
    return label.category.name == "rating"


def _rating(name: str) -> str:
    """WD's name of a rating; before 2022 Danbooru's `general` and `sensitive` were `safe`."""
    plain = name.removeprefix("rating:")
    return "general" if plain == "safe" else plain


def _ratings() -> list[Label]:
    kind = category(DANBOORU, "rating")
    return [Label(name, kind, tag_id=FIRST_RATING_ID - n) for n, name in enumerate(RATINGS)]


def _fits(label: Label, name: str) -> bool:
    return label.category.name == name and label.name.isascii() and label.name.isprintable()
