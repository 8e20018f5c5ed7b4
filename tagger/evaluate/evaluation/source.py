"""Where scores come from: a model that is run, or a file of the scores that it gave before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...backends import open_backend
from ...engine import Tagger
from ...errors import BackendError, ImageError, UsageError
from ...folder.scoretable import ENDING, ScoreTable, as_written
from ...labels import LabelSet
from ...models.registry import default_registry
from ...models.spec import Model
from ...pipeline import Pipeline
from ...relations import EMPTY, Relations
from ...settings import Runtime
from ...thresholds import Thresholds


@dataclass(frozen=True)
class Asked:
    """A picture: its row in the dataset, where it lies, and its path in the dataset."""

    row: int
    path: Path
    name: str


@dataclass(frozen=True, eq=False)
class Answer:
    """What was said of a picture: float32[labels], 0 to 1, or why nothing was.

    hash: of the picture's bytes, empty where it was not asked for.
    """

    asked: Asked
    values: NDArray[np.float32] | None
    fault: str = ""
    hash: str = ""


class Source(Protocol):
    """Gives scores of pictures. Used as a context: what it loads is freed at the end."""

    name: str
    labels: LabelSet
    thresholds: Thresholds
    relations: Relations

    def answers(self, asked: Sequence[Asked]) -> Iterator[Answer]:
        """An answer for each picture, in the order that is the quickest."""
        ...

    def close(self) -> None:
        """Free what was loaded."""
        ...


def open_source(model: str, runtime: Runtime) -> Source:
    """What MODEL stands for. Raises ModelError or UsageError where it can't be used."""
    if model.lower().endswith(ENDING):
        return TableSource(Path(model))
    registry = default_registry()
    found = registry.find(model, allow_paths=True)
    if not found.on_disk:
        raise registry.missing(found)
    return ModelSource(found, runtime)


class ModelSource:
    """A model of this machine, run by the engine as everywhere else."""

    def __init__(self, model: Model, runtime: Runtime) -> None:
        """Load nothing yet."""
        self.name, self.labels = model.name, model.labels
        self.thresholds, self.relations = model.thresholds, model.relations
        self._model, self._runtime = model, runtime
        self._opened: tuple[Tagger, Pipeline] | None = None

    def answers(self, asked: Sequence[Asked]) -> Iterator[Answer]:
        """Run the model. Raises BackendError where it can't go on."""
        pipeline = self._pipeline()
        with pipeline.stream([each.path for each in asked], ordered=True) as stream:
            for each, outcome in zip(asked, stream, strict=True):
                if outcome.scores is not None:
                    yield Answer(each, outcome.scores.values)
                elif isinstance(outcome.error, ImageError):
                    yield Answer(each, None, outcome.error.cause)
                else:
                    raise outcome.error or BackendError("expected scores, got nothing")

    def close(self) -> None:
        """Free the model."""
        if self._opened:
            tagger, pipeline = self._opened
            pipeline.close()
            tagger.close()
            self._opened = None

    def _pipeline(self) -> Pipeline:
        if self._opened is None:
            try:
                tagger = Tagger(self._model, open_backend(self._model, self._runtime))
            except BackendError as error:  # nothing has run yet: refused, not failed
                raise UsageError(str(error)) from error
            self._opened = tagger, Pipeline(tagger, self._runtime)
        return self._opened[1]


class TableSource:
    """A file of scores. A picture is found by its path, else by its path in the dataset."""

    relations = EMPTY

    def __init__(self, file: Path) -> None:
        """Raises UsageError if it is no such file."""
        self._file = file
        table = ScoreTable(file)
        self.name, self.labels = table.head.model, table.head.labels
        self.thresholds = table.head.thresholds
        self._places = {
            path: (group, at)
            for group in range(table.groups)
            for at, path in enumerate(table.paths(group))
        }
        self._table = table

    def answers(self, asked: Sequence[Asked]) -> Iterator[Answer]:
        """Answer in the file's order, so that it is read once and a part of it held at a time."""
        placed = [(self._find(each), each) for each in asked]
        for place, each in placed:
            if place is None:
                yield Answer(each, None, f"not in {self._file.name}")
        found = sorted(
            ((place, each) for place, each in placed if place is not None), key=lambda one: one[0]
        )
        for group, some in groupby(found, key=lambda one: one[0][0]):
            rows = self._table.group(group)
            for (_, at), each in some:
                yield Answer(each, rows.values[at], hash=rows.hashes[at])

    def close(self) -> None:
        """Nothing was loaded."""

    def _find(self, asked: Asked) -> tuple[int, int] | None:
        places = map(as_written, (str(asked.path), asked.path.as_posix(), asked.name))
        return next((self._places[name] for name in places if name in self._places), None)
