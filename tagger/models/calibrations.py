"""Files of thresholds that lie beside published models, told apart by what is in them.

thresholds.csv          deepghs: category, name, threshold: one row for a category
calibration.csv         JTP-3's `calibrate`: tag, threshold of 0 to 1; one with none is not written
threshold.json          Camie: category -> preset -> {"threshold": ..}; the preset `balanced` counts
pr_thresholds.json      OppaiOracle: where precision equals recall, of all tags and of each
model_tag_metrics.npz   cl_tagger v2: `best_thr`, the threshold of best F1 for each output
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..csvrows import read_table, read_text, shown
from ..errors import LabelFileError, OptionError
from ..labels import LabelSet
from ..thresholds import Thresholds

PRESET = "balanced"
"""Camie's presets are balanced, high_precision, high_recall, micro_opt and macro_opt."""
BEST = "best_thr"
"""The array in cl_tagger's metrics; the others are histograms that it was found from."""
LARGEST = 16 << 20
"""Bytes of that array unpacked; of 108,036 labels in float64 it has less than one million."""


def read_calibration(path: Path, known: Thresholds, labels: LabelSet) -> Thresholds:
    """What is known of a model's thresholds, made narrower by a file.

    Raises:
        LabelFileError: the file is of no known kind, of another model, or a threshold is outside
            its scale.
    """
    try:
        if path.suffix.lower() == ".npz":
            return replace(known, tags={**known.tags, **_best(path, labels)})
        text = read_text(path)
        if path.suffix.lower() == ".json":
            return _told(text, path, known)
        header = text.split("\n", 1)[0].split(",")
        if "tag" in (name.strip() for name in header):
            # as its author reads it: what the file does not name is not written
            return Thresholds(1.0, tags=_column(text, path, "tag"))
        found = _column(text, path, "name")
        return replace(known, categories={**known.categories, **found})
    except OptionError as error:
        raise LabelFileError(f"{path}: {error}") from None


def _column(text: str, path: Path, key: str) -> dict[str, float]:
    """A name's threshold; of several rows of one name the first counts, as it does for deepghs."""
    found: dict[str, float] = {}
    table = read_table(text, str(path), needed=(key, "threshold"))
    rows = zip(table.texts(key), table.texts("threshold"), strict=True)
    for row, (name, said) in enumerate(rows):
        try:
            if said:
                found.setdefault(name, float(said))
        except ValueError:
            raise table.error(row, "a number for threshold", shown(said)) from None
    return found


def _told(text: str, path: Path, known: Thresholds) -> Thresholds:
    """What a JSON file says: OppaiOracle's has a part for `micro`, Camie's a part a category."""
    try:
        told: Any = json.loads(text)
        if "micro" in told:
            overall, tags = _equal_points(told)
            return replace(known, overall=overall, tags={**known.tags, **tags})
        presets = {name: float(kinds[PRESET]["threshold"]) for name, kinds in told.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LabelFileError(
            f"{path}: expected thresholds as Camie or OppaiOracle write them, got {error!r}"
        ) from error
    return replace(known, categories={**known.categories, **presets})


def _equal_points(told: Mapping[str, Any]) -> tuple[float, dict[str, float]]:
    """OppaiOracle's: the mean tag's point, which is what WD's cards publish, and each tag's."""
    macro = told["macro_single_threshold"]
    overall = macro.get("support_ge_1") or macro["support_ge_0"]
    tags = told.get("per_tag", {}).get("per_tag") or {}
    points = {tag: one["pr_threshold"] for tag, one in tags.items()}
    return (
        float(overall["pr_breakeven"]["threshold"]),
        {tag: float(point) for tag, point in points.items() if point is not None},
    )


def _best(path: Path, labels: LabelSet) -> dict[str, float]:
    """Each label's threshold of best F1; a label that never occurred has none."""
    values = _array(path, BEST)
    if values.shape != (len(labels),):
        raise LabelFileError(
            f"{path}: expected {len(labels)} thresholds for as many labels, got shape "
            f"{values.shape}: it belongs to another model"
        )
    found: dict[str, float] = {}
    for label, value in zip(labels, values.tolist(), strict=True):
        if label.name and math.isfinite(value) and value > 0:
            found.setdefault(label.name, value)
    return found


def _array(path: Path, name: str) -> NDArray[np.floating]:
    """One array of numbers out of an archive of NumPy's; nothing in it is unpickled."""
    try:
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo(f"{name}.npy")
            if entry.file_size > LARGEST:
                raise ValueError(f"{entry.file_size:,} bytes")
            found: Any = np.load(io.BytesIO(archive.read(entry)), allow_pickle=False)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise LabelFileError(
            f"{path}: expected an archive of NumPy's with {name}, got another or a truncated file "
            f"({error})"
        ) from error
    if found.dtype.kind != "f":
        raise LabelFileError(f"{path}: expected numbers in {name}, got {found.dtype}")
    return cast("NDArray[np.floating]", found)
