"""Groups of alike pictures as a page: a map, and a gallery for each group."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from ..errors import ImageError
from ..report.lines import series
from ..report.page import Chip, Figure, Grid, Page, Part, Picture, Section, Table, Text
from ..report.svg import HEIGHT, WIDTH, frame, group_class
from ..report.thumbnail import thumbnail
from .clusters import Clusters, sizes
from .vectors import Vectors

SHOWN = 24
"""Pictures of a group's gallery: the most typical ones."""
DRAWN = 5000
"""Most points of the map; of more a part is drawn, always the same."""
BEST = 5
"""Numbers of groups that the table names."""
_MARGIN = 24


def make_page(vectors: Vectors, clusters: Clusters, title: str) -> Page:
    """The page; pictures that are gone are left out of the galleries."""
    head = f"head {vectors.head}" if vectors.head else "the trunk"
    counts = sizes(clusters)
    across, up = (f"axis {at + 1}: {share:.0%}" for at, share in enumerate(clusters.shares))
    figure = Figure(
        scatter(vectors, clusters, across, up),
        "Every picture on the two widest axes of a principal component analysis",
        [Chip(f"group {at + 1}", series(at)) for at in range(clusters.count)],
    )
    table: list[Part] = [figure]
    if len(clusters.criterion) > 1:
        ordered = sorted(clusters.criterion.items(), key=lambda pair: pair[1])[:BEST]
        rows = [(str(n), f"{value:,.0f}") for n, value in ordered]
        table.append(
            Table(
                ("groups", "criterion"),
                rows,
                "Best numbers of groups by the Bayesian information criterion; the least is taken",
                words=0,
            )
        )
    return Page(
        title=title,
        about="Pictures that a model sees alike lie near each other. The groups are a mixture of "
        "Gaussians over the principal axes; nobody named them.",
        facts=[
            ("Pictures", f"{len(vectors):,}"),
            ("Groups", f"{clusters.count}"),
            ("Model", vectors.model),
            ("Vectors", f"{vectors.values.shape[1]:,} numbers, of {head}"),
        ],
        sections=[
            Section("Map", table),
            *(_gallery(vectors, clusters, at, count) for at, count in enumerate(counts)),
        ],
    )


def scatter(vectors: Vectors, clusters: Clusters, x: str, y: str) -> str:
    """Pictures as points in their groups' colours; both axes in one scale, without numbers."""
    rows = np.arange(len(vectors))
    if len(rows) > DRAWN:
        rows = np.sort(np.random.default_rng(0).choice(rows, DRAWN, replace=False))
    low, high = clusters.places.min(axis=0), clusters.places.max(axis=0)
    span = np.maximum(high - low, 1e-12)
    room = np.array([WIDTH - 2 * _MARGIN - 30, HEIGHT - 2 * _MARGIN - 30])
    scale = float((room / span).min()) if span.max() > 1e-9 else 1.0
    middle = (low + high) / 2
    centre = np.array([WIDTH / 2 + 15, (HEIGHT - 30) / 2])
    size = 3.2 if len(rows) < 500 else 2.2
    drawn: list[str] = []
    for row in map(int, rows):
        at = centre + (clusters.places[row] - middle) * scale * (1, -1)
        group = int(clusters.group[row])
        hint = escape(f"{Path(vectors.paths[row]).name}, group {group + 1}")
        drawn.append(
            f'<circle class="{group_class(series(group))}" cx="{at[0]:.1f}" cy="{at[1]:.1f}" '
            f'r="{size}"><title>{hint}</title></circle>'
        )
    return frame(drawn, x, y)


def _gallery(vectors: Vectors, clusters: Clusters, group: int, count: int) -> Section:
    rows = clusters.of(group)
    pictures: list[Picture] = []
    for row in map(int, rows):
        if len(pictures) == SHOWN:
            break
        path = Path(vectors.paths[row])
        try:
            uri = thumbnail(path)
        except ImageError:
            continue
        hint = f"{path}: of this group by {clusters.sure[row]:.0%}"
        pictures.append(Picture(uri, path.name, hint))
    said = f"{count:,} pictures; the {len(pictures)} most typical."
    parts: Sequence[Part] = [Text(said if len(pictures) < count else f"{count:,} pictures.")]
    return Section(f"Group {group + 1}", [*parts, Grid(pictures)])
