"""The model that a verb was asked to use, opened, and what it needs to caption."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from ..backends import open_backend
from ..captioner import Captioner
from ..engine import Tagger
from ..errors import BackendError, UsageError
from ..labels import LabelSet
from ..models.registry import DEFAULT, default_registry
from ..models.relating import relations_for
from ..models.spec import Model
from ..pipeline import Blend
from ..relationfiles import join
from ..scores import Scores, union
from ..settings import Runtime, Settings


def captioner_for(
    models: Sequence[Model],
    settings: Settings,
    blend: Blend | None = None,
    besides: LabelSet | None = None,
) -> Captioner:
    """Make the settings ready for a model, or for several asked together, without weights.

    besides: labels of another source, joined to the models' by the greater score.

    A tag with a threshold of its own that no model knows is mentioned: it may be meant for
    another model.

    Raises:
        UsageError: the settings need relations and none are known, or name a category that the
            model does not have.
    """
    name, labels, thresholds = models[0].name, models[0].labels, models[0].thresholds
    if len(models) > 1:
        blend = blend or Blend()
        whole = blend.scores([_no_scores(m.name, m.labels) for m in models])
        name, labels = whole.model, whole.labels
        thresholds = blend.thresholds([model.thresholds for model in models])
    if besides is not None:
        labels = union([_no_scores(name, labels), _no_scores("", besides)], "max").labels
    relations = join([relations_for(model, settings) for model in models])
    captioner = Captioner(settings, labels, thresholds, relations)
    selector = captioner.selector
    if selector.unknown_categories:
        known = ", ".join(category.name for category in labels.categories)
        got = ", ".join(map(repr, selector.unknown_categories))
        raise UsageError(f"expected categories of {name} ({known}), got {got}")
    if selector.unknown:
        tags = ", ".join(map(repr, selector.unknown))
        print(f"--tag-threshold: {name} does not know {tags}", file=sys.stderr)
    return captioner


def _no_scores(name: str, labels: LabelSet) -> Scores:
    return Scores(np.zeros(len(labels), np.float32), labels, name)


def find_models(names: Sequence[str]) -> list[Model]:
    """Find models by name, without opening them; no name at all is the default model.

    Raises:
        ModelError: as `find_model` does.
        UsageError: one is named twice.
    """
    if len(set(names)) < len(names):
        raise UsageError(f"--model: expected each model once, got {', '.join(names)}")
    return [find_model(name) for name in names or [""]]


def open_model(model: Model, runtime: Runtime) -> Tagger:
    """Load a model.

    Raises:
        UsageError: its files contradict what is said of them, or the device asked for is not to
            be had.
    """
    try:
        return Tagger(model, open_backend(model, runtime))
    except BackendError as error:  # nothing has run yet: refused, not failed
        raise UsageError(str(error)) from error


def find_model(name: str) -> Model:
    """Find a model by name, alias or path, without opening it; an empty name is the default model.

    Raises:
        ModelError: unknown, unusable, or not on this machine; the sentence names every way out.
    """
    registry = default_registry()
    model = registry.find(name or DEFAULT, allow_paths=True)
    if not model.on_disk:
        raise registry.missing(model)
    return model
