"""What is asked of a selection: Selection by a person, Thresholds by a model; and Tag, the result.

How scores are chosen is `thresholds`' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from .errors import OptionError
from .options import check, option
from .spelling import Pattern

Method = Literal["fixed", "mcut", "topk"]


@dataclass(frozen=True)
class Thresholds:
    """A model's operating point, as its author or its calibration set it.

    The narrowest that is known holds: the tag's, the label file's, the category's, the overall.
    """

    overall: float = option(0.35, help="Threshold of every tag without another.", ge=0, le=1)
    categories: Mapping[str, float] = option(
        factory=dict[str, float], help="Threshold of a category's tags.", ge=0, le=1
    )
    tags: Mapping[str, float] = option(
        factory=dict[str, float], help="Threshold of one tag.", ge=0, le=1
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Selection:
    """Which scores become tags.

    Tags are named in any spelling. `exclude` wins over `keep`, and `keep` over everything else.
    """

    method: Method = option(
        "fixed",
        help="fixed: all at or over the threshold; mcut: all above the widest gap, in each "
        "category; topk: the highest.",
    )
    threshold: float | None = option(
        None, help="Threshold of every tag, instead of the model's own.", ge=0, le=1, metavar="N"
    )
    category_thresholds: Mapping[str, float] = option(
        factory=dict[str, float], help="Threshold of one category's tags.", ge=0, le=1
    )
    tag_thresholds: Mapping[str, float] = option(
        factory=dict[str, float], help="Threshold of one tag.", ge=0, le=1
    )
    top_k: int = option(30, help="How many tags topk takes.", ge=1, metavar="K")
    categories: tuple[str, ...] | None = option(
        None, help="Categories that are written; without it all but rating and meta."
    )
    exclude: tuple[str, ...] = option(
        (), help="Tags never written: a name, a wildcard with *, or /a regex/.", metavar="TAG"
    )
    keep: tuple[str, ...] = option(
        (), help="Tags written whenever their score is 0.01 or more.", metavar="TAG"
    )
    only: tuple[str, ...] = option(
        (), help="No other tags are written, except those to keep.", metavar="TAG"
    )

    def __post_init__(self) -> None:
        check(self)
        for name in ("exclude", "keep", "only"):
            try:
                _ = [Pattern.parse(each) for each in getattr(self, name)]
            except OptionError as error:
                raise OptionError(f"{name}: {error}") from error


class Tag(NamedTuple):
    """A word in a caption, and why it is there.

    score: probability, 0 to 1, six decimals. index: the model's output, -1 if there is none.
    """

    name: str
    category: str
    score: float
    index: int = -1  # pyright: ignore[reportIncompatibleMethodOverride] - a tuple's method
