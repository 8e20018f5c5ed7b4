"""A folder of captions as a contestant: whoever wrote them, by hand or by machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...caption import CaptionFormat
from ...errors import CaptionError, UsageError
from ...folder.sidecars import read_caption
from ...folder.words import read_words
from ...scores import RATING
from ...spelling import unescape
from ...wording import unweigh
from ..alignment import rating_name
from ..answers import Said
from ..truth import Picture
from .contestant import About, Beside

RATING_WORDS = frozenset({"general", "sensitive", "questionable", "explicit", "safe"})
"""Words that stand for ratings in captions: no site has a tag of these names."""


class CaptionContestant:
    """Reads captions: a tag that stands there is said, any other is not."""

    def __init__(self, name: str, folder: Path, ending: str = ".txt") -> None:
        """Raises UsageError where the folder has no captions."""
        self._folder, self._ending = folder, ending
        self._form = CaptionFormat()
        if not any(folder.rglob(f"*{ending}")):
            raise UsageError(f"{folder}: expected captions, got no file that ends in {ending}")
        self.about = About(name or folder.resolve().name, str(folder), "captions", scored=False)

    def open(self, alone: bool = False) -> None:
        """Nothing is loaded."""

    def one(self, picture: Picture) -> Said:
        """What its caption says."""
        return next(self.many([picture]))

    def many(self, pictures: Sequence[Picture]) -> Iterator[Said]:
        """What each caption says."""
        files = Beside(self._folder, self._ending, pictures)
        return (self._said(files.of(picture)) for picture in pictures)

    def close(self) -> None:
        """Nothing was taken."""

    def _said(self, path: Path | str) -> Said:
        if isinstance(path, str):
            return Said(fault=path)
        try:
            text = read_caption(path) or ""
        except CaptionError as error:
            return Said(fault=str(error))
        return read(text, self._form)


def read(text: str, form: CaptionFormat) -> Said:
    """What a caption's text says: every tag with 1, the rating apart."""
    tags: dict[str, float] = {}
    ratings: dict[str, float] = {}
    for word in read_words(text, form):
        name = unescape(unweigh(word.text)[0])
        if word.key in RATING_WORDS or word.key.startswith(f"{RATING}:"):
            ratings[rating_name(word.key)] = 1.0
        else:
            tags[name] = 1.0
    return Said(tags, ratings)
