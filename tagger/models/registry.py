"""A name or a path -> Model. The disk is looked at again at every call, nothing is loaded."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from ..bytecount import readable
from ..errors import ModelError
from ..home import home, part
from ..paths import expanded
from . import hub, userspecs
from .catalog import CATALOG, DEFAULT
from .files import complete, locate
from .local import examine
from .places import named_roots
from .row import Row
from .spec import Model, ModelSpec, inside
from .stages import read_stages

__all__ = ["DEFAULT", "Registry", "Row", "default_registry"]

_HUB = "https://huggingface.co/"
DEMO = Path(__file__).parents[1] / "demo" / "model"


class Registry:
    """The models of this machine and the published ones.

    Looked through in this order: `roots`, which hold folders of models or are caches, the `models`
    part of our home, the Hugging Face cache. The bundled model lies in `demo`, where that folder
    exists. A `models.json` in our home changes and adds published models.
    """

    def __init__(
        self,
        roots: Sequence[Path] = (),
        specs: Sequence[ModelSpec] = CATALOG,
        demo: Path | None = DEMO,
    ) -> None:
        self.roots = tuple(dict.fromkeys((*roots, part("models"))))
        self.specs = tuple(specs)
        self._demo = demo

    def list(self) -> tuple[Row, ...]:
        """Every model: published, bundled, then those of the folders; bad folders with a reason."""
        return tuple(self._rows())

    def find(self, name: str, allow_paths: bool = False) -> Model:
        """The model of this name, alias or Hugging Face repository, on disk or not.

        With `allow_paths` (never for a request from outside) a folder, an ONNX file in one, or
        any repository in the cache.

        Raises:
            ModelError: unknown, with the nearest names; or known and not usable, with the reason.
        """
        return self.row(name, allow_paths).model()

    def row(self, name: str, allow_paths: bool = False) -> Row:
        """The line of this name, as `find` understands names; of a bad folder, too.

        Raises:
            ModelError: unknown, with the nearest names.
        """
        path = expanded(name)
        if allow_paths and path.is_absolute() and path.exists():  # no name looks so
            return _at(path)
        rows: list[Row] = []
        for row in self._rows():
            if row.name == name:
                return row
            rows.append(row)
        if called := next((row for row in rows if _called(row, name)), None):
            return called
        if allow_paths and path.exists():
            return _at(path)
        if allow_paths and re.fullmatch(r"[\w.-]+/[\w.-]+", name):
            return self._snapshot(name)
        raise ModelError(_unknown(name, rows, allow_paths))

    def missing(self, model: Model) -> ModelError:
        """The sentence for a model that is known and not on disk, with every way out."""
        here = [row.name for row in self.list() if row.on_disk]
        size = sum(model.spec.file(name).size or 0 for name in model.contract.files)
        ways = [f"run `tagger models get {model.name}`" + (f" ({readable(size)})" if size else "")]
        if "demo" in here:
            ways.append("use demo (drawn figures and sprites only)")
        if others := [name for name in here if name != "demo"]:
            ways.append(f"use one that is here: {', '.join(others)}")
        return ModelError(f"expected {model.name} on disk, got nothing there: {', or '.join(ways)}")

    def _rows(self) -> Iterator[Row]:
        """The rows of `list`, each looked at when it is its turn."""
        specs, faults = self._specs()
        demo = [self._demo] if self._demo is not None and self._demo.is_dir() else []
        taken, names = set[Path | None](), set[str]()
        for row in chain(faults, map(self._published, specs), map(_bundled, demo)):
            taken.add(row.folder)
            names.add(row.name)
            yield row
        for folder in self._folders():
            if folder not in taken:
                row = _row(folder)
                names.add(free := _free(row.name, names))
                yield replace(row, name=free)
        known = {spec.repo for spec in specs}
        for row in self._cached():
            if row.name not in known:
                known.add(row.name)
                yield row

    def _published(self, spec: ModelSpec) -> Row:
        folder = locate(spec, self.roots)
        if folder is None:
            return Row(spec.name, spec)
        ways = complete(spec, folder)
        if spec.stages is None:
            return Row(spec.name, spec, folder, ways)
        try:
            path = inside(folder, spec.stages)
            read = (read_stages(path, way.preprocess.layout) for way in ways)
            ways = tuple(replace(w, preprocess=p) for w, p in zip(ways, read, strict=True))
        except ModelError as error:
            return Row(spec.name, spec, folder, reason=str(error))
        return Row(spec.name, spec, folder, ways)

    def _specs(self) -> tuple[tuple[ModelSpec, ...], list[Row]]:
        """The published models with the user's own changes, and a row where those are wrong."""
        path = home() / userspecs.NAME
        if not path.exists():
            return self.specs, []
        try:
            return userspecs.read_user_specs(path, self.specs), []
        except ModelError as error:
            return self.specs, [Row(userspecs.NAME, ModelSpec(userspecs.NAME), reason=str(error))]

    def _folders(self) -> Iterator[Path]:
        for root in self.roots:
            try:
                found = sorted(root.iterdir())
            except OSError:  # not there yet, or not ours to read
                continue
            folders = (path for path in found if path.is_dir() and path.name[0] != ".")
            yield from (path for path in folders if not path.name.startswith("models--"))

    def _cached(self) -> Iterator[Row]:
        """The repositories in a cache that are a model by their files; others are no faults."""
        for cache in (*self.roots, hub.cache()):
            for repo in hub.repositories(cache):
                there = (one for one in hub.snapshots(repo, folder=cache) if one.is_dir())
                folder = next(filter(_looks_like_ours, there), None)
                if folder and (row := _named(_row(folder), repo)).on_disk:
                    yield row

    def _snapshot(self, repo: str) -> Row:
        """A repository's newest snapshot in a cache, whatever it is."""
        for cache in (*self.roots, hub.cache()):
            for folder in hub.snapshots(repo, folder=cache):
                if folder.is_dir():
                    return _named(_row(folder), repo)
        raise ModelError(
            f"{repo}: expected it among the known models or in the Hugging Face cache, got "
            f"neither: fetch it with `hf download {repo}`"
        )


def default_registry() -> Registry:
    """The registry of our own home and of the folders that `TAGGER_MODELS` names."""
    return Registry(named_roots())


def _named(row: Row, repo: str) -> Row:
    return replace(row, name=repo, spec=replace(row.spec, name=repo, source=_HUB + repo))


def _looks_like_ours(folder: Path) -> bool:
    """A quick look: the cache holds much that is no tagger."""
    names = ("tagger.json", "selected_tags.csv", "tags-selected.csv")
    return any((folder / name).is_file() for name in names)


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
