"""`tagger export MODEL --to LAYOUT --out DIR`: a model's folder as other tools read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..argv import parse
from ..models.registry import default_registry
from ..options import option
from . import DONE, FAILED

if TYPE_CHECKING:
    from ..export.source import Export


@dataclass(frozen=True, kw_only=True)
class ExportFlags:
    """Write a model's folder as other tools read it."""

    model: str = option(help="A model's name or folder.", metavar="MODEL")
    to: Literal["wd", "timm", "cl", "universal"] = option(
        "wd",
        help="Whose layout. wd: model.onnx and selected_tags.csv, for kohya's script, ComfyUI, "
        "TagGUI and others that read WD's models. timm: safetensors for timm, and imgutils' files. "
        "cl: cl_tagger's. universal: wd and safetensors.",
    )
    out: Path = option(help="The folder to make.", metavar="DIR")
    check: bool = option(False, help="Run both on random pictures and say how far they differ.")
    bake_thresholds: bool = option(
        False, help="Shift scores so that 0.35 is right for every tag, with --to wd or cl."
    )
    category: tuple[str, ...] = option(
        (),
        help="Keep the labels of these categories alone, with --to wd or cl: a model cut down to "
        "what you need of it.",
        metavar="C",
    )
    head: tuple[str, ...] = option(
        (),
        help="Keep what this head of a model of `tagger train` gives, by its name, and what "
        "--category keeps: the graph holds nothing that only other labels need.",
        metavar="NAME",
    )


def run(argv: Sequence[str], prog: str) -> int:
    """Export; with --check 1 if the folder does not say what the model says."""
    flags = parse(ExportFlags, argv, prog, positional=["model"])
    from ..export.layouts import write_layout
    from ..export.source import Export

    registry = default_registry()
    model = registry.find(flags.model, allow_paths=True)
    if not model.on_disk:
        raise registry.missing(model)
    export = Export(model, flags.to, flags.bake_thresholds, flags.category, flags.head)
    folder = write_layout(export, flags.out)
    print(f"{folder}: {_count(export)}")
    if not flags.check:
        return DONE
    from ..export.compare import TOLERANCE, compare

    differences = compare(export, folder)
    for name, found in differences.items():
        print(f"{name}: {_difference(found)}")
    return DONE if all((found or 0) <= TOLERANCE for found in differences.values()) else FAILED


def _difference(found: float | None) -> str:
    return "not checked, torch is not here" if found is None else f"largest difference {found:.2g}"


def _count(export: Export) -> str:
    if export.to == "timm":
        return f"{len(export.model.labels):,} labels"
    rows = export.rows
    said = f"{rows.wd:,} labels in WD's order, {len(rows.labels) - rows.wd:,} others"
    if not export.left_out:
        return said
    names = ", ".join(export.left_out[:5]) + ", ..." * (len(export.left_out) > 5)
    return f"{said}; left out, twice there or a rating of its own: {names}"
