"""A difference as one page: by tag, and picture by picture with what came and what went."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...errors import TaggerError
from ...folder.walk import walk
from ...report.lines import Row, bars
from ...report.page import (
    Album,
    Card,
    Chip,
    Chips,
    Figure,
    Note,
    Page,
    Part,
    Section,
    Table,
    Text,
    write_page,
)
from ...report.thumbnail import thumbnail
from .changes import Changed, Difference
from .folders import DiffOptions

MOST_TAGS = 100
DRAWN = 20
"""Tags of the chart."""


def write_difference(path: Path, of: Difference, options: DiffOptions, pictures: int) -> None:
    """Write the page, whole or not at all. Raises UsageError, one sentence."""
    write_page(path, page(of, options, pictures))


def page(of: Difference, options: DiffOptions, pictures: int) -> Page:
    """The page of a difference, with at most so many pictures."""
    return Page(
        title="Captions compared",
        about=f"{options.a} → {options.b}",
        facts=[
            ("pictures in both", f"{of.pictures:,}"),
            ("tags differ", f"{len(of.changed):,}"),
            ("text alone differs", f"{len(of.respelled):,}"),
            ("equal", f"{of.same:,}"),
        ],
        verdicts=[*_equal(of), *(Note(sentence, "warn") for sentence in notes(of))],
        sections=list(_sections(of, options, pictures)),
    )


def _equal(of: Difference) -> Iterator[Note]:
    if of.pictures and not of.changed:
        yield Note("No picture's tags differ.", "good")


def notes(of: Difference) -> Iterator[str]:
    """What a reader has to know, in sentences."""
    if of.respelled:
        yield (
            f"{len(of.respelled):,} captions differ in text and not in tags: in spelling, order, "
            f"weights or repetitions."
        )
    for names, where in ((of.only_a, "the first"), (of.only_b, "the second")):
        if names:
            yield f"{len(names):,} captions are in {where} folder alone, such as {names[0]}."
    if of.prose:
        yield f"{of.prose:,} pictures have captions with sentences: each part is taken as a tag."
    for name, why in of.unread:
        yield f"{name} can't be compared: {why}"


def _sections(of: Difference, options: DiffOptions, pictures: int) -> Iterator[Section]:
    if of.tags:
        rows = [[Chip(row.tag), row.added, row.removed] for row in of.tags[:MOST_TAGS]]
        parts: list[Part] = [_chart(of), Table(["tag", "added", "removed"], rows)]
        if of.replaced:
            swaps = [
                [Chip(row.old, "removed"), Chip(row.new, "added"), row.pictures]
                for row in of.replaced[:MOST_TAGS]
            ]
            parts.append(Table(["went", "came", "pictures"], swaps, "In the place of another"))
        yield Section("By tag", parts)
    if of.changed and pictures:
        files = _found(options)
        album = Album([_card(each, files) for each in of.changed[:pictures]])
        said = f"The first {len(album.cards):,} of {len(of.changed):,} whose tags differ."
        yield Section("By picture", [Text(said), album])


def _chart(of: Difference) -> Part:
    rows = [Row(row.tag, {"added": row.added, "removed": row.removed}) for row in of.tags[:DRAWN]]
    legend = [Chip("added", "added"), Chip("removed", "removed")]
    return Figure(bars(rows, "pictures", 0), "The tags that changed most", legend)


def _found(options: DiffOptions) -> dict[str, Path]:
    """Pictures beside the captions of either folder, by their place without the ending."""
    found: dict[str, Path] = {}
    for folder in (options.b, options.a):
        for each in walk([folder]):
            found[each.path.relative_to(folder).with_suffix("").as_posix()] = each.path
    return found


def _card(each: Changed, files: dict[str, Path]) -> Card:
    uri = ""
    if each.name in files:
        try:
            uri = thumbnail(files[each.name])
        except TaggerError:
            uri = ""
    groups = (("added", each.added), ("removed", each.removed), ("kept", each.kept))
    chips = [Chip(tag, group) for group, tags in groups for tag in tags]
    return Card(uri, each.name, [Chips(chips)])
