"""A folder of somebody's model: what it is by its files, or why it can't be used.

A `tagger.json` describes anything; without one, `layouts` says what it knows. Headers are read,
no weights.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import ModelError, TaggerError
from . import layouts, manifest
from .contract import Contract, check_contract
from .files import complete, fault
from .labelfiles import read_labels
from .onnxheader import external_files, read_header
from .spec import ModelSpec, inside
from .tensorsheader import check_whole

_MOST_FILES = 1000  # of a folder, that are watched for change


@dataclass(frozen=True)
class Finding:
    """What a folder holds: the ways to run it that are complete, or the reason for none."""

    spec: ModelSpec
    contracts: tuple[Contract, ...] = ()
    reason: str = ""


def examine(folder: Path, weights: str | None = None) -> Finding:
    """Say what model a folder holds; every fault is a reason, never an exception.

    `weights` names the ONNX file where there are several. An unchanged folder is read once.
    """
    try:
        return _examined(folder, weights, _signature(folder))
    except OSError as error:
        return Finding(ModelSpec(folder.name), reason=f"{folder}: {error.strerror or error}")


@functools.lru_cache(maxsize=256)
def _examined(folder: Path, weights: str | None, _: object) -> Finding:
    spec = ModelSpec(folder.name)
    try:
        spec = _describe(folder, weights)
        return Finding(spec, _usable(spec, folder))
    except TaggerError as error:
        return Finding(spec, reason=str(error))


def _signature(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times of the files of a folder."""
    found: list[tuple[str, int, int]] = []
    for path in itertools.islice(folder.rglob("*"), _MOST_FILES):
        stat = path.lstat() if not path.exists() else path.stat()
        found.append((str(path), stat.st_size, stat.st_mtime_ns))
    return tuple(sorted(found))


def _describe(folder: Path, weights: str | None) -> ModelSpec:
    if (folder / manifest.NAME).is_file():
        return manifest.read_manifest(folder / manifest.NAME)
    return layouts.describe(folder, weights)


def _usable(spec: ModelSpec, folder: Path) -> tuple[Contract, ...]:
    """The complete contracts, held against graph and labels."""
    if missing := fault(folder, spec.file(spec.labels)):
        raise ModelError(missing)
    contracts = complete(spec, folder)
    if not contracts:
        raise ModelError(next(filter(None, (fault(folder, spec.file(n)) for n in spec.paths))))
    count = len(read_labels(inside(folder, spec.labels), spec.categories))
    if spec.tags not in (None, count):
        raise ModelError(
            f"{folder / spec.labels}: expected {spec.tags} labels as {manifest.NAME} says, got "
            f"{count}: one of the two belongs to another model"
        )
    for contract in contracts:
        path = inside(folder, contract.weights)
        if contract.runtime == "onnx":
            _check_graph(contract, path, count)
            _check_external(folder, contract, path)
        elif path.suffix.lower() == ".safetensors":
            check_whole(path)
    return contracts


def _check_external(folder: Path, contract: Contract, path: Path) -> None:
    """Refuse weights in other files that lie outside the folder, or are not there."""
    for name in external_files(path):
        beside = str(PurePosixPath(contract.weights).parent / name)
        if not inside(folder, beside).is_file():
            raise ModelError(f"{path}: expected its weights {name} beside it, got none: fetch them")


def _check_graph(contract: Contract, path: Path, labels: int) -> None:
    header = read_header(path)
    inputs, outputs = header.inputs, header.outputs
    name = contract.input or next(iter(inputs), "")
    output = contract.output
    if isinstance(output, int):
        output = next(itertools.islice(outputs, output, None), "")
    for kind, wanted, known in (("input", name, inputs), ("output", output, outputs)):
        if wanted not in known:
            raise ModelError(
                f"{path}: expected an {kind} {wanted or contract.output!r}, got "
                f"{', '.join(known) or 'none'}: correct its {manifest.NAME}"
            )
    check_contract(contract, inputs[name], outputs[output], labels, str(path))
