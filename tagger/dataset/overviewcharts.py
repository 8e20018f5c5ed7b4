"""The charts of an overview: tags and how many a picture has, ratings, posts in time, sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..report.page import Figure, Part, Section, Text
from ..report.svg import Point, cells, columns, points
from .content import CREATED
from .overview import Overview
from .splits import SPLITS

_POINTS = 250
"""Of a category; the frequent ones all, then ever fewer, as a logarithmic axis shows them."""
_COLUMNS = 40
_SOURCES = 4
"""Whose ids have a chart, the largest."""
_NO_DATES = ("captions", "characters")
"""Formats without posts: their ids are made of paths and tell of no time."""


def charts(seen: Overview) -> list[Section]:
    """The sections that are charts."""
    return [
        Section("Tags", [_frequency(seen), _per_image(seen)]),
        Section("Ratings and posts over time", [_ratings(seen), *_over_time(seen)]),
        Section("Sizes", list(_sizes(seen.sizes))),
    ]


def _frequency(seen: Overview) -> Figure:
    vocabulary, frequency = seen.dataset.vocabulary, seen.frequency
    series: dict[str, list[Point]] = {}
    for category in vocabulary.categories:
        own = vocabulary.of(category.name)
        own = own[np.argsort(-frequency[own], kind="stable")]
        own = own[frequency[own] > 0]
        series[category.name] = [
            Point(
                rank + 1, int(frequency[own[rank]]), _said(vocabulary.names, frequency, own, rank)
            )
            for rank in _spread(len(own))
        ]
    svg = points(series, "rank in its category", "pictures")
    return Figure(svg, "How often each tag is there, by category", list(series))


def _said(
    names: Sequence[str], frequency: NDArray[np.int64], own: NDArray[np.intp], rank: int
) -> str:
    return f"{names[own[rank]]}: {frequency[own[rank]]:,}, rank {rank + 1:,}"


def _spread(ranks: int) -> list[int]:
    """At most so many ranks from 0, evenly on a logarithmic axis."""
    if ranks <= _POINTS:
        return list(range(ranks))
    return np.unique(np.geomspace(1, ranks, _POINTS).astype(np.intp) - 1).tolist()


def _per_image(seen: Overview) -> Figure:
    lengths = seen.tags_per_image
    names, counts = _histogram(lengths, _COLUMNS)
    svg = columns(names, {"pictures": counts}, "tags on a picture", "pictures")
    middle = f": half have {int(np.median(lengths))} and more" if len(lengths) else ""
    return Figure(svg, f"How many tags a picture has{middle}")


def _histogram(values: NDArray[np.int64], most: int) -> tuple[list[str], list[int]]:
    """Names and counts of at most so many equal ranges of whole numbers."""
    if not len(values):
        return [], []
    low, high = int(values.min()), int(values.max())
    wide = -(-(high - low + 1) // most)
    counts = np.bincount((values - low) // wide)
    starts = range(low, low + wide * len(counts), wide)
    return [f"{a}" if wide == 1 else f"{a:,}" for a in starts], counts.tolist()


def _ratings(seen: Overview) -> Figure:
    used = np.flatnonzero(seen.rows)
    names = [SPLITS[at] for at in used]
    stacked = np.cumsum([counts[used] for counts in seen.ratings.values()], axis=0)
    # rounded where one part ends and the next begins, so that all are a thousand together
    parts = np.diff(np.round(1000 * stacked / seen.rows[used]), axis=0, prepend=0).astype(np.intp)
    shares = dict(zip(seen.ratings, parts.tolist(), strict=True))
    svg = columns(names, shares, "split", "of a thousand pictures")
    return Figure(svg, "Ratings, as shares of each split", list(shares))


def _over_time(seen: Overview) -> list[Part]:
    """By date where one is known; else along the ids."""
    if CREATED in seen.dataset.index.column_names:
        days = seen.dataset.column(CREATED)
        dated = ~np.isnat(days)
        if dated.any():
            return list(_by_date(seen, days[dated], dated))
    return list(_along_ids(seen))


def _by_date(
    seen: Overview, days: NDArray[np.datetime64], dated: NDArray[np.bool_]
) -> Iterator[Part]:
    """A column a month, or a year where the months are too many."""
    span = np.ptp(days.astype("M8[M]").astype(np.int64)) + 1
    unit, word = ("M", "month") if span <= _COLUMNS else ("Y", "year")
    times = days.astype(f"M8[{unit}]").astype(np.int64)
    low, wide = int(times.min()), int(np.ptp(times)) // _COLUMNS + 1  # a clock may be centuries off
    places = (times - low) // wide
    count = int(places.max()) + 1
    ratings = _rating_names(seen)[dated]
    parts = {
        rating: np.bincount(places[ratings == rating], minlength=count).tolist()
        for rating in seen.ratings
        if (ratings == rating).any()
    }
    names = [str(np.datetime64(low + wide * at, unit)) for at in range(count)]
    svg = columns(names, parts, word, "posts")
    yield Figure(svg, f"Posts by the {word} of their upload", list(parts))
    if lacking := int((~dated).sum()):
        yield Text(f"Of {lacking:,} pictures the sources tell no date.")


def _rating_names(seen: Overview) -> NDArray[np.object_]:
    return np.array([name or "none" for name in seen.dataset.index["rating"].to_pylist()], object)


def _along_ids(seen: Overview) -> Iterator[Part]:
    index = seen.dataset.index
    ids, sources = index["id"].to_numpy(), seen.dataset.column("source")
    ratings = _rating_names(seen)
    dated = [
        own for own in seen.dataset.about.get("sources", ()) if own.get("format") not in _NO_DATES
    ]
    largest = sorted(dated, key=lambda own: -int((sources == own["name"]).sum()))[:_SOURCES]
    for own in largest:
        rows = sources == own["name"]
        if rows.any():
            yield _ids(own["name"], ids[rows], ratings[rows], list(seen.ratings))
    yield Text(
        "The index tells of no date. A booru numbers its posts in the order in which they came, so "
        "that the ids from the first to the last show where in time the posts lie."
    )


def _ids(
    source: str, ids: NDArray[np.int64], ratings: NDArray[np.object_], order: Sequence[str]
) -> Figure:
    low, high = int(ids.min()), int(ids.max())
    wide = max(1, -(-(high - low + 1) // _COLUMNS))
    places = (ids - low) // wide
    count = int(places.max()) + 1
    parts = {
        rating: np.bincount(places[ratings == rating], minlength=count).tolist()
        for rating in order
        if (ratings == rating).any()
    }
    names = [f"{low + wide * at:,}" for at in range(count)]
    svg = columns(names, parts, "id of the post", "posts")
    return Figure(svg, f"Posts of {source} along their ids", list(parts))


def _sizes(sizes: NDArray[np.int64]) -> Iterator[Part]:
    if not len(sizes):
        yield Text("Nobody has looked at the pictures, so that no size is known.")
        return
    if (sizes == sizes[0]).all():
        width, height = sizes[0].tolist()
        yield Text(f"Every picture is {width:,} x {height:,} pixels.")
        return
    steps = np.round(np.log2(sizes) * 2).astype(np.intp)
    low, high = steps.min(), steps.max()
    table = np.zeros((high - low + 1, high - low + 1), np.int64)
    np.add.at(table, (steps[:, 1] - low, steps[:, 0] - low), 1)
    names = [f"{2 ** (step / 2):.0f}" for step in range(low, high + 1)]
    yield Figure(cells(table.tolist(), names, names, "width", "height"), "Sizes in pixels")
    aspects = np.clip(np.round(np.log2(sizes[:, 0] / sizes[:, 1]) * 4), -8, 8).astype(np.intp)
    counts = np.bincount(aspects + 8, minlength=17)
    words = [_aspect(step) for step in range(-8, 9)]
    svg = columns(words, {"pictures": counts.tolist()}, "width : height", "pictures")
    yield Figure(svg, "Shapes, from tall to wide")


def _aspect(step: int) -> str:
    ratio = 2 ** (abs(step) / 4)
    if abs(step) == 8:
        return "4:1 up" if step > 0 else "1:4 down"
    return f"{ratio:.2g}:1" if step > 0 else f"1:{ratio:.2g}" if step else "1:1"
