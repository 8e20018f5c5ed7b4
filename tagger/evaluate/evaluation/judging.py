"""A split's pictures passed through once, everything counted in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ...dataset.index import Dataset
from ...errors import ImageError
from ...folder.scoretable import Head, TableWriter, check_table, writing
from ...images import content_hash
from ...labels import LabelSet
from ...scores import Scores
from ..histograms import Histograms
from ..predictions import Predictions
from .characters import Characters
from .columns import Columns
from .held import Held
from .mistakes import Mistakes
from .options import EvaluateOptions
from .ratings import Ratings
from .source import Answer, Asked, Source
from .tally import Tally

Tell = Callable[[int, int], None]
BATCH = 128
"""Pictures whose scores are counted together."""


@dataclass(frozen=True, eq=False)
class Judged:
    """The pictures that are judged, what is known of them, and who judges."""

    dataset: Dataset
    source: Source
    columns: Columns
    ratings: Ratings | None


@dataclass(eq=False)
class Passed:
    """What one pass over a split left behind.

    rows: of the dataset, intp[N], those whose pictures could be scored. rated, scalar: for each
    the rating that was chosen and the scalar.
    """

    histograms: Histograms
    tallies: Mapping[str, Tally] = field(default_factory=dict[str, Tally])
    held: Held | None = None
    mistakes: Mistakes | None = None
    characters: Characters | None = None
    faults: dict[int, str] = field(default_factory=dict[int, str])
    _rows: list[NDArray[np.intp]] = field(default_factory=list[NDArray[np.intp]])
    _rated: list[NDArray[np.intp]] = field(default_factory=list[NDArray[np.intp]])
    _scalar: list[NDArray[np.float64]] = field(default_factory=list[NDArray[np.float64]])

    @property
    def rows(self) -> NDArray[np.intp]:
        """intp[N], in the order they were judged."""
        return np.concatenate(self._rows) if self._rows else np.zeros(0, np.intp)

    @property
    def rated(self) -> NDArray[np.intp]:
        """The rating that was chosen for each, intp[N]."""
        return np.concatenate(self._rated) if self._rated else np.zeros(0, np.intp)

    @property
    def scalar(self) -> NDArray[np.float64]:
        """The scalar of each one's rating, 0 to 1."""
        return np.concatenate(self._scalar) if self._scalar else np.zeros(0)

    def add(self, judged: Judged, answers: Sequence[Answer]) -> None:
        """Count some pictures."""
        good = [each for each in answers if each.values is not None]
        self.faults |= {each.asked.row: each.fault for each in answers if each.values is None}
        if not good:
            return
        rows = np.array([each.asked.row for each in good], np.intp)
        values = np.stack([each.values for each in good if each.values is not None])
        predictions = predictions_of(judged, rows, values)
        self.histograms.add(predictions)
        for tally in self.tallies.values():
            tally.add(predictions)
        for one in (self.held, self.characters):
            if one is not None:
                one.add(predictions)
        if self.mistakes is not None:
            self.mistakes.add(predictions, rows)
        self._rows.append(rows)
        if judged.ratings is not None:
            self._rated.append(judged.ratings.chosen(values))
            self._scalar.append(judged.ratings.scalar(values))


def predictions_of(
    judged: Judged, rows: NDArray[np.intp], values: NDArray[np.float32]
) -> Predictions:
    """Scores of the model, float32[N, n], beside what is true of these rows."""
    truth, known = (each[:, judged.columns.dataset] for each in judged.dataset.targets(rows))
    return Predictions(judged.columns(values), truth, known)


def passed_through(
    judged: Judged,
    rows: NDArray[np.intp],
    passed: Passed,
    tell: Tell,
    table: TableWriter | None = None,
) -> Passed:
    """Ask about the pictures of rows, a batch at a time, and count what is said."""
    answers = judged.source.answers(_asked(judged.dataset, rows))
    done = 0
    for some in _batches(answers):
        passed.add(judged, some)
        if table is not None:
            _write(table, judged.source, some)
        done += len(some)
        tell(done, len(rows))
    return passed


def saving(options: EvaluateOptions, source: Source) -> AbstractContextManager[TableWriter | None]:
    """The table of scores that is asked for, written while the block runs.

    Raises UsageError where another file is there that is no such table, or another model's.
    """
    if options.save_scores is None:
        return nullcontext()
    head = Head(source.name, source.labels, source.thresholds)
    check_table(options.save_scores, head)
    return writing(options.save_scores, head)


def characters_of(labels: LabelSet) -> Characters | None:
    """Counts of characters, where there are at least two to choose from."""
    own = labels.of("character")
    return Characters(own) if len(own) > 1 else None


def _asked(dataset: Dataset, rows: NDArray[np.intp]) -> list[Asked]:
    names = dataset.column("path")  # once: each time is a copy of all
    return [Asked(row, dataset.image_path(row), str(names[row])) for row in rows.tolist()]


def _batches(answers: Iterator[Answer]) -> Iterator[list[Answer]]:
    while some := list(islice(answers, BATCH)):
        yield some


def _write(table: TableWriter, source: Source, answers: Sequence[Answer]) -> None:
    good = [each for each in answers if each.values is not None]
    if good:
        table.write(
            [str(each.asked.path) for each in good],
            [each.hash or _hash(each.asked) for each in good],
            [Scores(each.values, source.labels, source.name) for each in good],  # pyright: ignore
        )


def _hash(asked: Asked) -> str:
    try:
        return content_hash(asked.path)
    except ImageError:  # gone since it was scored
        return ""
