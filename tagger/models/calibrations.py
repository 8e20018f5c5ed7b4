"""Files of thresholds that lie beside published models, told apart by what is in them.

thresholds.csv    deepghs: category, name, threshold: one row for a category
calibration.csv   JTP-3's `calibrate`: tag, threshold on the author's scale of -1 to 1
threshold.json    Camie: category -> preset -> {"threshold": ..}; the preset `balanced` counts
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..csvrows import read_rows, read_text, shown
from ..errors import LabelFileError, OptionError
from ..thresholds import Thresholds

PRESET = "balanced"
"""Camie's presets are balanced, high_precision, high_recall, micro_opt and macro_opt."""


def read_calibration(path: Path, known: Thresholds) -> Thresholds:
    """What is known of a model's thresholds, made narrower by a file.

    Raises:
        LabelFileError: the file is of no known kind, or a threshold is outside its scale.
    """
    text = read_text(path)
    try:
        if path.suffix.lower() == ".json":
            return replace(known, categories={**known.categories, **_presets(text, path)})
        header = text.split("\n", 1)[0].split(",")
        if "tag" in (name.strip() for name in header):
            tags = _column(text, path, "tag")
            scaled = {tag: (value + 1) / 2 for tag, value in tags.items()}
            return replace(known, tags={**known.tags, **scaled})
        found = _column(text, path, "name")
        return replace(known, categories={**known.categories, **found})
    except OptionError as error:
        raise LabelFileError(f"{path}: {error}") from None


def _column(text: str, path: Path, key: str) -> dict[str, float]:
    """A name's threshold; of several rows of one name the first counts, as it does for deepghs."""
    found: dict[str, float] = {}
    for row in read_rows(text, str(path), needed=(key, "threshold")):
        said = row.text("threshold")
        try:
            found.setdefault(row.text(key), float(said))
        except ValueError:
            raise row.error("a number for threshold", shown(said)) from None
    return found


def _presets(text: str, path: Path) -> dict[str, float]:
    try:
        told: Any = json.loads(text)
        return {name: float(kinds[PRESET]["threshold"]) for name, kinds in told.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LabelFileError(
            f"{path}: expected category, then {PRESET}, then threshold, got {error!r}"
        ) from error
