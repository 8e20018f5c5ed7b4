"""The figures of an evaluation, as plain values that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..histograms import Reliability
from ..intervals import Interval
from ..metrics import Rates
from .characters import ClassRow
from .mistakes import Mistake
from .options import EvaluateOptions

WAYS = {
    "own": "the model's own thresholds",
    "asked": "the threshold that was asked for",
    "one": "one threshold for all, fitted",
    "category": "one for each category, fitted",
    "tag": "one for each tag, fitted",
}
"""Ways to choose thresholds; the last three are fitted on pictures that are not judged."""


@dataclass(frozen=True)
class At:
    """What thresholds are worth.

    threshold: where there is one for all. macro: over tags with support. f2: micro. f1: of micro
    F1, over pictures drawn again by group. gain: of the same over `own`, paired.
    """

    way: str
    threshold: float | None
    micro: Rates
    macro: Rates
    samples: Rates
    f2: float
    macro_f2: float
    samples_f2: float
    mcc: float
    accuracy: float
    f1: Interval
    gain: Interval | None


@dataclass(frozen=True)
class Group:
    """Tags of one kind together, at the model's own thresholds."""

    name: str
    tags: int
    supported: int
    positives: int
    micro: Rates
    macro_f1: float
    mean_average_precision: float
    calibration_error: float


@dataclass(frozen=True)
class TagRow:
    """One tag, at the model's own threshold and at the fitted one."""

    name: str
    category: str
    trained: int
    positives: int
    judged: int
    average_precision: float
    threshold: float
    precision: float
    recall: float
    f1: float
    fitted: float | None
    fitted_f1: float | None


@dataclass(frozen=True)
class Rated:
    """How the ratings are judged.

    confusion: how often each true one (row) was called which. three: the share that the scalar
    with its two cut-points has right. error: mean distance of the scalar from the true place.
    """

    names: tuple[str, ...]
    pictures: int
    accuracy: Interval
    confusion: list[list[int]]
    three: float
    error: float


@dataclass(frozen=True)
class Named:
    """How characters are judged, of the pictures that show one."""

    pictures: int
    classes: int
    top1: Interval
    top5: Interval
    rows: tuple[ClassRow, ...] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Curves:
    """For charts: recall and precision down the scores; thresholds with micro rates there.

    Precision is NaN from the threshold on that nothing passes.
    """

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    sweep: dict[str, NDArray[np.float64]]
    reliability: Reliability


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One tagger on one split of a DATASET.

    notes: what must be known before any figure is read, first what makes it doubtful.
    mean_average_precision: over tags with support; exact: not from histograms. equal: the threshold
    where micro precision and recall meet, and the rates there. at: by thresholds, the model's own
    first. without: tags without positives, which are in no mean. scarce: how many have some, but
    fewer than `support`. paths: of the rows of said and missed, as the dataset names them.
    """

    options: EvaluateOptions
    model: str
    content: str
    notes: tuple[str, ...]
    pictures: int
    broken: tuple[tuple[str, str], ...]
    tags: int
    mean_average_precision: float
    exact: bool
    supported: int
    without: tuple[str, ...]
    scarce: int
    equal: tuple[float, Rates]
    at: tuple[At, ...]
    categories: tuple[Group, ...]
    frequencies: tuple[Group, ...]
    by_tag: tuple[TagRow, ...]
    ratings: Rated | None
    characters: Named | None
    calibration_error: float
    curves: Curves
    said: tuple[Mistake, ...]
    missed: tuple[Mistake, ...]
    paths: Mapping[int, str]


def as_json(result: Evaluation) -> dict[str, Any]:
    """All figures as JSON values; NaN, which JSON lacks, is null."""
    plain = {
        "schema": 1,
        "model": result.model,
        "dataset": str(result.options.dataset),
        "content": result.content,
        "split": result.options.split,
        "fit_on": result.options.fit_on,
        "notes": list(result.notes),
        "pictures": result.pictures,
        "broken": len(result.broken),
        "tags": result.tags,
        "support": result.options.support,
        "supported": result.supported,
        "without_positives": list(result.without),
        "scarce": result.scarce,
        "mean_average_precision": result.mean_average_precision,
        "exact": result.exact,
        "precision_is_recall": {"threshold": result.equal[0], **asdict(result.equal[1])},
        "at": [asdict(each) for each in result.at],
        "categories": [asdict(each) for each in result.categories],
        "frequencies": [asdict(each) for each in result.frequencies],
        "calibration_error": result.calibration_error,
        "ratings": asdict(result.ratings) if result.ratings else None,
        "characters": _named(result.characters),
        "sweep": _sweep(result.curves),
        "reliability": _reliability(result.curves.reliability),
        "said_not_there": [_mistake(result, one, one.certainty) for one in result.said],
        "there_not_said": [_mistake(result, one, 1 - one.certainty) for one in result.missed],
        "by_tag": [asdict(each) for each in result.by_tag],
    }
    return _without_nan(plain)


def _named(named: Named | None) -> dict[str, Any] | None:
    if named is None:
        return None
    return {name: value for name, value in asdict(named).items() if name != "rows"}


def _sweep(curves: Curves) -> list[dict[str, float]]:
    names = {name.lower(): values.tolist() for name, values in curves.sweep.items()}
    columns = {"threshold": curves.thresholds.tolist(), **names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _reliability(drawn: Reliability) -> list[dict[str, float]]:
    rows = zip(drawn.said.tolist(), drawn.true.tolist(), drawn.size.tolist(), strict=True)
    return [{"said": said, "true": true, "answers": size} for said, true, size in rows]


def _mistake(result: Evaluation, one: Mistake, score: float) -> dict[str, Any]:
    path, tag = result.paths[one.row], result.by_tag[one.label].name
    return {"path": path, "tag": tag, "score": round(score, 6)}


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(each) for each in value]
    return value
