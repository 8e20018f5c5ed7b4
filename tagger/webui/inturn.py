"""A backend that takes the WebUI's lock for each batch, where it is free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backends import Backend
from ..backends.explain import Attributes
from ..preprocess import Batch
from .host import Host


class InTurn:
    """Everything of the backend's, each run of it in the host's turn."""

    def __init__(self, backend: Backend, host: Host) -> None:
        self._backend, self._host = backend, host

    def run(self, batch: Batch) -> Any:
        """As `Backend.run`."""
        with self._host.turn():
            return self._backend.run(batch)

    def attribute(self, batch: Batch, columns: Sequence[int], plain: bool) -> Any:
        """As `Attributes.attribute`; None of a backend that has none."""
        if not isinstance(self._backend, Attributes):
            return None
        with self._host.turn():
            return self._backend.attribute(batch, columns, plain)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)
