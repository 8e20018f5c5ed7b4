"""Whether a query means a picture: its caption, its path, its kept scores."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from ..errors import UsageError
from ..scores import RATING, Scores
from ..spelling import key
from .query import OPERATORS, Both, Either, Has, Length, Lies, Not, Query, Rated, Scored
from .words import meant

ScoresOf = Callable[[Path], Scores | None]
"""The kept scores of a picture, None where there are none."""

_RATINGS = ("general", "sensitive", "questionable", "explicit", "safe")


@dataclass(frozen=True)
class Facts:
    """What a query may ask of a picture.

    root: the folder that was asked for. keys: the tags of its caption in the spelling of
    `spelling.key`.
    """

    picture: Path
    root: Path
    keys: Sequence[str]

    @property
    def place(self) -> PurePath:
        """Its path in the folder."""
        return self.picture.relative_to(self.root)


def asks_scores(query: Query) -> bool:
    """Whether the answer can't be had from captions and paths alone."""
    match query:
        case Scored():
            return True
        case Not(inner):
            return asks_scores(inner)
        case Both(queries) | Either(queries):
            return any(map(asks_scores, queries))
        case _:
            return False


class Matcher:
    """A query made ready for many pictures."""

    def __init__(self, query: Query, scores_of: ScoresOf | None = None) -> None:
        self._query = query
        self._scores_of = scores_of
        self._globs: dict[str, re.Pattern[str]] = {}

    def __call__(self, facts: Facts) -> bool:
        """Tell whether a picture is meant.

        Raises UsageError where the query needs scores, or a rating, that are not known.
        """
        return self._holds(self._query, facts)

    def _holds(self, query: Query, facts: Facts) -> bool:
        match query:
            case Both(queries):
                return all(self._holds(each, facts) for each in queries)
            case Either(queries):
                return any(self._holds(each, facts) for each in queries)
            case Not(inner):
                return not self._holds(inner, facts)
            case Has(tag):
                return meant((tag,)).any(facts.keys)
            case Length(op, number):
                return OPERATORS[op](len(facts.keys), number)
            case Lies(op, glob):
                return self._lies(glob, facts.place) == (op == "=")
            case Rated(op, name):
                return (key(name) in self._ratings(facts)) == (op == "=")
            case Scored(tag, op, number):
                return OPERATORS[op](self._score(tag, facts), number)

    def _lies(self, glob: str, place: PurePath) -> bool:
        if glob not in self._globs:
            literal = glob.replace("\\", "/").replace("[", "[[]")  # folders are often called [1]
            self._globs[glob] = re.compile(fnmatch.translate(literal), re.IGNORECASE)
        return self._globs[glob].match(place.as_posix()) is not None

    def _ratings(self, facts: Facts) -> set[str]:
        """What the rating is called; the caption's own words before the model's."""
        said = {each.removeprefix("rating:") for each in facts.keys if each.startswith("rating:")}
        said |= set(_RATINGS).intersection(facts.keys)
        if said:
            return said
        scores = self._scores_of(facts.picture) if self._scores_of else None
        ratings = scores.labels.of(RATING) if scores else []
        if scores is None or len(ratings) == 0:
            raise UsageError(
                f"{facts.picture}: expected a rating in the caption or in kept scores, got "
                f"neither: caption the folder with a model that rates, or leave `rating` out"
            )
        best = max(ratings, key=lambda index: scores.values[index])
        return {key(scores.labels[int(best)].name)}

    def _score(self, tag: str, facts: Facts) -> float:
        scores = self._scores_of(facts.picture) if self._scores_of else None
        if scores is None:
            raise UsageError(
                f"{facts.picture}: expected kept scores for score({tag}), got none: "
                f"caption the folder with the same model first"
            )
        index = scores.labels.find(tag)
        if index is None:
            raise UsageError(f"score({tag}): expected a tag that {scores.model} knows, got another")
        return round(float(scores.values[index]), 6)
