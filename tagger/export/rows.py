"""The labels of a universal model folder, in the order of its outputs.

WD's rows come first, as the readers of `selected_tags.csv` demand: four ratings, then general by
count, then character by count, at least one, ASCII only (several open the file in the locale's
encoding). What such a file can't hold (copyrights, meta, other alphabets) follows them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..labels import DANBOORU, Label, LabelSet, category

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


def universal_rows(vocabulary: LabelSet) -> Rows:
    """Order a training's vocabulary, which holds no ratings, as a universal folder has it."""
    indices = range(len(vocabulary))
    by_count = sorted(indices, key=lambda index: -vocabulary[index].count)
    general = [index for index in by_count if _fits(vocabulary[index], "general")]
    character = [index for index in by_count if _fits(vocabulary[index], "character")]
    others = sorted(set(indices) - {*general, *character})
    nobody = [] if character else [Label(NOBODY, category(DANBOORU, "character"))]
    labels = [
        *_ratings(),
        *(vocabulary[index] for index in (*general, *character)),
        *nobody,
        *(vocabulary[index] for index in others),
    ]
    places = [*[-1] * len(RATINGS), *general, *character, *[-1] * len(nobody), *others]
    return Rows(LabelSet(tuple(labels)), len(labels) - len(others), np.array(places, np.intp))


def _ratings() -> list[Label]:
    kind = category(DANBOORU, "rating")
    return [Label(name, kind, tag_id=FIRST_RATING_ID - n) for n, name in enumerate(RATINGS)]


def _fits(label: Label, name: str) -> bool:
    return label.category.name == name and label.name.isascii()
