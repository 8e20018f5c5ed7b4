"""The model that a verb was asked to use, opened."""

from __future__ import annotations

from ..backends import open_backend
from ..engine import Tagger
from ..models.registry import DEFAULT, default_registry
from ..settings import Runtime


def open_tagger(name: str, runtime: Runtime) -> Tagger:
    """Open a model by name, alias or path; an empty name is the default model.

    Raises:
        ModelError: unknown, unusable, or not on this machine; the sentence names every way out.
    """
    registry = default_registry()
    model = registry.find(name or DEFAULT, allow_paths=True)
    if not model.on_disk:
        raise registry.missing(model)
    return Tagger(model, open_backend(model, runtime))
