"""Truth: pictures with their tags, rating and part, whatever the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ...counts import TagCounts
from ...relations import Relations

PartName = Literal["judged", "calibration"]

RATINGS: Mapping[str, str] = {
    "g": "general",
    "s": "sensitive",
    "q": "questionable",
    "e": "explicit",
    "safe": "safe",
}
"""A rating of a DATASET or of the posts table, and its name; `safe` is of a site with three."""


@dataclass(frozen=True)
class Picture:
    """One picture, and what is true of it.

    name: its place below the source's folder, with `/`. tags: canonical, without the rating.
    unknown: tags of which nothing is known here, so that nobody is judged by them. rating: its
    name, empty where there is none. group: pictures of one group are versions of one another.
    """

    name: str
    path: Path
    tags: frozenset[str]
    rating: str = ""
    unknown: frozenset[str] = frozenset()
    group: int = 0
    part: PartName = "judged"


@dataclass(frozen=True, eq=False)
class Truth:
    """What taggers are held against.

    kinds: each tag's category. vocabulary: the only tags that can be true here; None where any
    can. relations: aliases and implications, with which both sides are aligned. company: for
    canonical names, how often they occur alone and together in all that the source has, judged or
    not. heads: for a tag the head that predicts it, where the source says. left_out: pictures
    without a part in this, by reason.
    """

    name: str
    pictures: tuple[Picture, ...]
    kinds: Mapping[str, str]
    vocabulary: frozenset[str] | None
    relations: Relations
    names: tuple[str, ...]
    company: TagCounts
    heads: Mapping[str, str] = field(default_factory=dict[str, str])
    left_out: Counter[str] = field(default_factory=lambda: Counter[str]())
    about: str = ""

    @property
    def judged(self) -> int:
        """How many pictures decide the figures."""
        return sum(picture.part == "judged" for picture in self.pictures)
