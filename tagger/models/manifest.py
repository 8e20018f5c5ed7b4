"""`tagger.json`: the description that lies in a model's folder, schema 1 (`docs/manifest.md`).

Checked strictly: an unknown key, a wrong type, a path that leaves the folder are each one
sentence. Hashes are held against the files when the model is opened, since that reads every byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ..bytecount import readable
from ..errors import ModelError, OptionError
from ..labels import DANBOORU, Category
from ..options import from_dict, to_dict
from ..preprocess import Preprocess
from .contract import Contract
from .hashes import sha256
from .schema import SCHEMA, Inputs, LabelFile, Manifest, Outputs, Sum, Way
from .spec import File, ModelSpec, inside

NAME = "tagger.json"
LARGEST = 64_000_000
"""Bytes; thresholds of 108,036 labels, the most known, take under 5 MB."""


def read_manifest(path: Path) -> ModelSpec:
    """Read a `tagger.json`; the spec's name is its folder's.

    Raises:
        ModelError: not JSON, not this schema, or a path that leaves the folder.
    """
    spec = parse_manifest(load_json(path), path.parent.name, str(path))
    for name in spec.paths:
        inside(path.parent, name)
    return spec


def write_manifest(path: Path, spec: ModelSpec) -> None:
    """Write a `tagger.json` for the files that lie beside it, with their sizes and hashes.

    Raises:
        ModelError: a file of the spec is missing or lies outside the folder.
        OSError: the file can't be written.
    """
    found = {name: inside(path.parent, name) for name in spec.paths}
    for name, file in found.items():
        if not file.is_file():
            raise ModelError(f"{path}: expected {name} beside it, got no such file")
    files = {name: Sum(file.stat().st_size, sha256(file)) for name, file in found.items()}
    short = path.with_name(f".{NAME}.new")
    short.write_text(format_manifest(spec, files), encoding="utf-8", newline="\n")
    short.replace(path)


def format_manifest(spec: ModelSpec, files: Mapping[str, Sum] | None = None) -> str:
    """The text of a `tagger.json` for a model."""
    told = _without_none(to_dict(_manifest(spec, files or {})))
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def parse_manifest(data: object, name: str, where: str) -> ModelSpec:
    """The spec that a manifest's JSON describes, called `name`; `where` is named in errors.

    Raises:
        ModelError: not this schema.
    """
    try:
        return _spec(from_dict(Manifest, data, where), name)
    except OptionError as error:
        raise ModelError(f"{where}: {str(error).removeprefix(f'{where}: ')}") from None


def load_json(path: Path) -> object:
    """Read a JSON file of a sensible size.

    Raises:
        ModelError: no such file, too large, or not JSON.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ModelError(f"{path}: expected at most {readable(LARGEST)}, got a larger file")
        return cast("object", json.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise ModelError(f"{path}: expected a {NAME}, got {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: expected JSON in UTF-8, got {error}") from error


def _spec(manifest: Manifest, name: str) -> ModelSpec:
    return ModelSpec(
        name=name,
        contracts=tuple(_contract(way) for way in manifest.contracts),
        labels=manifest.labels.file,
        categories=_categories(manifest.labels.categories),
        tags=manifest.labels.count,
        thresholds=manifest.thresholds,
        family=manifest.family,
        title=manifest.title or manifest.name,
        files=tuple(File(path, s.size, s.sha256) for path, s in manifest.files.items()),
        source=manifest.source,
        licence=manifest.licence,
        precision=manifest.precision,
    )


def _contract(way: Way) -> Contract:
    pixels = {k: v for k, v in vars(way.inputs).items() if k not in ("name", "mask")}
    named = way.outputs.name
    return Contract(
        runtime=way.runtime,
        weights=way.weights,
        preprocess=Preprocess(**pixels),
        input=way.inputs.name,
        mask=way.inputs.mask,
        output=way.outputs.index if named is None else named,
        activation=way.outputs.activation,
        softmax=way.outputs.softmax,
        batch=way.batch,
        pool=way.pool,
        architecture=way.architecture,
    )


def _manifest(spec: ModelSpec, files: Mapping[str, Sum]) -> Manifest:
    categories = {str(category.id): category.name for category in spec.categories}
    return Manifest(
        schema=SCHEMA,
        name=spec.name,
        title=spec.title,
        family=spec.family,
        source=spec.source,
        licence=spec.licence,
        precision=spec.precision,
        contracts=tuple(_way(contract) for contract in spec.contracts),
        labels=LabelFile(spec.labels, spec.tags, categories),
        thresholds=spec.thresholds,
        files=files,
    )


def _way(contract: Contract) -> Way:
    pixels = vars(contract.preprocess)
    colours = {name: _colour(pixels[name]) for name in ("fill", "background")}
    output = contract.output
    outputs = Outputs(
        name=output if isinstance(output, str) else None,
        index=output if isinstance(output, int) else 0,
        activation=contract.activation,
        softmax=contract.softmax,
    )
    inputs = Inputs(name=contract.input, mask=contract.mask, **{**pixels, **colours})
    return Way(
        runtime=contract.runtime,
        weights=contract.weights,
        batch=contract.batch,
        pool=contract.pool,
        architecture=contract.architecture,
        inputs=inputs,
        outputs=outputs,
    )


def _colour(colour: str | tuple[int, int, int]) -> str:
    return colour if isinstance(colour, str) else "#{:02x}{:02x}{:02x}".format(*colour)


def _categories(numbers: Mapping[str, str] | None) -> tuple[Category, ...]:
    if numbers is None:
        return DANBOORU
    for number in numbers:
        if not number.isascii() or not number.isdigit():
            raise OptionError(f"labels.categories: expected whole numbers, got {number!r}")
    return tuple(Category(int(number), name) for number, name in numbers.items())


def _without_none(value: object) -> object:
    if isinstance(value, dict):
        rows = cast("dict[str, object]", value).items()
        return {k: _without_none(v) for k, v in rows if v is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in cast("list[object]", value)]
    return value
