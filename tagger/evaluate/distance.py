"""The score by the distance of tags: who says nearly the right thing loses little.

What is wrongly said is matched one to one with what is true and was not said, so that the
likeness s of the pairs, from 0 to 1, adds up to the most; then

    score = (|P and D| + sum over P without D of (2 s - 1)) / |D|

A tag without a partner has s = 0 and costs what it costs in the showdown; one that is as good as
the right one earns what that would have. The score is never below the showdown's and never
above 1.

Likeness comes from two sources. Where one tag implies the other it is Lin's (1998) over the share
of pictures p that have each: 2 ln p(implied) / (ln p(one) + ln p(other)). Else it is the cosine of
the two rows of positive pointwise mutual information (the company that both keep, without each
other), times how far they stand on the same pictures:

    together = (n_ab / max(n_a, n_b) - c) / (1 - c),   c = min(n_a, n_b) / N, which chance gives

taken as nothing up to a half, as whole from four fifths on, and in proportion between. Two names
of one thing stand on the same pictures. Values that exclude each other, such as blue and green
eyes, keep the same company and never meet: nothing. A mere companion meets often, and as often
comes without: nothing. Names that annotators use in place of each other, never both, look to
counts as if they excluded each other: only an alias tells.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..counts import TagCounts
from ..relations import Relations
from .showdown import Bools, Floats, Tally, ratio

LEAST = 5
"""Pictures that both tags must have: fewer tell nothing of their company."""
NONE, WHOLE = 0.5, 0.8
"""How far two tags stand on the same pictures, from where it counts, and from where fully."""
CHUNK = 512
"""Rows of company held at once; with 10,000 tags 20 MB."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """How alike tags are: tag to tag to a number over 0, at most 1; symmetric, sparse."""

    near: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, dict[str, float]])

    def __call__(self, one: str, other: str) -> float:
        """1 for a tag and itself, 0 for strangers."""
        return 1.0 if one == other else self.near.get(one, {}).get(other, 0.0)


def likeness(names: Sequence[str], company: TagCounts, relations: Relations) -> Likeness:
    """Learn from pictures how alike tags are; `names` are the counted labels, canonical."""
    pairs = [*_together(company), *_implied(names, company, relations)]
    near: dict[str, dict[str, float]] = {}
    for one, other, value in pairs:  # the graph comes last: it knows, counts only guess
        near.setdefault(names[one], {})[names[other]] = value
        near.setdefault(names[other], {})[names[one]] = value
    return Likeness(near)


def distance_score(
    said: Bools, truth: Bools, of: Tally, tags: Sequence[str], by: Likeness
) -> Floats:
    """The score of each picture, float64[N], at most 1; NaN where nothing is true.

    said, truth: bool[N, n], only what is known. of: the same pictures' tally.
    """
    gained = np.zeros(len(said))
    can = np.array([tag in by.near for tag in tags], np.bool_)
    wrong, missed = said & ~truth & can, truth & ~said & can
    for row in np.flatnonzero(wrong.any(axis=1) & missed.any(axis=1)).tolist():
        one, other = (_names(side[row], tags) for side in (wrong, missed))
        gained[row] = matched(one, other, by)
    return ratio(of.agreed + of.right - of.errors + 2 * gained, of.true)


def matched(said: Sequence[str], true: Sequence[str], by: Likeness) -> float:
    """The most likeness that pairs of these tags, each in one pair at most, add up to."""
    values = [by(one, other) for one in said for other in true]
    table = np.array(values).reshape(len(said), len(true))
    rows, columns = table.any(axis=1), table.any(axis=0)
    table = table[rows][:, columns]
    if 0 in table.shape:
        return 0.0
    if 1 in table.shape:
        return float(table.max())
    from scipy.optimize import linear_sum_assignment

    return float(table[linear_sum_assignment(table, maximize=True)].sum())


def _names(row: Bools, tags: Sequence[str]) -> list[str]:
    places: list[int] = np.flatnonzero(row).tolist()
    return [tags[at] for at in places]


def _together(company: TagCounts) -> Iterator[tuple[int, int, float]]:
    """The pairs that stand on the same pictures and keep the same company."""
    if not len(company.pairs):
        return
    first, second = company.pairs.T
    shares = np.stack([company.frequency[first], company.frequency[second]])
    chance = shares.min(axis=0) / max(1, company.pictures)
    met = company.together / shares.max(axis=0)
    apart = np.maximum(1 - chance, 1e-12)  # tags on every picture tell nothing
    weight = np.clip(((met - chance) / apart - NONE) / (WHOLE - NONE), 0, 1)
    weight[shares.min(axis=0) < LEAST] = 0
    some = np.flatnonzero(weight)
    cosines = _cosines(company, first[some], second[some])
    for at, cosine in zip(some.tolist(), cosines.tolist(), strict=True):
        if (value := float(weight[at]) * cosine) > 0:
            yield int(first[at]), int(second[at]), min(1.0, value)


def _cosines(company: TagCounts, first: NDArray[np.int64], second: NDArray[np.int64]) -> Floats:
    """The cosine of two tags' company, each left out of the other's row; float64[pairs]."""
    found = np.zeros(len(first))
    for start in range(0, len(first), CHUNK // 2):
        part = slice(start, start + CHUNK // 2)
        one, other = (company.ppmi(ids[part]).astype(np.float64) for ids in (first, second))
        at = np.arange(len(one))
        one[at, second[part]] = other[at, first[part]] = 0
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        dots = np.einsum("ij,ij->i", one, other)
        found[part] = np.divide(dots, lengths, out=np.zeros(len(one)), where=lengths > 0)
    return np.minimum(found, 1.0)


def _implied(
    names: Sequence[str], company: TagCounts, relations: Relations
) -> Iterator[tuple[int, int, float]]:
    places = {name: at for at, name in enumerate(names)}
    for child, at in places.items():
        for above in _known(relations.ancestors(child), places):
            own, wider = (_information(company, each) for each in (at, above))
            if own > 0:
                yield at, above, min(1.0, 2 * min(own, wider) / (own + wider))


def _known(tags: Iterable[str], places: Mapping[str, int]) -> Iterator[int]:
    return (places[tag] for tag in tags if tag in places)


def _information(company: TagCounts, label: int) -> float:
    """How much it says of a picture to have a tag, in nats; 0 of one that all or none has."""
    times = int(company.frequency[label])
    return math.log(company.pictures / times) if times else 0.0
