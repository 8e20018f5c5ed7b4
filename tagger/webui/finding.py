"""The models that are listed, found without looking at the disk for every picture."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..backends.explain import by_torch
from ..models.registry import Registry
from ..models.spec import Model

GLANCE_S = 20.0
"""Seconds between two looks at the disk for one model: a look takes 20 ms and more."""


class Models:
    """The registry; what it found on disk is taken to be there for `GLANCE_S`.

    A Model is the same object as long as nothing about it changes: it keeps its labels.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._found: dict[str, tuple[float, Model]] = {}

    def find(self, name: str) -> Model:
        """Find a listed model by name or alias; never a path. Raises ModelError."""
        known = self._found.get(name)
        if known and known[1].on_disk and time.monotonic() - known[0] < GLANCE_S:
            return known[1]
        model = self.registry.find(name)
        if known and known[1] == model:
            model = known[1]
        if model.on_disk:
            self._found[name] = (time.monotonic(), model)
        return model


@dataclass(frozen=True)
class ByTorch:
    """The same models, to be run by torch where they can be: ONNX Runtime has no gradients."""

    models: Models

    def find(self, name: str) -> Model:
        """As `Models.find`."""
        return by_torch(self.models.find(name))
