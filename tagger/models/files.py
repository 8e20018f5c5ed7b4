"""A model's files on disk: where they lie, and whether they are all there. No network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import ModelError
from ..home import part
from . import hub
from .contract import Contract
from .spec import File, ModelSpec, inside


def locate(spec: ModelSpec, roots: Sequence[Path] = ()) -> Path | None:
    """The folder of a published model: in `roots`, in our own, in the Hugging Face cache.

    In a root it is called by its name or an alias, or lies as in a cache.

    A folder counts when the labels and the files of at least one contract are there, with the
    sizes that are known.
    """
    return next((folder for folder in _candidates(spec, roots) if complete(spec, folder)), None)


def complete(spec: ModelSpec, folder: Path) -> tuple[Contract, ...]:
    """The ways to run it whose files, labels included, are all in the folder."""
    return tuple(
        contract
        for contract in spec.contracts
        if not any(fault(folder, spec.file(name)) for name in spec.needs(contract))
    )


def fault(folder: Path, file: File) -> str:
    """What is wrong with one file of a model, as a sentence; empty where nothing is."""
    try:
        path = inside(folder, file.path)
        size = path.stat().st_size if path.is_file() else None
    except ModelError as error:
        return str(error)
    except OSError as error:
        return f"{folder / file.path}: expected a file, got {error.strerror or error}"
    if size is None:
        return f"{folder}: expected a file {file.path}, got none: copy or download it"
    if file.size is not None and size != file.size:
        return (
            f"{folder / file.path}: expected {file.size:,} bytes, got {size:,}: "
            f"copy or download it again"
        )
    return ""


def download_size(spec: ModelSpec, contract: Contract | None = None) -> int | None:
    """Bytes that a download would bring, at least roughly, where they are known here."""
    sizes = [spec.file(name).size for name in spec.needs(contract or spec.contract)]
    return spec.about if None in sizes else sum(size or 0 for size in sizes)


def _candidates(spec: ModelSpec, roots: Sequence[Path]) -> Iterator[Path]:
    for root in dict.fromkeys((*roots, part("models"))):
        named = (root / name for name in (spec.name, *spec.aliases))
        yield from (folder for folder in named if folder.is_dir())
        if spec.beside:
            yield root.parent / spec.beside
        if spec.repo:
            yield from hub.snapshots(spec.repo, spec.revision, root)
    if spec.repo:
        yield from hub.snapshots(spec.repo, spec.revision)
