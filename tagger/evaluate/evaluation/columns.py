"""Which of a model's labels are which of a dataset's, whatever the spelling.

Both sides go by their canonical names, aliases followed: that of the dataset's relations, the
model's own and those of our home. A tag that only one side knows can't be judged, and is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError
from ...labels import LabelSet
from ...relations import Relations
from ...scores import RATING
from ...thresholds import Thresholds, operating_point


@dataclass(frozen=True, eq=False)
class Columns:
    """The labels that both know, in the dataset's order and with its categories and counts.

    dataset: their indices in the dataset's vocabulary, intp[m]. own: the model's threshold of
    each, float32[m]. renamed: how many have another name in the model, by alias. only_dataset,
    only_model: names that the other side does not know.
    """

    labels: LabelSet
    dataset: NDArray[np.intp]
    own: NDArray[np.float32]
    renamed: int
    only_dataset: tuple[str, ...]
    only_model: tuple[str, ...]
    _sources: NDArray[np.intp]
    _starts: NDArray[np.intp]

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's scores float32[N, n] as those of these labels, float32[N, m].

        Where the model has several labels for one tag the greatest counts.
        """
        return np.maximum.reduceat(values[:, self._sources], self._starts, axis=1)


def match(
    model: LabelSet, thresholds: Thresholds, vocabulary: LabelSet, relations: Sequence[Relations]
) -> Columns:
    """Find a model's labels in a vocabulary. Raises DatasetError where they share no tag."""

    def canonical(name: str) -> str:
        for one in relations:
            name = one.canonical(name)
        return name

    known: dict[str, list[int]] = {}
    for index, label in enumerate(model):
        if label.name and label.category.name != RATING:
            known.setdefault(canonical(label.name), []).append(index)
    wanted = {index: canonical(label.name) for index, label in enumerate(vocabulary)}
    shared = [index for index, name in wanted.items() if name in known]
    if not shared:
        raise DatasetError(
            f"expected a model that knows tags of the dataset, such as {vocabulary[0].name}, got "
            f"one that knows none of its {len(vocabulary):,}"
        )
    point = operating_point(model, thresholds)
    lists = [known[wanted[index]] for index in shared]
    theirs = set(wanted.values())
    return Columns(
        LabelSet(tuple(vocabulary[index] for index in shared)),
        np.array(shared, np.intp),
        np.array([point[each].min() for each in lists], np.float32),
        sum(model.find(vocabulary[index].name) is None for index in shared),
        tuple(vocabulary[i].name for i, name in wanted.items() if name not in known),
        tuple(model[own[0]].name for name, own in known.items() if name not in theirs),
        np.array([index for each in lists for index in each], np.intp),
        np.cumsum([0, *map(len, lists[:-1])]).astype(np.intp),
    )
