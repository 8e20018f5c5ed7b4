"""`tagger models`: what is known and what lies here; `show NAME` says all, `get NAME` fetches."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..argv import parse
from ..errors import ModelError, UsageError
from ..models import layouts, manifest
from ..models import table as words
from ..models.catalog import CATALOG
from ..models.download import download
from ..models.registry import DEFAULT, Row, default_registry
from ..options import option
from . import DONE
from .screen import progress, table


@dataclass(frozen=True)
class ModelsFlags:
    """List the models: those that can be had, and those in your folders.

    `tagger models show NAME` says everything about one, `tagger models get NAME` fetches it. Those
    of a WebUI are found where TAGGER_MODELS names its folder of models.
    """

    json: bool = option(False, help="One JSON object a line, for scripts.")
    markdown: bool = option(False, help="The published models as the page docs/models.md.")


@dataclass(frozen=True)
class ShowFlags:
    """Say everything about one model; of a folder that can't be used, a `tagger.json` for it."""

    name: str = option(
        help="A model's name, a folder, or a Hugging Face repository.", metavar="NAME"
    )


@dataclass(frozen=True)
class GetFlags:
    """Fetch a model's files, whole or not at all."""

    name: str = option(help="A model's name, as `tagger models` lists it.", metavar="NAME")
    all: bool = option(False, help="Every way to run it: safetensors beside the ONNX, for export.")


def run(argv: Sequence[str], prog: str) -> int:
    """List, show, or fetch."""
    if argv and argv[0] == "show":
        return _show(parse(ShowFlags, argv[1:], f"{prog} show", positional=["name"]))
    if argv and argv[0] == "get":
        return _get(parse(GetFlags, argv[1:], f"{prog} get", positional=["name"]))
    if argv and not argv[0].startswith("-"):
        raise UsageError(
            f"expected show or get, got {argv[0]!r}: did you mean `{prog} show {argv[0]}`?"
        )
    about = " ".join((ModelsFlags.__doc__ or "").split())
    flags = parse(ModelsFlags, argv, prog, description=about)
    if flags.markdown:
        print(words.markdown(CATALOG), end="")
        return DONE
    rows = default_registry().list()
    if flags.json:
        for row in rows:
            print(json.dumps(_as_json(row), ensure_ascii=False))
        return DONE
    table(("model", "tags", "here", "licence"), [_cells(row) for row in rows])
    return DONE


def _cells(row: Row) -> tuple[str, ...]:
    name = f"{row.name} (default)" if row.name == DEFAULT else row.name
    tags = f"{row.spec.tags:,}" if row.spec.tags else "?"
    if row.reason:  # the last column, as long as it is
        return name, tags, "unusable", row.reason
    return name, tags, _state(row), words.licence(row.spec)


def _state(row: Row) -> str:
    if row.on_disk:
        return "yes"
    size = words.size(row.spec)
    return f"no, {size}" if size else "no"


def _as_json(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "title": row.spec.title,
        "family": row.spec.family,
        "tags": row.spec.tags,
        "on_disk": row.on_disk,
        "folder": str(row.folder) if row.folder else None,
        "fault": row.reason or None,
        "repository": row.spec.repo,
        "licence": row.spec.licence,
        "gated": row.spec.gated,
        "redistributable": row.spec.redistributable,
        "default": row.name == DEFAULT,
    }


def _show(flags: ShowFlags) -> int:
    row = default_registry().row(flags.name, allow_paths=True)
    told = [("name", row.name), *words.lines(row.spec)] if not row.reason else []
    size = words.size(row.spec)
    absent = "not on disk" + (f", {size} to fetch" if size else "")
    for name, value in [*told, ("here", row.reason or str(row.folder or absent))]:
        print(f"{name}: {value}")
    if row.on_disk:
        print(f"thresholds here: {words.in_force(row.model())}")
    if row.reason and row.local and row.folder:
        with contextlib.suppress(ModelError):  # there is nothing in it to describe
            text = manifest.format_manifest(layouts.suggest(row.folder))
            print(f"\nA {manifest.NAME} to begin with; correct what is wrong and put it there:\n")
            print(text, end="")
    return DONE


def _get(flags: GetFlags) -> int:
    registry = default_registry()
    model = registry.find(flags.name)
    ways = model.spec.contracts if flags.all else (model.spec.contract,)
    if model.on_disk and len(model.contracts) >= len(ways):
        print(f"{model.name} is here already: {model.folder}")
        return DONE
    if model.spec.repo is None:
        source = model.spec.source or "its author"
        raise UsageError(f"{model.name}: expected a model of the hub, fetch it from {source}")
    folder = None
    for way in ways:
        with progress(way.weights if flags.all else model.name, "bytes") as tell:
            folder = download(model.spec, tell, contract=way)
    print(f"{model.name} is here: {folder}")
    return DONE
