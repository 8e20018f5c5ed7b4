"""Alignment: everybody's tags under the same names, and the tags that all are judged by.

Both sides are brought to canonical names by the aliases, and completed by what they imply: who
says `cat_ears` has said `animal_ears`. So nobody loses by another spelling, by an older name, or
by leaving out what goes without saying.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .answers import Answers
from .truth import Picture, Truth

Implications = Literal["both", "truth"]
"""Who is completed by what is implied: both sides, or the truth alone."""

Bools = NDArray[np.bool_]
Floats32 = NDArray[np.float32]
UNJUDGED = frozenset({"meta", "artist", "invalid"})
"""Categories left out by habit: no picture shows them."""
THREE: Mapping[str, str] = {"general": "safe", "sensitive": "safe"}
"""Danbooru's four ratings where somebody knows three only: both are what was called safe."""


@dataclass(frozen=True, eq=False)
class Frame:
    """The tags that somebody is judged by, and what is true of them.

    tags: canonical. truth, known: bool[N, n]. ratings: each picture's, empty where it is not
    judged. three: whether general and sensitive are one.
    """

    tags: tuple[str, ...]
    truth: Bools
    known: Bools
    ratings: tuple[str, ...]
    three: bool = False

    def rows(self, places: NDArray[np.intp]) -> Frame:
        """The same tags, these pictures only."""
        ratings = tuple(self.ratings[at] for at in places.tolist())
        return Frame(self.tags, self.truth[places], self.known[places], ratings, self.three)


@dataclass(frozen=True, eq=False)
class Aligned:
    """What a contestant said, under the names of a frame.

    scores: float32[N, n]. own: bool[N, n], what it says at its own operating point. ratings: the
    one it chose for each picture, empty for none.
    """

    scores: Floats32
    own: Bools
    ratings: tuple[str, ...]


def tags_in_common(
    truth: Truth,
    known: Sequence[Collection[str] | None],
    seen: Iterable[str],
    categories: Collection[str] | None = None,
    kinds: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """The tags that the truth and all contestants know, sorted.

    known: what each knows, canonical; None for one that has no list and may know any. Where nobody
    has a list, the tags seen in answers and in the truth. categories: only these; without them
    all that a picture can show.
    """
    lists = [set(each) for each in (truth.vocabulary, *known) if each is not None]
    true = {tag for picture in truth.pictures for tag in picture.tags}
    tags = set.intersection(*lists) if lists else true | set(seen)
    kinds = {**(kinds or {}), **truth.kinds}
    if categories is None:
        return tuple(sorted(tag for tag in tags if kinds.get(tag, "general") not in UNJUDGED))
    return tuple(sorted(tag for tag in tags if kinds.get(tag, "general") in categories))


def frame(
    pictures: Sequence[Picture], tags: Sequence[str], *, ratings: bool = True, three: bool = False
) -> Frame:
    """What is true of pictures, by these tags."""
    places = {tag: at for at, tag in enumerate(tags)}
    truth = np.zeros((len(pictures), len(tags)), np.bool_)
    known = np.ones_like(truth)
    for row, picture in enumerate(pictures):
        truth[row, [places[tag] for tag in picture.tags if tag in places]] = True
        known[row, [places[tag] for tag in picture.unknown if tag in places]] = False
    said = tuple(_rating(each.rating, three) if ratings else "" for each in pictures)
    return Frame(tuple(tags), truth & known, known, said, three)


class Align:
    """Brings one contestant's answers under the names of frames."""

    def __init__(self, truth: Truth, implications: Implications) -> None:
        self._relations = truth.relations
        self._closes = implications == "both"

    def canonical(self, names: Iterable[str]) -> frozenset[str]:
        """The tags that these names are."""
        return frozenset(map(self._relations.canonical, names))

    def __call__(
        self,
        answers: Answers,
        keys: Sequence[str],
        into: Frame,
        limits: Callable[[Sequence[str]], Floats32],
    ) -> Aligned:
        """The answers about the pictures of `keys`; `limits` gives each name's own threshold."""
        names = answers.names
        labels, starts, columns = self._places(names, into.tags)
        least = limits(names)
        scores = np.zeros((len(keys), len(into.tags)), np.float32)
        own = np.zeros(scores.shape, np.bool_)
        if labels.size:
            for row, values in enumerate(answers.scores(keys)):
                said = (values >= least) & (values > 0)
                scores[row, columns] = np.maximum.reduceat(values[labels], starts)
                own[row, columns] = np.logical_or.reduceat(said[labels], starts)
        ratings = tuple(_rating(each, into.three) for each in answers.ratings(keys))
        return Aligned(scores, own, ratings)

    def _places(
        self, names: Sequence[str], tags: Sequence[str]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """The contestant's labels column by column, where each column starts, and which it is."""
        places = {tag: at for at, tag in enumerate(tags)}
        pairs = sorted(
            {(places[tag], label) for label, name in enumerate(names) for tag in self._says(name)
             if tag in places}
        )  # fmt: skip
        column, label = np.array(pairs, np.intp).reshape(-1, 2).T
        starts = np.flatnonzero(np.diff(column, prepend=-1))
        return label, starts.astype(np.intp), column[starts]

    def _says(self, name: str) -> Iterator[str]:
        tag = self._relations.canonical(name)
        yield tag
        if self._closes:
            yield from self._relations.ancestors(tag)


def rating_name(name: str) -> str:
    """A rating as everybody writes it here: `rating:safe` is `safe`."""
    return name.removeprefix("rating:").strip().lower()


def _rating(name: str, three: bool) -> str:
    name = rating_name(name)
    return THREE.get(name, name) if three else name
