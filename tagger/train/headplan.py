"""Which labels belong to which head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..labels import LabelSet
from .config import HeadOptions, NetworkOptions

ALL, OTHER, ADDED = "all", "other", "added"
"""Names of heads that nobody named: of all labels, of those left over, of those added."""


@dataclass(frozen=True, eq=False)
class HeadPlan:
    """A head to be: its settings and its labels, intp[k], ascending."""

    name: str
    options: HeadOptions
    columns: NDArray[np.intp]


def plan_heads(
    options: NetworkOptions, labels: LabelSet, of_dataset: Mapping[str, Sequence[str]]
) -> tuple[HeadPlan, ...]:
    """Give every label to one head: to the first named that asks for it, else as `head_per` says.

    of_dataset: the heads that the DATASET names, with their tags. A head without labels is left
    out, for a DATASET need not have all categories.

    Raises:
        OptionError: a head asks for a category or a DATASET names heads that are not there.
    """
    wanted = dict(options.named_heads)
    _refuse_unknown(wanted, labels)
    own = options.default_head
    if options.head_per == "dataset":
        if not of_dataset:
            raise OptionError(
                "head_per: expected a DATASET that names heads, got one that names none: use "
                "category, or name them in heads"
            )
        wanted |= {k: replace(own, tags=tuple(v)) for k, v in of_dataset.items() if k not in wanted}
    if options.head_per == "category":
        kinds = dict.fromkeys(label.category.name for label in labels)
        wanted |= {_word(k): replace(own, labels=(k,)) for k in kinds if _word(k) not in wanted}
    return assign(wanted, own, labels)


def assign(
    wanted: Mapping[str, HeadOptions], own: HeadOptions, labels: LabelSet
) -> tuple[HeadPlan, ...]:
    """Give every label to the first head that asks for it; what is left over to a head of `own`."""
    free = np.ones(len(labels), np.bool_)
    plans: list[HeadPlan] = []
    for name, head in wanted.items():
        mine = _asked(head, labels) & free
        free &= ~mine
        plans.append(HeadPlan(name, head, np.flatnonzero(mine)))
    rest = HeadPlan(OTHER if wanted else ALL, own, np.flatnonzero(free))
    return tuple(plan for plan in (*plans, rest) if plan.columns.size)


def _asked(head: HeadOptions, labels: LabelSet) -> NDArray[np.bool_]:
    """The labels that a head asks for, bool[n]."""
    asked = np.zeros(len(labels), np.bool_)
    for kind in head.labels:
        asked[labels.of(kind)] = True
    asked[[at for tag in head.tags if (at := labels.find(tag)) is not None]] = True
    return asked


def _refuse_unknown(wanted: Mapping[str, HeadOptions], labels: LabelSet) -> None:
    known = {label.category.name for label in labels}
    for name, head in wanted.items():
        for kind in head.labels:
            if kind not in known:
                raise OptionError(
                    f"heads: {name}: expected categories of this DATASET, "
                    f"{', '.join(sorted(known))}, got {kind!r}"
                )


def _word(category: str) -> str:
    """A category's name as a head's: `category 7` is no word."""
    return category.replace(" ", "_")
