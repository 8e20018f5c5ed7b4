"""The showdown's score of one picture: what was rightly said, less what was wrongly said.

    score = (|P and D| - |P without D|) / |D|

P is what a tagger says, D what is true, the rating among both as `rating:x`. 1 is all of it and
nothing else; below 0 more is wrong than right. A picture of which nothing is true has no score.
The formula is luna's ("understanding anime taggers", 2023), written so that who answers the
truth itself scores 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tally:
    """Of each picture: tags rightly said, wrongly said, and not said, int64[N]; and the rating.

    rated: bool[N], whether a rating is judged. right: bool[N], said and true. wrong_rating:
    bool[N], said and not true.
    """

    agreed: Ints
    wrong: Ints
    missed: Ints
    rated: Bools
    right: Bools
    wrong_rating: Bools

    @property
    def true(self) -> Ints:
        """|D|: how much is true of each picture, the rating among it."""
        return self.agreed + self.missed + self.rated

    @property
    def errors(self) -> Ints:
        """|P without D|: how much was wrongly said, the rating among it."""
        return self.wrong + self.wrong_rating


def tally(
    said: Bools, truth: Bools, known: Bools, said_ratings: Sequence[str], ratings: Sequence[str]
) -> Tally:
    """Count what was said of N pictures; where the truth is not known nothing counts.

    said, truth, known: bool[N, n]. ratings: the true ones, empty where none is judged.
    """
    told = np.array(said_ratings, np.str_)
    true = np.array(ratings, np.str_)
    said, truth = said & known, truth & known
    rated = true != ""
    both = (said & truth).sum(axis=1)
    return Tally(
        agreed=both,
        wrong=said.sum(axis=1) - both,
        missed=truth.sum(axis=1) - both,
        rated=rated,
        right=rated & (told == true),
        wrong_rating=rated & (told != "") & (told != true),
    )


def score(of: Tally) -> Floats:
    """The showdown's score of each picture, float64[N], at most 1; NaN where nothing is true."""
    return ratio(of.agreed + of.right - of.errors.astype(np.float64), of.true)


def ratio(part: Floats, whole: Ints) -> Floats:
    """Part by whole, NaN where there is no whole."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
