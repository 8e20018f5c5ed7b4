"""One tagger on one split of a DATASET: thresholds fitted elsewhere, then everything judged."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from ...dataset.index import Dataset
from ...errors import DatasetError, UsageError
from ...folder.scoretable import TableWriter
from ...relationfiles import home_relations
from ...thresholds import Thresholds
from .. import calibration
from ..histograms import Histograms
from .columns import match
from .figures import figures
from .held import holding
from .judging import Judged, Passed, characters_of, passed_through, saving
from .mistakes import Mistakes
from .options import EvaluateOptions
from .ratings import match_ratings
from .result import Evaluation
from .source import Source
from .tally import Tally

Tell = Callable[[str, int, int], None]
"""Told what is going on, how much of it is done, and how much there is."""


def evaluate(source: Source, options: EvaluateOptions, tell: Tell) -> Evaluation:
    """Judge a tagger. The source is closed by whoever opened it.

    Raises:
        DatasetError: no DATASET, no pictures of the split, no tag that both know.
        UsageError: pictures are in both splits, or thresholds would be fitted where they are
            judged, and that is not allowed.
    """
    dataset = Dataset.open(options.dataset)
    judged = Judged(
        dataset,
        source,
        match(
            source.labels,
            source.thresholds,
            dataset.vocabulary,
            (source.relations, dataset.relations, home_relations()),
        ),
        match_ratings(source.labels, dataset.column("rating")),
    )
    rows = _rows(dataset, options.split, options.limit)
    doubts = list(_doubts(dataset, options))
    if doubts and not options.allow_overlap:
        raise UsageError(f"{dataset.path}: {doubts[0]}: --allow-overlap judges nevertheless")
    with (
        saving(options, source) as table,
        holding(len(rows), len(judged.columns.labels), options.exact) as held,
    ):
        thresholds, left = _fitted(judged, options, tell, table)
        passed = Passed(
            Histograms(len(judged.columns.labels)),
            {way: Tally(own) for way, own in _ways(judged, options, thresholds).items()},
            held,
            Mistakes(options.examples),
            characters_of(judged.columns.labels),
        )
        passed_through(judged, rows, passed, _telling(tell, "judging"), table)
        if not len(passed.rows):
            cause = next(iter(passed.faults.values()), "none are there")
            raise DatasetError(
                f"{dataset.path}: expected pictures of {options.split}, got none that can be "
                f"judged ({cause})"
            )
        return figures(judged, passed, options, (*doubts, *left))


def _rows(dataset: Dataset, split: str, limit: int) -> NDArray[np.intp]:
    rows = dataset.rows(split)  # pyright: ignore[reportArgumentType]
    if not len(rows):
        raise DatasetError(
            f"{dataset.path}: expected pictures of {split}, got none: build it with some"
        )
    if limit and limit < len(rows):  # spread over the split, so that no source is left out
        rows = rows[np.linspace(0, len(rows) - 1, limit).astype(np.intp)]
    return rows


def _doubts(dataset: Dataset, options: EvaluateOptions) -> Iterator[str]:
    """Why the figures would say more than is so."""
    if options.split == options.fit_on:
        yield f"thresholds would be fitted on {options.split}, where they are judged"
    splits = dataset.column("split")
    own = splits == options.split
    for what, name in (("group", "group"), ("file", "md5")):
        values = dataset.column(name).astype(str)
        known = ~np.isin(values, ("", "None"))
        both = np.intersect1d(values[own & known], values[~own & known])
        if both.size:
            others = sorted(set(splits[~own & np.isin(values, both)].tolist()))
            many = f"{both.size:,} {what}s of {options.split} are"
            single = f"a {what} of {options.split} is"
            yield f"{many if both.size > 1 else single} in {' and '.join(others)} too"


def _fitted(
    judged: Judged, options: EvaluateOptions, tell: Tell, table: TableWriter | None
) -> tuple[Thresholds | None, Sequence[str]]:
    """Thresholds of the split that is there for them, and what must be said of them.

    None where it has nothing to fit on.
    """
    dataset, labels = judged.dataset, judged.columns.labels
    if not len(dataset.rows(options.fit_on)):
        return None, [f"no thresholds were fitted: {options.fit_on} has no pictures to fit on"]
    rows = _rows(dataset, options.fit_on, options.limit)
    # where both are one, the scores are written when they are judged
    kept = None if options.fit_on == options.split else table
    parts: list[Histograms] = []
    bins = Histograms(calibration.PARTS * len(labels)).bins
    done, faults = 0, dict[int, str]()
    for part in _parts(dataset, rows):
        passed = Passed(Histograms(len(labels), bins))

        def telling(some: int, _: int, before: int = done) -> None:
            tell("fitting thresholds", before + some, len(rows))

        passed_through(judged, part, passed, telling, kept)
        parts.append(passed.histograms)
        faults |= passed.faults
        done += len(part)
    whole = reduce(operator.add, parts)
    if whole.support.any():
        said = f"fitted without {len(faults):,} of {len(rows):,} pictures of {options.fit_on}"
        return calibration.fit(whole, labels, parts=parts), _because(said, faults)
    said = f"no thresholds were fitted: no tag can be judged on the pictures of {options.fit_on}"
    return None, _because(said, faults) or [said]


def _because(said: str, faults: Mapping[int, str]) -> list[str]:
    return [f"{said} ({next(iter(faults.values()))})"] if faults else []


def _parts(dataset: Dataset, rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Rows in parts about as large; a group of pictures is in one."""
    _, place = np.unique(dataset.column("group")[rows], return_inverse=True)
    which = place.reshape(-1) % calibration.PARTS
    return [rows[which == part] for part in range(calibration.PARTS)]


def _ways(
    judged: Judged, options: EvaluateOptions, fitted: Thresholds | None
) -> Mapping[str, NDArray[np.float32]]:
    """The thresholds to judge at, float32[m] each."""
    labels = judged.columns.labels
    size = len(labels)
    ways = {"own": judged.columns.own}
    if options.threshold is not None:
        ways["asked"] = np.full(size, options.threshold, np.float32)
    if fitted is not None:
        ways["one"] = np.full(size, fitted.overall, np.float32)
        ways["category"] = calibration.by_label(
            Thresholds(fitted.overall, fitted.categories), labels
        )
        ways["tag"] = calibration.by_label(fitted, labels)
    return ways


def _telling(tell: Tell, what: str) -> Callable[[int, int], None]:
    return lambda done, total: tell(what, done, total)
