"""Model folders in the layouts of other tools, made of a model that is here.

wd          model.onnx and selected_tags.csv, as WD's: kohya, ComfyUI, TagGUI, A1111, dataset tools
universal   the same with model.safetensors and config.json, for timm
timm        these two, and imgutils' layout: model.onnx of [N, 3, H, W] -> `prediction`
cl          cl_tagger's: model_optimized.onnx and tag_mapping.json
Each has a tagger.json, by which Tagger loads it, and a README.md. Needs torch only where a model
has no ONNX file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..errors import UsageError
from ..labels import LabelSet, write_selected_tags
from ..models.manifest import NAME, write_manifest
from ..models.spec import Contract, ModelSpec
from ..paths import cause_of
from ..preprocess import WD
from ..relationfiles import NAME as RELATIONS
from ..relationfiles import write_relations
from ..relations import EMPTY
from .imgutils import IMGUTILS, SIGNED, write_imgutils
from .jsonfile import write_json
from .readme import write_readme
from .rows import EVERY, write_every
from .source import Export, Layout

CL = replace(WD, layout="nchw", **SIGNED)
CL_CATEGORIES = (
    *("rating", "general", "character", "copyright", "meta", "model", "quality", "artist"),
)  # fmt: skip


def write_layout(export: Export, out: Path) -> Path:
    """Write a folder, whole or not at all.

    Raises:
        UsageError: something is there already, it can't be written, or thresholds can't be baked
            into this layout.
        ModelError: the model lacks what the layout needs.
    """
    if out.exists() or out.is_symlink() or not out.name.strip("."):
        raise UsageError(f"{out}: expected a new folder, got one that exists: choose another")
    export.check()
    with _beside(out) as folder:
        spec = _WRITERS[export.to](export, folder)
        if export.model.relations is not EMPTY:
            write_relations(folder / RELATIONS, export.model.relations)
        write_readme(export, spec, folder)
        write_manifest(folder / NAME, spec)
    return out


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A hidden folder that becomes `out` when all went well; else nothing stays, no parent even."""
    missing = [path for path in out.parents if not path.exists()]
    folder = out.with_name(f".{out.name}-{os.getpid()}")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield folder
        folder.rename(out)
    except OSError as error:
        raise UsageError(f"{out}: can't be written: {cause_of(error)}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if not out.exists():
            _remove_empty(missing)


def _remove_empty(folders: list[Path]) -> None:
    for path in folders:
        try:
            path.rmdir()
        except OSError:  # never made, or somebody else's by now
            return


def _write_wd(export: Export, folder: Path) -> ModelSpec:
    rows, graph = export.rows, export.graph()
    graph.feed(WD)
    every = export.scores(graph)
    whole = rows.wd == len(rows.labels)
    outputs = {"output": (every if whole else graph.first(every, rows.wd), rows.wd)}
    write_selected_tags(LabelSet(rows.labels.labels[: rows.wd]), folder / "selected_tags.csv")
    if not whole:
        outputs["all"] = (every, len(rows.labels))
        write_every(rows.labels, folder)
    graph.save(folder / "model.onnx", outputs)
    contract = Contract("onnx", "model.onnx", WD, input="input", batch=graph.fixed)
    contract = replace(contract, output="output" if whole else "all")
    labels = "selected_tags.csv" if whole else EVERY
    return export.describe(labels, rows.labels, contract)


def _write_universal(export: Export, folder: Path) -> ModelSpec:
    spec = _write_wd(export, folder)
    return replace(spec, contracts=(*spec.contracts, _copy_timm(export, folder)))


def _write_timm(export: Export, folder: Path) -> ModelSpec:
    labels = export.model.labels
    contract = _copy_timm(export, folder)
    graph = export.graph()
    graph.feed(IMGUTILS)
    graph.save(folder / "model.onnx", {"prediction": (graph.probabilities(), len(labels))})
    write_imgutils(export.model, folder)
    onnx = Contract("onnx", "model.onnx", IMGUTILS, input="input", output="prediction")
    onnx = replace(onnx, batch=graph.fixed)
    return export.describe("selected_tags.csv", labels, contract, onnx)


def _copy_timm(export: Export, folder: Path) -> Contract:
    found = export.safetensors
    assert found is not None, "export.check refuses what has none"
    shutil.copyfile(export.model.path(found.weights), folder / "model.safetensors")
    shutil.copyfile(export.model.path(found.config or ""), folder / "config.json")
    return replace(found, weights="model.safetensors")


def _write_cl(export: Export, folder: Path) -> ModelSpec:
    labels, graph = export.rows.labels, export.graph()
    graph.feed(CL)
    logits = graph.logits(export.scores(graph))
    graph.save(folder / "model_optimized.onnx", {"logits": (logits, len(labels))})
    mapping = {
        str(at): {"tag": label.name, "category": _cl_category(label.category.name)}
        for at, label in enumerate(labels)
    }
    write_json(folder / "tag_mapping.json", mapping)
    write_every(labels, folder)
    contract = Contract("onnx", "model_optimized.onnx", CL, input="input", output="logits")
    contract = replace(contract, activation="sigmoid", batch=graph.fixed)
    return export.describe(EVERY, labels, contract)


def _cl_category(name: str) -> str:
    """cl_tagger's eight; what it has no word for counts as general."""
    return (name if name in CL_CATEGORIES else "general").capitalize()


_WRITERS: Mapping[Layout, Callable[[Export, Path], ModelSpec]] = {
    "wd": _write_wd,
    "timm": _write_timm,
    "cl": _write_cl,
    "universal": _write_universal,
}
