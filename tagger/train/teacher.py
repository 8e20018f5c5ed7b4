"""Another tagger's scores, for a network to learn from: a Parquet file of `tagger caption`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..folder.scoretable import ScoreTable
from ..labels import LabelSet
from .targets import Targets


@dataclass(frozen=True, eq=False)
class Teacher:
    """Scores by picture.

    rows: intp[dataset], the row of `scores` that is of a picture of the dataset, -1 without one.
    scores: float16[pictures, k]. columns: intp[k], the labels that they are of.
    """

    rows: NDArray[np.intp]
    scores: NDArray[np.float16]
    columns: NDArray[np.intp]
    labels: int

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Probabilities of rows of the dataset, float32[N, labels]; NaN where it says nothing."""
        found = np.full((len(rows), self.labels), np.nan, np.float32)
        own = self.rows[rows]
        there = np.flatnonzero(own >= 0)
        found[np.ix_(there, self.columns)] = self.scores[own[there]]
        return found


def open_teacher(path: Path, targets: Targets) -> Teacher:
    """Read a table of scores for the pictures and labels of a training.

    A picture is found by its file: the whole path, or the end of it that the dataset names. Held
    in memory as float16: 100,000 pictures of 10,000 shared tags take 2 GB.

    Raises UsageError where it is no such table, OptionError where it shares no picture or no tag.
    """
    table = ScoreTable(path)
    wanted, theirs = _shared(targets.rows.labels, table.head.labels)
    if not wanted.size:
        raise OptionError(f"teacher: expected scores of tags of the DATASET, got none in {path}")
    places = _places(targets)
    rows = np.full(len(targets.dataset), -1, np.intp)
    parts: list[NDArray[np.float16]] = []
    count = 0
    for group in table:
        kept, owners = _found(group.paths, places)
        parts.append(group.values[np.array(kept, np.intp)][:, theirs].astype(np.float16))
        rows[owners] = count + np.arange(len(kept))
        count += len(kept)
    if not count:
        raise OptionError(
            f"teacher: expected scores of the DATASET's pictures, got none in {path}: caption the "
            f"folder that they lie in"
        )
    return Teacher(rows, np.concatenate(parts), wanted, len(targets.rows.labels))


def _shared(ours: LabelSet, theirs: LabelSet) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of the labels that both know, in each."""
    found = [(own, theirs.find(label.name)) for own, label in enumerate(ours)]
    pairs = [(own, other) for own, other in found if other is not None]
    return np.array([a for a, _ in pairs], np.intp), np.array([b for _, b in pairs], np.intp)


def _places(targets: Targets) -> dict[str, int]:
    """From a picture's path, whole or as the dataset names it, to its row; none that is two's."""
    places: dict[str, int] = {}
    for row, name in enumerate(targets.dataset.column("path")):
        for each in (str(name), str(targets.dataset.image_path(row).resolve())):
            places[each] = row if places.get(each, row) == row else -1
    return places


def _found(paths: Iterable[str], places: dict[str, int]) -> tuple[list[int], list[int]]:
    """Which of a table's pictures are the dataset's, and the rows they are."""
    kept, owners = [], []
    for index, path in enumerate(paths):
        row = _row(path, places)
        if row >= 0:
            kept.append(index)
            owners.append(row)
    return kept, owners


def _row(path: str, places: dict[str, int]) -> int:
    whole = places.get(str(Path(path).resolve()), -1)
    if whole >= 0:
        return whole
    parts = PurePosixPath(path.replace("\\", "/")).parts
    ends = ("/".join(parts[at:]) for at in range(len(parts)))
    return next((places[end] for end in ends if end in places), -1)
