"""One line of the list of models: what is known of it, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError
from .contract import Contract
from .spec import Model, ModelSpec


@dataclass(frozen=True)
class Row:
    """One line of the list of models.

    Attributes:
        folder: where it lies, None where it does not.
        contracts: the ways to run it, of those whose files are there.
        reason: why a folder can't be used; empty where it can, and where there is none.
        local: somebody's folder, not a published model.
    """

    name: str
    spec: ModelSpec
    folder: Path | None = None
    contracts: tuple[Contract, ...] = ()
    reason: str = ""
    local: bool = False

    @property
    def on_disk(self) -> bool:
        """Whether it can be opened without a network."""
        return bool(self.contracts)

    def model(self) -> Model:
        """The model of this row.

        Raises:
            ModelError: the folder can't be used; the sentence is the reason.
        """
        if self.reason:
            raise ModelError(self.reason)
        return Model(self.name, self.spec, self.folder, self.contracts)
