"""The README of an exported folder: what it was made of, how tools take it, whose it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .. import __version__
from ..models.spec import ModelSpec
from ..models.table import licence
from .baking import GLOBAL
from .rows import EVERY
from .source import Export

NAME = "README.md"
FILES = {
    "wd": """- `model.onnx` with `selected_tags.csv`: as SmilingWolf's WD taggers. Input float32
  `[N, 448, 448, 3]`, BGR, 0 to 255, of a picture padded with white to a square; output 0: a
  probability for each row of the CSV, which begins with four ratings, general tags, characters.
- kohya's `tag_images_by_wd14_tagger.py`: call the folder `some_name`, then `--onnx --model_dir` the
  folder that it lies in, `--repo_id some/name`. ComfyUI-WD14-Tagger: `NAME.onnx` and `NAME.csv` in
  its `models`. TagGUI: a folder in whose path "wd" and "tagger" occur.""",
    "timm": """- `model.safetensors` with `config.json`: timm's `local-dir:`, BGR from -1 to 1 in,
  logits out.
- `model.onnx` with `selected_tags.csv`, `preprocess.json`, `categories.json`, `thresholds.csv`:
  dghs-imgutils' `multilabel_timm_predict`; `input` is float32 `[N, 3, 448, 448]`, RGB from -1 to 1,
  `prediction` probabilities.""",
    "cl": """- `model_optimized.onnx` with `tag_mapping.json`: as cl_tagger 1. Input float32
  `[N, 3, 448, 448]`, BGR from -1 to 1, of a picture padded with white to a square; output:
  logits.""",
}
FILES["universal"] = "\n".join([FILES["wd"], *FILES["timm"].splitlines()[:2]])


def write_readme(export: Export, spec: ModelSpec, folder: Path) -> None:
    """Write it; the model's own README follows as it is, with its credits."""
    text = "\n\n".join(_parts(export, spec, folder)) + "\n"
    (folder / NAME).write_text(text, encoding="utf-8", newline="\n")


def _parts(export: Export, spec: ModelSpec, folder: Path) -> Iterator[str]:
    model = export.model
    front = [f"license: {json.dumps(spec.licence.lower())}", "tags: [image-tagging, onnx]"]
    yield "\n".join(["---", *front, "---"])
    yield f"# {spec.name}, as --to {export.to} has it"
    if spec.title and spec.title != spec.name:
        yield spec.title
    origin = f" from {export.origin}" if export.origin else ""
    baked = f" Scores are shifted so that {GLOBAL} is each tag's own threshold." * export.bake
    yield (
        f"Written by Tagger {__version__} of {spec.name}{origin}: the weights are the model's, fed "
        f"and read in another way.{baked}"
    )
    more = [path for path in (EVERY, "relations.json") if (folder / path).is_file()]
    said = f"- `tagger.json`{''.join(f', `{path}`' for path in more)}: for Tagger itself."
    yield f"## Files\n\n{FILES[export.to]}\n{said}"
    yield f"## Licence\n\nWeights: {licence(model.spec)}."
    card = model.path(NAME)
    if card.is_file():
        own = card.read_text(encoding="utf-8", errors="replace").lstrip()
        yield f"## The model's own README\n\n{_without_front(own).strip()}"


def _without_front(text: str) -> str:
    """Markdown without the YAML that the hub reads."""
    if not text.startswith("---\n"):
        return text
    front, mark, rest = text[4:].partition("\n---\n")
    return rest if mark else front
