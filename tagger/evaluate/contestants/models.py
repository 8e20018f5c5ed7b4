"""A model as a contestant: found by name or folder, run by the engine as everywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ...backends import open_backend
from ...engine import Tagger
from ...errors import BackendError, ImageError
from ...models.registry import default_registry
from ...models.spec import Contract, Model, digest
from ...pipeline import Outcome, Pipeline
from ...scores import RATING, Scores
from ...settings import Runtime
from ..answers import Said
from ..truth import Picture
from .contestant import About


class ModelContestant:
    """Asks a model of this machine."""

    def __init__(self, name: str, source: str, runtime: Runtime) -> None:
        """Raises ModelError where it is unknown, unusable, or not on this machine."""
        registry = default_registry()
        self._model = registry.find(source, allow_paths=True)
        if not self._model.on_disk:
            raise registry.missing(self._model)
        self._runtime = runtime
        self._opened: tuple[Tagger, Pipeline] | None = None
        self.about = _about(name, source, self._model, runtime)

    def open(self, alone: bool = False) -> None:
        """Load the model; alone, one picture has all of the processor.

        Raises BackendError where its files or the device refuse.
        """
        runtime = replace(self._runtime, streams=1) if alone else self._runtime
        tagger = Tagger(self._model, open_backend(self._model, runtime))
        self._opened = tagger, Pipeline(tagger, runtime)

    def one(self, picture: Picture) -> Said:
        """Ask about one picture alone."""
        try:
            return _said(self._pipeline.submit(picture.path).result())
        except ImageError as error:
            return Said(fault=error.cause)

    def many(self, pictures: Sequence[Picture]) -> Iterator[Said]:
        """Ask in batches, every core busy."""
        with self._pipeline.stream([each.path for each in pictures], ordered=True) as stream:
            yield from map(_outcome, stream)

    def close(self) -> None:
        """Unload the model."""
        if self._opened:
            tagger, pipeline = self._opened
            pipeline.close()
            tagger.close()
            self._opened = None

    @property
    def _pipeline(self) -> Pipeline:
        if self._opened is None:
            raise BackendError(f"{self.about.name}: expected a loaded model, got none")
        return self._opened[1]


def _about(name: str, source: str, model: Model, runtime: Runtime) -> About:
    contract, labels = model.contract, model.labels
    parts = (model.identity(contract), digest(contract.preprocess), runtime.precision)
    thresholds = {
        one.name: one.threshold for one in labels if one.name and one.threshold is not None
    }
    return About(
        name=name or model.name,
        source=source,
        kind="model",
        vocabulary={one.name: one.category.name for one in labels if one.name}
        | {labels[at].name: RATING for at in labels.of(RATING).tolist()},
        thresholds=model.thresholds,
        label_thresholds=thresholds,
        identity=" ".join(parts),
        size=_size(model, contract),
        normalised=_normalised(contract),
    )


def _size(model: Model, contract: Contract) -> int:
    return sum(Path(model.path(name)).stat().st_size for name in contract.files)


def _normalised(contract: Contract) -> bool:
    """Whether a mean is taken off or a deviation divided by."""
    way = contract.preprocess
    return any(each != 0 for each in way.mean) or any(each != 1 for each in way.std)


def _outcome(outcome: Outcome) -> Said:
    if outcome.scores is not None:
        return _said(outcome.scores)
    if isinstance(outcome.error, ImageError):
        return Said(fault=outcome.error.cause)
    raise outcome.error or BackendError("expected scores, got nothing")


def _said(scores: Scores) -> Said:
    ratings = set(scores.labels.of(RATING).tolist())
    values = scores.values.tolist()
    tags: dict[str, float] = {}
    rated: dict[str, float] = {}
    for at, label in enumerate(scores.labels):
        if at in ratings:
            rated[label.name] = values[at]
        elif label.name and values[at] > tags.get(label.name, 0.0):
            tags[label.name] = values[at]
    return Said(tags, rated)
