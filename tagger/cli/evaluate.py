"""`tagger evaluate MODEL DATASET`: how good a tagger is, how sure that is, at which thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, fields

from ..argv import flagged, parse
from ..evaluate.evaluation import EvaluateOptions, Evaluation, evaluate
from ..evaluate.evaluation.page import write_evaluation
from ..evaluate.evaluation.result import as_json
from ..evaluate.evaluation.source import open_source
from ..evaluate.evaluation.tables import (
    CLASS_COLUMNS,
    TAG_COLUMNS,
    class_rows,
    tables,
    tag_rows,
)
from ..settings import Precision, Runtime
from . import DONE, FAILED
from .flags import borrowed
from .grids import show
from .screen import line, progress
from .written import check_file, write_json, write_rows

_OUTPUTS = ("json", "csv", "classes", "html", "save_scores")


@dataclass(frozen=True, kw_only=True)
class EvaluateFlags(EvaluateOptions):
    """Judge a tagger on pictures whose tags are known: how good, how sure, at which thresholds."""

    device: str = borrowed(Runtime, "device")
    precision: Precision = borrowed(Runtime, "precision")


def run(argv: Sequence[str], prog: str) -> int:
    """Evaluate; 1 if a picture could not be scored."""
    flags = parse(EvaluateFlags, argv, prog, positional=["model", "dataset"])
    for name in _OUTPUTS:
        check_file(f"--{name.replace('_', '-')}", getattr(flags, name))
    with flagged(Runtime):
        runtime = Runtime(flags.device, flags.precision)
    options = EvaluateOptions(
        **{each.name: getattr(flags, each.name) for each in fields(EvaluateOptions)}
    )
    with (
        closing(open_source(flags.model, runtime)) as source,
        progress("Evaluating", "pictures") as tell,
    ):
        result = evaluate(source, options, lambda what, done, total: tell(done, total, what))
    try:
        _tell(result)
    finally:  # where nobody reads on, as under `head`, the files are written all the same
        _write(options, result)
    return FAILED if result.broken else DONE


def _tell(result: Evaluation) -> None:
    line(f"{result.model} on {result.pictures:,} pictures of {result.options.split}")
    for sentence in result.notes:
        line(sentence)
    line("")
    for grid in tables(result):
        show(grid)


def _write(options: EvaluateOptions, result: Evaluation) -> None:
    if options.json is not None:
        write_json(options.json, as_json(result))
    if options.csv is not None:
        write_rows(options.csv, TAG_COLUMNS, tag_rows(result))
    if options.classes is not None:
        write_rows(options.classes, CLASS_COLUMNS, class_rows(result))
    if options.html is not None:
        write_evaluation(options.html, result)
