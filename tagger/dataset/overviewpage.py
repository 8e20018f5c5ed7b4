"""The page of an overview: what to look at before training, `tagger dataset report`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import UsageError
from ..report.page import Chip, Chips, Grid, Note, Page, Part, Section, Table, Text, write_page
from .album import Album
from .clusters import MOST_LABELS, SIMILAR
from .index import Dataset
from .overview import Overview, look
from .overviewcharts import charts
from .reportoptions import NAME, ReportOptions
from .splits import SPLITS

_SHOWN = 30
"""Rows of a table, clusters, chips of a cluster; what is left is counted."""
_DOUBTS = 8
"""Tags likely missing that are shown with pictures, each with so many."""


@dataclass(frozen=True, eq=False)
class _View:
    """What the sections of one page share."""

    seen: Overview
    options: ReportOptions

    @property
    def dataset(self) -> Dataset:
        return self.seen.dataset

    @cached_property
    def album(self) -> Album:
        return Album(self.dataset, self.options.seed)

    def name(self, label: int) -> str:
        return self.dataset.vocabulary[label].name

    def chip(self, label: int) -> Chip:
        own = self.dataset.vocabulary[label]
        pictures = f"{self.seen.frequency[label]:,} pictures"
        return Chip(own.name, own.category.name, f"{own.category.name}, {pictures}")


def write_report(options: ReportOptions) -> tuple[Path, Sequence[Note]]:
    """Look at a DATASET and write its page; gives where it is, and what it says first.

    Raises TaggerError, one sentence.
    """
    out = options.out or options.dataset / NAME
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out: expected a name that ends in .html, got {out}")
    page = overview_page(look(Dataset.open(options.dataset), options.seed), options)
    write_page(out, page)
    return out, page.verdicts


def overview_page(seen: Overview, options: ReportOptions) -> Page:
    """What is known of a DATASET, as a page; opens the pictures that it shows."""
    view = _View(seen, options)
    dataset = seen.dataset
    splits = list(zip(SPLITS, seen.rows.tolist(), strict=True))
    mean = seen.tags_per_image.mean() if len(dataset) else 0
    facts = [("pictures", f"{len(dataset):,}"), *((name, f"{rows:,}") for name, rows in splits)]
    facts += [("labels", f"{len(dataset.vocabulary):,}"), ("tags per picture", f"{mean:.1f}")]
    sections = [
        Section("Sources", list(_sources(view))),
        *charts(seen),
        Section("Pictures", list(_samples(view))),
        Section("Tags that keep company", list(_clusters(view))),
        Section("Tags likely missing", list(_missing(view))),
        Section("Too little data", list(_scarce(view))),
        Section("Aliases and implications", list(_relations(view))),
    ]
    about = f"A dataset, before training. Content {dataset.content}"
    verdicts = list(_verdicts(view))
    return Page(dataset.path.resolve().name, about, facts, verdicts, sections)


def _verdicts(view: _View) -> Iterator[Note]:
    seen, album = view.seen, view.album
    groups, files = seen.astray["groups"], seen.astray["files"]
    if groups or files:
        yield Note(
            f"In more than one split: {_count(groups, 'group')}, {_count(files, 'file')}.", "bad"
        )
    else:
        yield Note("No group of pictures and no file (by md5) is in more than one split.", "good")
    if seen.broken:
        yield Note(f"Violated: {_count(len(seen.broken), 'implication')}.", "bad")
    else:
        yield Note("No picture violates an implication.", "good")
    if seen.missing:
        pictures = len(np.unique(np.concatenate([one.rows for one in seen.missing])))
        tags = _count(len(seen.missing), "tag")
        text = f"Likely missing: {tags}, on {_count(pictures, 'picture')}."
        yield Note(text, "warn")
    else:
        yield Note("No tag is likely missing.", "good")
    scarce, labels = len(seen.scarce(view.options.floor)), len(view.dataset.vocabulary)
    few = f"fewer than {view.options.floor} pictures in a split"
    yield Note(
        f"{scarce:,} of {labels:,} labels have {few}." if scarce else f"No label has {few}.",
        "warn" if scarce else "good",
    )
    if album.broken:
        text = f"Of {album.opened:,} pictures that were opened, {album.broken:,} can't be read."
        yield Note(text, "warn")


def _sources(view: _View) -> Iterator[Part]:
    about = view.dataset.about
    yield Table(
        ["source", "format", "posts", "pictures"],
        [
            [own["name"], own.get("format", "unknown"), own.get("posts", 0), own.get("rows", 0)]
            for own in about.get("sources", ())
        ],
    )
    unreadable = sum(own.get("unreadable", 0) for own in about.get("sources", ()))
    left_out = {**about.get("dropped", {}), "unreadable": unreadable}
    rows = [[reason, "posts", count] for reason, count in left_out.items() if count]
    rows += [[why, "tags", own["tags"]] for why, own in about.get("left_out", {}).items()]
    yield Table(["left out", "what", "number"], rows) if rows else Text("Nothing was left out.")
    copies = view.seen.copies
    if copies:
        yield Text(f"{copies:,} pictures are the same file as another one, by md5.")
    if len(view.seen.sample) < len(view.dataset):
        yield Text(
            f"Clusters, implications and missing tags were looked for in {len(view.seen.sample):,} "
            "pictures, drawn at random; everything else is of all."
        )


def _samples(view: _View) -> Iterator[Part]:
    most, every = view.options.pictures, np.arange(len(view.dataset))
    shown = view.album.pictures(every, most)
    if not shown:
        yield Text("No picture was asked for." if not most else "No picture can be read.")
        return
    yield Grid(shown, "At random")
    frequency = view.seen.counts.frequency
    used = np.flatnonzero(frequency)
    rng = np.random.default_rng(view.options.seed)
    drawn = rng.choice(used, min(view.options.tags, len(used)), replace=False)
    for label in drawn[np.argsort(-frequency[drawn], kind="stable")].tolist():
        pictures = view.album.pictures(view.seen.sample[view.seen.has[label]], max(1, most // 3))
        if pictures:
            yield Grid(pictures, f"{view.name(label)} ({view.seen.frequency[label]:,})")


def _clusters(view: _View) -> Iterator[Part]:
    found = view.seen.clusters
    yield Text(
        f"Average linkage over the cosine of PPMI rows, joined down to {SIMILAR:g}, of the "
        f"{min(MOST_LABELS, len(view.dataset.vocabulary)):,} most used labels: tags of a cluster "
        "are seen beside the same others. "
        + (f"{len(found):,} clusters." if found else "There is no cluster.")
    )
    for group in found[:_SHOWN]:
        yield Chips([view.chip(label) for label in group[:_SHOWN]], _more(len(group), "tags"))


def _missing(view: _View) -> Iterator[Part]:
    yield Text(
        "Pictures that have the first tag and not the second, although more than 95 % of those "
        "with the first have it, and at least 1.2 times as many as of all pictures."
        + ("" if view.seen.missing else " There is none.")
    )
    if not view.seen.missing:
        return
    yield Table(
        ["has", "lacks", "of a hundred", "pictures"],
        [
            [view.chip(one.label), view.chip(one.lacking), 100 * one.probability, len(one.rows)]
            for one in view.seen.missing[:_SHOWN]
        ],
        _more(len(view.seen.missing), "tags"),
    )
    for one in view.seen.missing[:_DOUBTS] if view.options.pictures else ():
        pictures = view.album.pictures(one.rows, _DOUBTS)
        if pictures:
            yield Grid(pictures, f"{view.name(one.label)} without {view.name(one.lacking)}")


def _scarce(view: _View) -> Iterator[Part]:
    floor, support = view.options.floor, view.seen.support
    few = view.seen.scarce(floor)
    yield Text(
        f"Labels with fewer than {floor} pictures in a split: little is learned from so few, or "
        f"judged by them. {len(few):,} of {len(view.dataset.vocabulary):,}, the rarest first."
    )
    half = _SHOWN // 2
    for start in range(0, min(len(few), _SHOWN), half):
        yield Table(
            ["label", *SPLITS],
            [
                [view.chip(label), *support[:, label].tolist()]
                for label in few[start : start + half].tolist()
            ],
        )


def _relations(view: _View) -> Iterator[Part]:
    relations, names = view.dataset.relations, view.dataset.vocabulary.names
    places = {relations.canonical(name): at for at, name in enumerate(names)}
    aliases = relations.aliases.items()
    rows = sorted((places[tag], name) for name, tag in aliases if tag in places)
    text = f"{len(rows):,} other names of the labels were made one with them."
    yield Text(text if rows else "The sources told of no other name of a label.")
    if rows:
        table = [[name, view.chip(label)] for label, name in rows[:_SHOWN]]
        yield Table(["also called", "label"], table, _more(len(rows), "names"))
    if view.seen.broken:
        yield Table(
            ["has", "lacks what it implies", "pictures"],
            [
                [view.chip(one.label), view.chip(one.lacking), len(one.rows)]
                for one in view.seen.broken[:_SHOWN]
            ],
            _more(len(view.seen.broken), "implications violated"),
        )
    else:
        implied = len(view.dataset.relations.edges(view.dataset.vocabulary)[0])
        yield Note(f"{implied:,} implications among the labels, none is violated.", "good")


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _more(count: int, what: str) -> str:
    return f"{_SHOWN:,} of {count:,} {what}" if count > _SHOWN else f"{count:,} {what}"
