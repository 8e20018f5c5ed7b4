"""The files that dghs-imgutils' MultiLabelTIMMModel reads beside a model.onnx of planes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..csvrows import quoted
from ..models.spec import Model
from ..preprocess import WD
from ..thresholds import operating_point
from .jsonfile import write_json

SIGNED: dict[str, Any] = {"scale": 1 / 255, "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
"""Pixels from -1 to 1."""
IMGUTILS = replace(WD, channels="rgb", layout="nchw", **SIGNED)


def write_imgutils(model: Model, folder: Path) -> None:
    """Write selected_tags.csv with thresholds, categories.json, thresholds.csv, preprocess.json."""
    labels, own = model.labels, model.thresholds
    limits = operating_point(labels, own)
    rows = ["tag_id,name,category,count,best_threshold"]
    for at, (label, limit) in enumerate(zip(labels, limits, strict=True)):
        tag_id = at if label.tag_id is None else label.tag_id
        rows.append(f"{tag_id},{quoted(label.name)},{label.category.id},{label.count},{limit:.6g}")
    _write_lines(folder / "selected_tags.csv", rows)
    kinds = dict.fromkeys(label.category for label in labels)
    write_json(
        folder / "categories.json", [{"category": one.id, "name": one.name} for one in kinds]
    )
    shared = [f"{one.id},{one.name},{own.categories.get(one.name, own.overall)}" for one in kinds]
    _write_lines(folder / "thresholds.csv", ["category,name,threshold", *shared])
    write_json(folder / "preprocess.json", dict.fromkeys(("test", "val"), _stages()))


def _stages() -> list[dict[str, Any]]:
    """IMGUTILS in imgutils' words."""
    padding = {"size": list(IMGUTILS.size), "background_color": "white", "interpolation": "bicubic"}
    return [
        {"type": "convert_rgb", "force_background": "white"},
        {"type": "pad_to_size", **padding},
        {"type": "maybe_to_tensor"},
        {"type": "normalize", "mean": list(IMGUTILS.mean), "std": list(IMGUTILS.std)},
    ]


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
