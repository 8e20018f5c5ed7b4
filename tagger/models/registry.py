"""A name or a path -> Model. The disk is looked at again at every call, nothing is loaded."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ModelError
from ..home import part
from .catalog import CATALOG, DEFAULT
from .contract import Contract
from .files import complete, locate
from .local import examine
from .spec import Model, ModelSpec

__all__ = ["DEFAULT", "Registry", "Row", "default_registry"]

DEMO = Path(__file__).parents[1] / "demo" / "model"


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
        if not self.spec.contracts:
            raise ModelError(
                f"{self.name}: expected a model that can be run, got {self.spec.note}: use another"
            )
        return Model(self.name, self.spec, self.folder, self.contracts)


class Registry:
    """The models of this machine and the published ones.

    `roots` hold folders of models, beside the `models` part of our home. The bundled model lies
    in `demo`, where that folder exists.
    """

    def __init__(
        self,
        roots: Sequence[Path] = (),
        specs: Sequence[ModelSpec] = CATALOG,
        demo: Path | None = DEMO,
    ) -> None:
        self.roots = tuple(dict.fromkeys((part("models"), *roots)))
        self.specs = tuple(specs)
        self._demo = demo

    def list(self) -> tuple[Row, ...]:
        """Every model: published, bundled, then those of the folders; bad folders with a reason."""
        rows = [self._published(spec) for spec in self.specs]
        if self._demo is not None and self._demo.is_dir():
            rows.append(_bundled(self._demo))
        taken = {row.folder for row in rows}
        names = {row.name for row in rows}
        for folder in self._folders():
            if folder not in taken:
                row = _row(folder)
                rows.append(replace(row, name=_free(row.name, names)))
                names.add(rows[-1].name)
        return tuple(rows)

    def find(self, name: str, allow_paths: bool = False) -> Model:
        """The model of this name, alias or Hugging Face repository, on disk or not.

        With `allow_paths` (never for a request from outside) a folder, or an ONNX file in one.

        Raises:
            ModelError: unknown, with the nearest names; or known and not usable, with the reason.
        """
        rows = self.list()
        exact = [row for row in rows if row.name == name]
        for row in exact or [row for row in rows if _called(row, name)]:
            return row.model()
        path = Path(name).expanduser()
        if allow_paths and path.exists():
            return _at(path).model()
        raise ModelError(_unknown(name, rows, allow_paths))

    def missing(self, model: Model) -> ModelError:
        """The sentence for a model that is known and not on disk, with every way out."""
        here = [row.name for row in self.list() if row.on_disk]
        size = sum(model.spec.file(name).size or 0 for name in model.contract.files)
        ways = [f"run `tagger models get {model.name}`" + (f" ({_mb(size)})" if size else "")]
        if "demo" in here:
            ways.append("use --model demo (drawn figures and sprites only)")
        if others := [name for name in here if name != "demo"]:
            ways.append(f"use one that is here: {', '.join(others)}")
        return ModelError(f"expected {model.name} on disk, got nothing there: {', or '.join(ways)}")

    def _published(self, spec: ModelSpec) -> Row:
        folder = locate(spec, self.roots)
        if folder is None:
            return Row(spec.name, spec)
        return Row(spec.name, spec, folder, complete(spec, folder))

    def _folders(self) -> Iterator[Path]:
        for root in self.roots:
            try:
                found = sorted(root.iterdir())
            except OSError:  # not there yet, or not ours to read
                continue
            yield from (path for path in found if path.is_dir() and path.name[0] != ".")


def default_registry() -> Registry:
    """The registry of our own home, without further roots."""
    return Registry()


def _row(folder: Path, weights: str | None = None) -> Row:
    found = examine(folder, weights)
    return Row(folder.name, found.spec, folder, found.contracts, found.reason, local=True)


def _bundled(folder: Path) -> Row:
    row = _row(folder)
    return replace(row, name="demo", spec=replace(row.spec, name="demo"), local=False)


def _at(path: Path) -> Row:
    """A model by path; relative names such as `.` are made plain first."""
    real = path.resolve()
    return _row(real) if real.is_dir() else _row(real.parent, real.name)


def _called(row: Row, name: str) -> bool:
    known = (row.name, *row.spec.aliases, row.spec.repo or "")
    return not row.local and name.casefold() in {one.casefold() for one in known if one}


def _free(name: str, taken: set[str]) -> str:
    """The name itself, or with a mark where another model has it."""
    if name not in taken:
        return name
    marked = (f"{name} (local)", *(f"{name} (local {n})" for n in range(2, len(taken) + 3)))
    return next(one for one in marked if one not in taken)


def _unknown(name: str, rows: Sequence[Row], allow_paths: bool) -> str:
    known = {one: row.name for row in rows for one in (row.name, *row.spec.aliases)}
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    names = ", ".join(dict.fromkeys(known[one] for one in near))
    hint = f"did you mean {names}?" if names else "`tagger models` lists them"
    what = "a model's name or folder" if allow_paths else "a model's name"
    return f"expected {what}, got {name!r}: {hint}"


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
