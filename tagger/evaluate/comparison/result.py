"""Result: everything that came of a comparison, and the same as JSON and as rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from ...options import to_dict
from ..alignment import Aligned, Frame
from ..contestants import About
from ..truth import Picture, Truth
from .collect import Timing, machine
from .judge import Curve, Figures, Judged
from .options import CompareOptions
from .standings import Pair, Place

Point = Literal["own", "shared", "best"]
POINTS: tuple[Point, ...] = ("own", "shared", "best")
"""At its author's threshold, or as it is written; at the one that all share; at its best."""
CURVE_STEP = 10
"""Of the thousand thresholds of a curve, every tenth goes into the JSON."""


@dataclass(frozen=True, eq=False)
class Entry:
    """One contestant's part of a result.

    points: what it is worth at thresholds that it has. precision_mean, curve: None where it gives
    no scores. asked: the day of its answers, where they are kept.
    """

    about: About
    frame: Frame
    aligned: Aligned
    points: Mapping[Point, Judged]
    precision_mean: float | None = None
    curve: Curve | None = None
    timing: Timing | None = None
    asked: str = ""

    @property
    def name(self) -> str:
        """How it is called in this comparison."""
        return self.about.name

    def at(self, point: Point) -> Judged:
        """At a point, or where it does not have that at the nearest to what its author meant."""
        for each in (point, "own", "shared"):
            if each in self.points:
                return self.points[each]
        raise KeyError(point)


@dataclass(frozen=True, eq=False)
class Result:
    """What came of a comparison.

    entries: those who came through, the control apart. failed: those who did not, and why.
    pictures: those that were judged, in the order of all arrays. empty: how many of them have
    nothing true among the tags judged, so that they have no score. standings and pairs: by point.
    notes: what a reader has to know.
    """

    truth: Truth
    options: CompareOptions
    control: Entry
    entries: tuple[Entry, ...]
    failed: Mapping[str, str]
    pictures: tuple[Picture, ...]
    empty: int
    rated: bool
    standings: Mapping[Point, Mapping[str, Place]]
    pairs: Mapping[Point, Sequence[Pair]]
    notes: tuple[str, ...]

    def ranked(self, point: Point = "own") -> list[Entry]:
        """The contestants, the best first."""
        places = self.standings.get(point, {})
        return sorted(self.entries, key=lambda entry: places[entry.name].place)


def as_json(result: Result) -> dict[str, Any]:
    """The result as plain values; what is not a number is null."""
    whole = {
        "schema": 1,
        "truth": {
            "name": result.truth.name,
            "about": result.truth.about,
            "pictures": len(result.pictures),
            "nothing_true": result.empty,
            "left_out": dict(result.truth.left_out),
            "ratings": result.rated,
        },
        "machine": machine(),
        "options": {k: v for k, v in to_dict(result.options).items() if k != "auth"},
        "notes": list(result.notes),
        "control": _entry(result.control),
        "contestants": [
            _entry(entry) | {"places": _places(result, entry.name)} for entry in result.ranked()
        ],
        "failed": dict(result.failed),
        "pairs": {
            point: [asdict(pair) | {"sure": pair.sure} for pair in pairs]
            for point, pairs in result.pairs.items()
        },
    }
    return plain(whole)


def rows(result: Result) -> Iterator[dict[str, Any]]:
    """A row for each contestant at each point that it has, for a table in a file."""
    for entry in (result.control, *result.ranked()):
        for point, judged in entry.points.items():
            yield {"contestant": entry.name, "kind": entry.about.kind, "point": point} | _row(
                entry, judged.figures
            )


def _row(entry: Entry, of: Figures) -> dict[str, Any]:
    flat = {
        "threshold": of.threshold,
        "score": of.score.value,
        "score_low": of.score.low,
        "score_high": of.score.high,
        "distance_score": of.distance.value,
        "precision": of.tags.precision,
        "recall": of.tags.recall,
        "f1": of.tags.f1,
        "average_precision": entry.precision_mean,
        "micro_precision": of.micro.precision,
        "micro_recall": of.micro.recall,
        "micro_f1": of.micro.f1,
        "wrong": of.errors.wrong,
        "wrong_ratings": of.errors.wrong_ratings,
        "practical_wrong": of.errors.practical,
        "missed": of.errors.missed,
        "tag_accuracy": of.tag_accuracy,
        "rating_accuracy": of.rating.value,
        "tags": len(entry.frame.tags),
        "seconds": entry.timing.median if entry.timing else None,
    }
    return {name: plain(value) for name, value in flat.items()}


COLUMNS = (
    "contestant", "kind", "point", "threshold", "score", "score_low", "score_high",
    "distance_score", "precision", "recall", "f1", "average_precision", "micro_precision",
    "micro_recall", "micro_f1", "wrong", "wrong_ratings", "practical_wrong", "missed",
    "tag_accuracy", "rating_accuracy", "tags", "seconds",
)  # fmt: skip
"""Of the rows."""


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "source": entry.about.source,
        "kind": entry.about.kind,
        "scored": entry.about.scored,
        "size": entry.about.size,
        "normalised": entry.about.normalised,
        "asked": entry.asked,
        "tags_judged": len(entry.frame.tags),
        "points": {point: asdict(judged.figures) for point, judged in entry.points.items()},
        "average_precision": entry.precision_mean,
        "curve": entry.curve and _curve(entry.curve),
        "timing": entry.timing
        and asdict(entry.timing) | {"median": entry.timing.median, "mean": entry.timing.mean},
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "thresholds": curve.thresholds[::CURVE_STEP],
        "precision": curve.precision[::CURVE_STEP],
        "recall": curve.recall[::CURVE_STEP],
        "crossing": curve.crossing
        and {"threshold": curve.crossing[0], "precision_and_recall": curve.crossing[1]},
    }


def _places(result: Result, name: str) -> dict[str, Any]:
    return {point: asdict(of[name]) for point, of in result.standings.items() if name in of}


def plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value
