"""What a reader of a comparison has to know, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .result import Entry, Result

CUT = 0.02
"""A server asked for every score that gives none below this seems to have cut."""


def notes(result: Result, three: bool, dropped: int) -> Iterator[str]:
    """Sentences, the weightiest first."""
    yield from _about_truth(result, dropped)
    yield from _about_ratings(result, three)
    for entry in result.entries:
        yield from _about_entry(entry)
    servers = [entry.name for entry in result.entries if entry.about.kind == "server"]
    if servers:
        yield (
            f"The time of {', '.join(servers)} holds the way to the server and back; where it is "
            f"another machine, the times can't be compared."
        )


def _about_truth(result: Result, dropped: int) -> Iterator[str]:
    options, truth = result.options, result.truth
    if truth.vocabulary is not None and options.split != "validation":
        yield f"Judged on the split {options.split}, on which models may have been fitted."
    if result.empty:
        yield (
            f"{result.empty:,} pictures have nothing true among the tags that are judged: they "
            f"have no score and are left out of it."
        )
    if dropped:
        yield f"{dropped:,} pictures that somebody left unanswered are left out for all."
    for why, count in truth.left_out.items():
        yield f"Left out: {count:,} {why}."
    if not any(each.part == "calibration" for each in truth.pictures):
        yield "There is no part to fit thresholds on: nobody is judged at its best."


def _about_ratings(result: Result, three: bool) -> Iterator[str]:
    if three:
        yield "Somebody knows three ratings only: general and sensitive count as one, safe."
    if result.rated or result.options.ratings == "off":
        return
    if not any(picture.rating for picture in result.pictures):
        yield "The truth has no ratings: none are judged."
        return
    without = [e.name for e in result.entries if not any(e.aligned.ratings)]
    yield f"Ratings are not judged, since not all give one: {', '.join(without)}."


def _about_entry(entry: Entry) -> Iterator[str]:
    about = entry.about
    if about.kind == "captions":
        yield f"{about.name} has no list of tags: it is taken to know every one."
    if about.scored and about.thresholds is None:
        yield (
            f"The threshold of {about.name}'s author is not known: where each has its own, it "
            f"stands at the one that all share."
        )
    some = entry.aligned.scores[entry.aligned.scores > 0]
    least = float(np.min(some)) if some.size else 0.0
    if about.kind == "server" and least > CUT:
        yield (
            f"{about.name} was asked for every score and gave none below {least:.2f}: it seems to "
            f"have cut, so that its curve and average precision say too little."
        )
