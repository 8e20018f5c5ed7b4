"""The one road from contestants to a Result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...errors import TaggerError, UsageError
from ...scores import RATING
from ..alignment import Align, Aligned, Frame, frame, rating_name, tags_in_common
from ..contestants import Contestant, Control
from ..distance import likeness
from ..intervals import Bootstrap
from ..metrics import best_threshold
from ..predictions import Predictions
from ..showdown import Floats
from ..truth import Picture, Truth, read_truth
from .collect import Collected, collect, keys_of
from .judge import Judge, Judged
from .notes import notes
from .options import CompareOptions
from .result import Entry, Point, Result
from .standings import pairs, places

Tell = Callable[[str, int, int], None]
"""Told whose answers are collected, how many there are, and of how many."""


def compare(
    contestants: Sequence[Contestant],
    options: CompareOptions,
    tell: Tell = lambda name, done, total: None,
    truth: Truth | None = None,
) -> Result:
    """Ask all contestants about the same pictures, and judge them alike.

    One that fails is named in the result, with the reason, and the others are judged.

    Raises:
        DatasetError: there is no truth.
        TaggerError: the control, which answers the truth, does not score exactly 1.
    """
    truth = truth or read_truth(options)
    keys = keys_of(truth.pictures)
    failed: dict[str, str] = {}
    collected: list[Collected] = []
    for contestant in (Control(), *contestants):
        name = contestant.about.name
        try:
            one = collect(
                contestant, truth.pictures, keys, options, lambda d, t, name=name: tell(name, d, t)
            )
            _check_whole(one, options.missing)
            collected.append(one)
        except TaggerError as error:
            failed[name] = str(error)
    try:
        return _Judging(truth, options, collected, failed).result()
    finally:
        for each in collected:
            each.answers.close()


def _check_whole(one: Collected, most: float) -> None:
    faults = one.answers.faults(one.keys)
    missing = [key for key in one.keys if key in faults]
    if len(missing) > most * len(one.keys):
        raise UsageError(
            f"{one.about.name}: expected answers about {len(one.keys):,} pictures, got "
            f"{len(one.keys) - len(missing):,} (the first without: {faults[missing[0]]}): "
            f"--missing {len(missing) / len(one.keys):.2f} judges all by the pictures that it has"
        )


class _Judging:
    """Collected answers being judged."""

    def __init__(
        self,
        truth: Truth,
        options: CompareOptions,
        collected: Sequence[Collected],
        failed: Mapping[str, str],
    ) -> None:
        self._truth, self._options, self._failed = truth, options, failed
        self._control, *self._others = collected
        self._align = Align(truth, options.implications)
        self._bootstrap = Bootstrap(draws=options.draws, seed=options.seed)
        without = {key for one in collected for key in one.answers.faults(one.keys)}
        pairs_ = list(zip(self._control.keys, truth.pictures, strict=True))
        whole = [(key, each) for key, each in pairs_ if key not in without]
        self._judged = [(key, each) for key, each in whole if each.part == "judged"]
        self._fitting = [(key, each) for key, each in whole if each.part == "calibration"]
        self._dropped = len(pairs_) - len(whole)
        if not self._judged:
            raise UsageError("expected pictures that all contestants answered, got none")
        self._rated, self._three = self._rating_rules()

    def result(self) -> Result:
        """Judge everybody; the control first."""
        truth, options = self._truth, self._options
        self._likeness = likeness(truth.names, truth.company, truth.relations)
        common = self._common(self._others)
        control = self._entry(self._control, common)
        check_control(control)
        entries = tuple(
            self._entry(each, common if options.tags == "common" else self._common([each]))
            for each in self._others
        )
        groups = self._groups(self._judged)
        ranking: tuple[Point, ...] = ("own", "best")
        scores: dict[Point, dict[str, Floats]] = {
            point: {entry.name: entry.at(point).scores for entry in entries} for point in ranking
        }
        result = Result(
            truth=truth,
            options=options,
            control=control,
            entries=entries,
            failed=self._failed,
            pictures=tuple(each for _, each in self._judged),
            empty=int(np.isnan(control.at("own").scores).sum()),
            rated=self._rated,
            standings={point: places(of, groups, self._bootstrap) for point, of in scores.items()},
            pairs={point: pairs(of, groups, self._bootstrap) for point, of in scores.items()},
            notes=(),
        )
        return replace(result, notes=tuple(notes(result, self._three, self._dropped)))

    def _common(self, among: Iterable[Collected]) -> tuple[str, ...]:
        """The tags that the truth and these contestants know."""
        among = list(among)
        seen = {tag for one in among for tag in self._align.canonical(one.answers.names)}
        tags = tags_in_common(
            self._truth,
            [self._known(one) for one in among],
            seen,
            self._options.category or None,
            self._kinds(among),
        )
        if not tags:
            raise UsageError(
                "expected tags that the truth and all contestants know, got none: --tags own "
                "judges each by its own; --category names what is judged"
            )
        return tags

    def _known(self, one: Collected) -> frozenset[str] | None:
        """What a contestant could say: its list, or all that got a score; None of captions."""
        listed = one.about.vocabulary
        if listed is not None:
            return self._align.canonical(n for n, kind in listed.items() if kind != RATING)
        return self._align.canonical(one.answers.names) if one.about.scored else None

    def _kinds(self, among: Sequence[Collected]) -> dict[str, str]:
        relations = self._truth.relations
        return {
            relations.canonical(name): kind
            for one in among
            for name, kind in one.answers.kinds.items()
            if kind
        }

    def _entry(self, one: Collected, tags: Sequence[str]) -> Entry:
        into, aligned = self._aligned(one, self._judged, tags)
        groups = self._groups(self._judged)
        judge = Judge(into, groups, self._likeness, self._options.support, self._bootstrap)
        points: dict[Point, Judged] = {}
        if one.about.thresholds is not None or not one.about.scored:
            points["own"] = judge.at(aligned.own, aligned.ratings, None)
        if one.about.scored:
            for point, threshold in self._thresholds(one, tags):
                if threshold is not None:
                    said = aligned.scores >= np.float32(threshold)
                    points[point] = judge.at(said, aligned.ratings, threshold)
        scored = one.about.scored
        return Entry(
            about=one.about,
            frame=into,
            aligned=aligned,
            points=points,
            precision_mean=judge.precision_mean(aligned) if scored else None,
            curve=judge.curve(aligned) if scored else None,
            timing=one.timing,
            asked=one.asked,
        )

    def _thresholds(
        self, one: Collected, tags: Sequence[str]
    ) -> tuple[tuple[Point, float | None], ...]:
        return ("shared", self._options.threshold), ("best", self._best(one, tags))

    def _aligned(
        self, one: Collected, rows: Sequence[tuple[str, Picture]], tags: Sequence[str]
    ) -> tuple[Frame, Aligned]:
        pictures = [each for _, each in rows]
        into = frame(pictures, tags, ratings=self._rated, three=self._three)
        keys = [key for key, _ in rows]
        return into, self._align(one.answers, keys, into, one.about.limits)

    def _best(self, one: Collected, tags: Sequence[str]) -> float | None:
        """The one threshold of the highest micro F1 on the calibration part."""
        if not self._fitting:
            return None
        into, aligned = self._aligned(one, self._fitting, tags)
        fitting = Predictions(aligned.scores, into.truth, into.known)
        if not fitting.positives.any():
            return None
        return float(best_threshold(*fitting.answers()))

    def _rating_rules(self) -> tuple[bool, bool]:
        """Whether ratings are judged, and whether three or four."""
        said = [set(one.answers.ratings([key for key, _ in self._judged])) - {""}
                for one in self._others]  # fmt: skip
        true = {each.rating for _, each in self._judged} - {""}
        if self._options.ratings == "off" or not true or not all(said):
            return False, False
        names = {rating_name(name) for each in said for name in each} | true
        return True, self._options.ratings == "three" or "safe" in names

    def _groups(self, rows: Sequence[tuple[str, Picture]]) -> np.ndarray:
        return np.array([each.group for _, each in rows], np.int64)


def check_control(control: Entry) -> None:
    """Stop where who answers the truth is not found to be right in everything.

    Raises TaggerError.
    """
    judged = control.at("own")
    if np.isnan(judged.scores).all():
        raise UsageError(
            "expected pictures of which something is true among the tags that are judged, got none"
        )
    of = judged.figures
    found = {
        "the showdown's score": of.score.value,
        "the score by distance": of.distance.value,
        "precision": of.micro.precision,
        "recall": of.micro.recall,
    }
    for name, value in found.items():
        if value != 1.0:
            raise TaggerError(
                f"expected the control, which answers the truth, to have exactly 1 for {name}, got "
                f"{value}: the comparison can't be trusted, and stops"
            )
