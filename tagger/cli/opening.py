"""The model that a verb was asked to use, opened, and what it needs to caption."""

from __future__ import annotations

import sys

from ..backends import open_backend
from ..captioner import Captioner
from ..engine import Tagger
from ..errors import BackendError, UsageError
from ..models.registry import DEFAULT, default_registry
from ..models.spec import Model
from ..relationfiles import home_relations, join
from ..relations import EMPTY, Relations
from ..settings import Runtime, Settings


def open_captioner(name: str, runtime: Runtime, settings: Settings) -> tuple[Tagger, Captioner]:
    """Open a model by name, alias or path, ready to caption; an empty name is the default model.

    What can't be done as asked is refused before the weights are loaded.

    Raises:
        ModelError: unknown, unusable, or not on this machine; the sentence names every way out.
        UsageError: as `captioner_for` and `open_model` do.
    """
    model = find_model(name)
    captioner = captioner_for(model, settings)
    return open_model(model, runtime), captioner


def captioner_for(model: Model, settings: Settings) -> Captioner:
    """Make the settings ready for a model, without its weights.

    A tag with a threshold of its own that the model does not know is mentioned: it may be meant
    for another model.

    Raises:
        UsageError: the settings need relations and none are known, or name a category that the
            model does not have.
    """
    captioner = Captioner(settings, model.labels, model.thresholds, relations_for(model, settings))
    selector = captioner.selector
    if selector.unknown_categories:
        known = ", ".join(category.name for category in model.labels.categories)
        got = ", ".join(map(repr, selector.unknown_categories))
        raise UsageError(f"expected categories of {model.name} ({known}), got {got}")
    if selector.unknown:
        tags = ", ".join(map(repr, selector.unknown))
        print(f"--tag-threshold: {model.name} does not know {tags}", file=sys.stderr)
    return captioner


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


def relations_for(model: Model, settings: Settings) -> Relations:
    """What is known of the model's tags, its own relations before those of our home.

    Nothing is read where the settings need none.

    Raises:
        UsageError: implied tags are asked for, and nothing is known of any.
    """
    if settings.implied == "off" and not settings.series:
        return EMPTY
    known = join([model.relations, home_relations()])
    if settings.implied != "off" and not known.implications:
        raise UsageError(
            f"--implied {settings.implied}: expected to know which tags imply others, got nothing "
            f"in {model.name} or from the sites: run `tagger relations update FILE...` with a "
            f"site's export of aliases and implications"
        )
    return known
