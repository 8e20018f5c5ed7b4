"""Model folders in the layouts of other tools, made of a model that is here. Needs no torch.

wd          model.onnx and selected_tags.csv, as WD's: kohya, ComfyUI, TagGUI, A1111, dataset tools
universal   the same with model.safetensors and config.json, for timm
timm        these two, and imgutils' layout: model.onnx of [N, 3, H, W] -> `prediction`
cl          cl_tagger's: model_optimized.onnx and tag_mapping.json
Each has a tagger.json, by which Tagger loads it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..csvrows import quoted
from ..errors import ModelError, UsageError
from ..labels import LabelSet, write_selected_tags
from ..models.manifest import NAME, write_manifest
from ..models.spec import Contract, Model, ModelSpec
from ..preprocess import WD
from ..relationfiles import NAME as RELATIONS
from ..relationfiles import write_relations
from ..relations import EMPTY
from ..thresholds import Thresholds, operating_point
from .baking import GLOBAL
from .edit import Graph, fed_alike
from .rows import RATINGS, Rows, constant_rows, model_rows

Layout = Literal["wd", "timm", "cl", "universal"]
LABELS = "labels.csv"
_HALF = {"scale": 1 / 255, "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
IMGUTILS = replace(WD, channels="rgb", layout="nchw", **_HALF)
CL = replace(WD, layout="nchw", **_HALF)
CL_CATEGORIES = (
    *("rating", "general", "character", "copyright", "meta", "model", "quality", "artist"),
)  # fmt: skip


@dataclass(frozen=True)
class Export:
    """What is asked for: which model, in which layout, with its thresholds baked in or not."""

    model: Model
    to: Layout
    bake: bool = False

    @cached_property
    def contract(self) -> Contract:
        """The ONNX graph that is edited.

        Raises:
            ModelError: there is none, or its pictures are prepared in another way than WD's.
        """
        found = next((one for one in self.model.contracts if one.runtime == "onnx"), None)
        if found is None:
            raise ModelError(f"{self.model.name}: expected a model with an ONNX file, got none")
        if not fed_alike(found.preprocess, WD):
            raise ModelError(
                f"{self.model.name}: expected pictures of 448 x 448, padded with white and resized "
                f"bicubically, got others: tools that take WD's models would prepare them wrongly"
            )
        return found

    @cached_property
    def rows(self) -> Rows:
        """The labels in the order that WD's readers ask for, the others behind them."""
        return model_rows(self.model.labels)

    @cached_property
    def limits(self) -> NDArray[np.float32]:
        """The threshold of each row, float32[rows], NaN for ratings and for nobody."""
        own = operating_point(self.model.labels, self.model.thresholds)
        picked = np.where(self.rows.vocabulary < 0, np.nan, own[self.rows.vocabulary])
        picked[: len(RATINGS)] = np.nan
        return picked.astype(np.float32)

    @cached_property
    def thresholds(self) -> Thresholds:
        """What the folder's tagger.json says."""
        if self.bake:
            return Thresholds(GLOBAL)
        own = self.model.thresholds
        labelled = {
            label.name: label.threshold
            for label in self.model.labels
            if label.name and label.threshold is not None
        }
        return replace(own, tags={**labelled, **own.tags})

    def scores(self, graph: Graph) -> str:
        """The probabilities of `rows`, in their order."""
        known = constant_rows(self.rows)
        scores = graph.arrange(graph.probabilities(), self.rows.vocabulary, known)
        return graph.bake(scores, self.limits) if self.bake else scores

    def describe(self, labels: str, tags: int, *contracts: Contract) -> ModelSpec:
        """What tagger.json says of the folder."""
        spec = self.model.spec
        return ModelSpec(
            name=self.model.name,
            contracts=contracts,
            labels=labels,
            categories=spec.categories,
            tags=tags,
            thresholds=self.thresholds,
            family=spec.family,
            title=spec.title,
            source=spec.source or (f"https://huggingface.co/{spec.repo}" if spec.repo else ""),
            licence=spec.licence,
            precision=spec.precision,
        )


def write_layout(export: Export, out: Path) -> Path:
    """Write a folder, whole or not at all.

    Raises:
        UsageError: something is there already, or thresholds can't be baked into this layout.
        ModelError: the model lacks what the layout needs.
    """
    if out.exists():
        raise UsageError(f"{out}: expected a new folder, got one that exists: choose another")
    if export.bake and export.to in ("timm", "universal"):
        raise UsageError(
            f"--bake-thresholds: expected --to wd or --to cl, got --to {export.to}: it would part "
            f"model.onnx from model.safetensors"
        )
    beside = out.with_name(f".{out.name}-{os.getpid()}")
    beside.mkdir(parents=True)
    try:
        spec = _WRITERS[export.to](export, beside)
        if export.model.relations is not EMPTY:
            write_relations(beside / RELATIONS, export.model.relations)
        write_manifest(beside / NAME, spec)
        beside.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return out


def _write_wd(export: Export, folder: Path) -> ModelSpec:
    rows, graph = export.rows, Graph(export.model, export.contract)
    graph.feed(WD)
    every = export.scores(graph)
    whole = rows.wd == len(rows.labels)
    outputs = {"output": (every if whole else graph.first(every, rows.wd), rows.wd)}
    write_selected_tags(LabelSet(rows.labels.labels[: rows.wd]), folder / "selected_tags.csv")
    if not whole:
        outputs["all"] = (every, len(rows.labels))
        write_selected_tags(rows.labels, folder / LABELS)
    graph.save(folder / "model.onnx", outputs)
    contract = replace(export.contract, weights="model.onnx", preprocess=WD, input="input")
    contract = replace(contract, output="output" if whole else "all", activation="none")
    labels = "selected_tags.csv" if whole else LABELS
    return export.describe(labels, len(rows.labels), contract)


def _write_universal(export: Export, folder: Path) -> ModelSpec:
    places = export.rows.vocabulary
    if not np.array_equal(places, np.arange(len(export.model.labels))):
        raise ModelError(
            f"{export.model.name}: expected labels in WD's order, since its safetensors keep "
            f"theirs, got others: export --to wd"
        )
    spec = _write_wd(export, folder)
    contract = _copy_timm(export.model, folder)
    return replace(spec, contracts=(*spec.contracts, contract))


def _write_timm(export: Export, folder: Path) -> ModelSpec:
    labels = export.model.labels
    contract = _copy_timm(export.model, folder)
    graph = Graph(export.model, export.contract)
    graph.feed(IMGUTILS)
    graph.save(folder / "model.onnx", {"prediction": (graph.probabilities(), len(labels))})
    _write_imgutils(export, folder)
    onnx = Contract("onnx", "model.onnx", IMGUTILS, input="input", output="prediction")
    onnx = replace(onnx, batch=export.contract.batch)
    return export.describe("selected_tags.csv", len(labels), contract, onnx)


def _copy_timm(model: Model, folder: Path) -> Contract:
    found = next((one for one in model.contracts if one.runtime == "timm"), None)
    if found is None:
        raise ModelError(
            f"{model.name}: expected a model with safetensors and config.json, got none: export "
            f"--to wd"
        )
    shutil.copyfile(model.path(found.weights), folder / "model.safetensors")
    shutil.copyfile(model.path(found.config or ""), folder / "config.json")
    return replace(found, weights="model.safetensors")


def _write_imgutils(export: Export, folder: Path) -> None:
    """The files that dghs-imgutils' MultiLabelTIMMModel reads beside model.onnx."""
    labels = export.model.labels
    limits = operating_point(labels, export.model.thresholds)
    rows = ["tag_id,name,category,count,best_threshold"]
    for at, (label, limit) in enumerate(zip(labels, limits, strict=True)):
        tag_id = at if label.tag_id is None else label.tag_id
        rows.append(f"{tag_id},{quoted(label.name)},{label.category.id},{label.count},{limit:.6g}")
    _write(folder / "selected_tags.csv", "\n".join(rows) + "\n")
    kinds = dict.fromkeys(label.category for label in labels)
    _write_json(
        folder / "categories.json", [{"category": one.id, "name": one.name} for one in kinds]
    )
    own = export.model.thresholds
    shared = [f"{one.id},{one.name},{own.categories.get(one.name, own.overall)}" for one in kinds]
    _write(folder / "thresholds.csv", "\n".join(["category,name,threshold", *shared]) + "\n")
    width, height = IMGUTILS.size
    padding = {"size": [width, height], "background_color": "white", "interpolation": "bicubic"}
    stages = [
        {"type": "convert_rgb", "force_background": "white"},
        {"type": "pad_to_size", **padding},
        {"type": "maybe_to_tensor"},
        {"type": "normalize", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
    ]
    _write_json(folder / "preprocess.json", {"test": stages, "val": stages})


def _write_cl(export: Export, folder: Path) -> ModelSpec:
    labels, graph = export.rows.labels, Graph(export.model, export.contract)
    graph.feed(CL)
    logits = graph.logits(export.scores(graph))
    graph.save(folder / "model_optimized.onnx", {"logits": (logits, len(labels))})
    mapping = {
        str(at): {"tag": label.name, "category": _cl_category(label.category.name)}
        for at, label in enumerate(labels)
    }
    _write_json(folder / "tag_mapping.json", mapping)
    write_selected_tags(labels, folder / LABELS)
    contract = Contract("onnx", "model_optimized.onnx", CL, input="input", output="logits")
    contract = replace(contract, activation="sigmoid", batch=export.contract.batch)
    return export.describe(LABELS, len(labels), contract)


def _cl_category(name: str) -> str:
    """cl_tagger's eight; what it has no word for counts as general."""
    return (name if name in CL_CATEGORIES else "general").capitalize()


_WRITERS: Mapping[Layout, Callable[[Export, Path], ModelSpec]] = {
    "wd": _write_wd,
    "timm": _write_timm,
    "cl": _write_cl,
    "universal": _write_universal,
}


def _write_json(path: Path, values: Any) -> None:
    _write(path, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
