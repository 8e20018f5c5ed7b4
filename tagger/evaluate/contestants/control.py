"""The control: answers the truth itself, the way that everybody answers.

What it is given goes the same way as all other answers; if it does not score exactly 1, the
comparison is broken, and stops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..answers import Said
from ..truth import Picture
from .contestant import About

NAME = "control"


class Control:
    """Says of each picture what is true of it."""

    def __init__(self) -> None:
        self.about = About(NAME, NAME, "control", scored=False)

    def open(self, alone: bool = False) -> None:
        """Nothing is needed."""

    def one(self, picture: Picture) -> Said:
        """The truth."""
        ratings = {picture.rating: 1.0} if picture.rating else {}
        return Said(dict.fromkeys(picture.tags, 1.0), ratings)

    def many(self, pictures: Sequence[Picture]) -> Iterator[Said]:
        """The truth of each."""
        return map(self.one, pictures)

    def close(self) -> None:
        """Nothing was taken."""
