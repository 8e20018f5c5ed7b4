"""From what a pass over a split left behind to the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .. import intervals
from ..confusion import Counts
from ..histograms import Histograms
from ..intervals import Bootstrap, Interval
from ..metrics import (
    Floats,
    Rates,
    accuracy,
    f1,
    fbeta,
    macro,
    macro_fbeta,
    mcc,
    mean,
    micro,
    precision,
    recall,
)
from .judging import Judged, Passed
from .options import EvaluateOptions
from .ratings import Ratings, confusion, fold, three_of
from .result import At, Curves, Evaluation, Group, Named, Rated, TagRow
from .tally import Tally

FREQUENCIES = (0, 100, 1000, 10_000)
"""Least training pictures of the kinds of tags that are told apart by frequency."""
SWEEP = np.round(np.arange(0.02, 1.0, 0.02), 2)
"""Thresholds of the sweep; the authors of the first taggers tried .20 to .95 by .05."""


@dataclass(frozen=True, eq=False)
class _View:
    """What the figures share."""

    judged: Judged
    passed: Passed
    options: EvaluateOptions

    @cached_property
    def precisions(self) -> Floats:
        """Average precision of each label, NaN without positives."""
        held = self.passed.held
        return held.average_precision() if held else self.passed.histograms.average_precision()

    @cached_property
    def support(self) -> NDArray[np.int64]:
        return self.passed.histograms.support

    @cached_property
    def supported(self) -> NDArray[np.bool_]:
        """Labels that means over labels are over."""
        return self.support >= self.options.support

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        return self.judged.dataset.column("group")[self.passed.rows]

    @property
    def bootstrap(self) -> Bootstrap:
        return Bootstrap(draws=self.options.draws)

    def counted(self, tally: Tally) -> Floats:
        """Counts of each group of pictures, for intervals."""
        return intervals.by_group(intervals.by_picture(tally.by_picture), self.groups)

    def shared(self, values: Floats) -> Interval:
        """The interval of the mean of pictures' own values."""
        has = ~np.isnan(values)  # a draw without any would count as 0
        grouped = intervals.by_group(intervals.of_means(values[has]), self.groups[has])
        return intervals.interval(grouped, intervals.share, self.bootstrap)


def figures(
    judged: Judged,
    passed: Passed,
    options: EvaluateOptions,
    doubts: tuple[str, ...],
) -> Evaluation:
    """Work the figures out."""
    view = _View(judged, passed, options)
    labels, support = judged.columns.labels, view.support
    equal = passed.held.equal_point() if passed.held else passed.histograms.equal_point()
    mistakes = passed.mistakes
    said, missed = (mistakes.said, mistakes.missed) if mistakes else ([], [])
    paths = judged.dataset.column("path")
    return Evaluation(
        options=options,
        model=judged.source.name,
        content=judged.dataset.content,
        notes=(*doubts, *_notes(view)),
        pictures=len(passed.rows),
        broken=tuple((str(paths[row]), why) for row, why in sorted(passed.faults.items())),
        tags=len(labels),
        mean_average_precision=mean(view.precisions[view.supported]),
        exact=passed.held is not None,
        supported=int(view.supported.sum()),
        without=tuple(name for name, n in zip(labels.names, support, strict=True) if not n),
        scarce=int(((support > 0) & ~view.supported).sum()),
        equal=(equal.threshold, equal.rates),
        at=tuple(_at(view, way, tally) for way, tally in passed.tallies.items()),
        categories=tuple(_categories(view)),
        frequencies=tuple(_frequencies(view)),
        by_tag=tuple(_by_tag(view)),
        ratings=_rated(view, judged.ratings) if judged.ratings else None,
        characters=_named(view),
        calibration_error=passed.histograms.reliability().error,
        curves=_curves(passed.histograms),
        said=tuple(said),
        missed=tuple(missed),
        paths={one.row: str(paths[one.row]) for one in (*said, *missed)},
    )


# ---------------------------------------------------------------- what must be known first


def _notes(view: _View) -> Iterator[str]:
    columns, options, passed = view.judged.columns, view.options, view.passed
    if options.split == "train":
        yield "the pictures of train are those that a model made of this dataset has learned"
    if options.split == "calibration":
        yield "a model made of this dataset has its own thresholds from the pictures of calibration"
    total = len(view.judged.dataset.vocabulary)
    if len(columns.labels) < total or columns.renamed:
        renamed = f", {columns.renamed:,} of them by an alias" if columns.renamed else ""
        yield (
            f"{len(columns.labels):,} of the dataset's {total:,} labels are known to the model"
            f"{renamed}; not judged: {_some(columns.only_dataset)}"
        )
    if columns.only_model:
        yield f"{len(columns.only_model):,} of the model's labels are not in the dataset"
    if passed.faults:
        first = next(iter(passed.faults.values()))
        some = "a picture" if len(passed.faults) == 1 else f"{len(passed.faults):,} pictures"
        yield f"{some} could not be scored and left out ({first})"
    if not view.supported.any():
        yield (
            f"no tag has the pictures that --support {options.support} asks for: means over tags "
            "are not given"
        )


def _some(names: tuple[str, ...], most: int = 5) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more


# ---------------------------------------------------------------- at thresholds


def _at(view: _View, way: str, tally: Tally) -> At:
    whole = tally.by_tag.total()
    judged = tally.judged_by_tag.sum(keepdims=True)
    counted = view.counted(tally)
    own = view.passed.tallies["own"]
    one = np.unique(tally.thresholds)
    return At(
        way=way,
        threshold=float(one[0]) if one.size == 1 else None,
        micro=micro(tally.by_tag),
        macro=_macro(tally.by_tag, view.supported),
        samples=macro(tally.by_picture),
        f2=fbeta(whole, 2).item(),
        macro_f2=macro_fbeta(_of(tally.by_tag, view.supported), 2),
        samples_f2=macro_fbeta(tally.by_picture, 2),
        mcc=mcc(whole, judged).item(),
        accuracy=accuracy(whole, judged).item(),
        f1=intervals.interval(counted, intervals.f1, view.bootstrap),
        gain=None
        if way == "own"
        else intervals.difference(view.counted(own), counted, intervals.f1, view.bootstrap),
    )


def _macro(counts: Counts, which: NDArray[np.bool_]) -> Rates:
    return macro(_of(counts, which))


def _of(counts: Counts, which: NDArray[np.bool_] | NDArray[np.intp]) -> Counts:
    return Counts(counts.tp[which], counts.fp[which], counts.fn[which])


# ---------------------------------------------------------------- groups of tags, tags


def _categories(view: _View) -> Iterator[Group]:
    labels = view.judged.columns.labels
    for category in labels.categories:
        which = np.zeros(len(labels), np.bool_)
        which[labels.of(category.name)] = True
        yield _group(view, category.name, which)


def _frequencies(view: _View) -> Iterator[Group]:
    trained = np.array([label.count for label in view.judged.columns.labels])
    for low, high in zip(FREQUENCIES, (*FREQUENCIES[1:], None), strict=True):
        which = (trained >= low) & (trained < high if high else True)
        if which.any():
            name = f"{low:,} to {high - 1:,}" if high else f"{low:,} and more"
            yield _group(view, name, which)


def _group(view: _View, name: str, which: NDArray[np.bool_]) -> Group:
    counts = view.passed.tallies["own"].by_tag
    meant = which & view.supported
    return Group(
        name=name,
        tags=int(which.sum()),
        supported=int(meant.sum()),
        positives=int(view.support[which].sum()),
        micro=micro(_of(counts, which)),
        macro_f1=macro(_of(counts, meant)).f1,
        mean_average_precision=mean(view.precisions[meant]),
        calibration_error=view.passed.histograms.labels(which).reliability().error,
    )


def _by_tag(view: _View) -> Iterator[TagRow]:
    tallies, columns = view.passed.tallies, view.judged.columns
    own, fitted = tallies["own"], tallies.get("tag")
    rates = [rate(own.by_tag) for rate in (precision, recall, f1)]
    fitted_f1 = f1(fitted.by_tag) if fitted else None
    for at, label in enumerate(columns.labels):
        yield TagRow(
            label.name,
            label.category.name,
            label.count,
            int(view.support[at]),
            int(own.judged_by_tag[at]),
            float(view.precisions[at]),
            float(own.thresholds[at]),
            *(float(rate[at]) for rate in rates),
            fitted=float(fitted.thresholds[at]) if fitted else None,
            fitted_f1=float(fitted_f1[at]) if fitted_f1 is not None else None,
        )


# ---------------------------------------------------------------- one of many


def _rated(view: _View, ratings: Ratings) -> Rated | None:
    truth = ratings.truth[view.passed.rows].astype(np.intp)
    known = truth >= 0
    if not known.any():
        return None
    chosen, scalar = view.passed.rated, view.passed.scalar
    right = np.where(known, chosen == truth, np.nan)
    options, three = view.options, fold(ratings.names)
    cut = three_of(scalar, options.safe_threshold, options.explicit_threshold)
    return Rated(
        names=ratings.names,
        pictures=int(known.sum()),
        accuracy=view.shared(right),
        confusion=confusion(truth[known], chosen[known], ratings.names).tolist(),
        three=float((cut[known] == three[truth[known]]).mean()),
        error=float(np.abs(scalar[known] - ratings.places[truth[known]]).mean()),
    )


def _named(view: _View) -> Named | None:
    characters = view.passed.characters
    if characters is None or not characters.samples.any():
        return None
    first = characters.top(1)
    return Named(
        pictures=int((~np.isnan(first)).sum()),
        classes=int((characters.samples > 0).sum()),
        top1=view.shared(first),
        top5=view.shared(characters.top(5)),
        rows=tuple(
            characters.classes(view.judged.columns.labels.names, view.judged.columns.dataset)
        ),
    )


# ---------------------------------------------------------------- curves


def _curves(histograms: Histograms) -> Curves:
    found, right = histograms.curve()
    # nothing to draw where no answer can be judged
    most = min(400, len(found))
    some = np.unique(np.linspace(0, max(0, len(found) - 1), most).astype(np.intp))
    counts = histograms.sweep(SWEEP)
    sweep: Mapping[str, Floats] = {
        "precision": np.where(counts.tp + counts.fp > 0, precision(counts), np.nan),
        "recall": recall(counts),
        "F1": f1(counts),
    }
    return Curves(found[some], right[some], SWEEP, dict(sweep), histograms.reliability())
