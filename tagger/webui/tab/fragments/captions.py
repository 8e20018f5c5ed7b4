"""The page Captions: table of tags and its plot, the grid, the editor's head, a batch's diff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..markup import Markup, button, el
from .common import diff, empty, note, plural, thumbnail
from .picture import kind

PLOTTED = 30
"""Tags that the plot shows; more bars are too thin to read."""


@dataclass(frozen=True)
class TagRow:
    """A tag, its category, in how many captions it stands."""

    name: str
    category: str
    count: int


@dataclass(frozen=True)
class Cell:
    """One picture of the grid.

    index: its place in what is shown. tags: of its caption, -1 where there is none.
    """

    index: int
    name: str
    thumb: str
    tags: int
    selected: bool = False


@dataclass(frozen=True)
class Page:
    """Which pictures of how many the grid shows; `first` counts from 0, `size` is a full page."""

    first: int
    count: int
    total: int
    size: int = 48


def tags(rows: Sequence[TagRow], captions: int, different: int, filtered: str = "") -> Markup:
    """The tags, the most frequent first; a click filters by one."""
    head = el(
        "div",
        el("h3", "Tags"),
        el("span", f"{different:,} in {plural(captions, 'caption')}", class_="tg-soft"),
        class_="tg-line",
    )
    search = el(
        "input",
        type="search",
        placeholder="Find a tag",
        aria_label="Find a tag",
        class_="tg-find",
        data_find=".tg-tag",
        value=filtered or None,
    )
    most = max((row.count for row in rows), default=1)
    listed = el("div", (_tag(row, most) for row in rows), class_="tg-tags")
    hint = el("p", "Click: and. Alt: or. Shift: without.", class_="tg-soft tg-small")
    return el("div", head, search, listed, hint, class_="tg-tagtable", data_box="captions")


def _tag(row: TagRow, most: int) -> Markup:
    return button(
        (el("span", row.name), el("span", f"{row.count:,}", class_="tg-count")),
        "filter",
        class_=f"tg-tag {kind(row.category)}",
        data_tag=row.name,
        style=f"--s:{row.count / most:.3f}",
        title=f"{row.name}: {plural(row.count, 'caption')}. Click: only those with it; "
        f"with Alt: those too; with Shift: those without it",
    )


def plot(rows: Sequence[TagRow], lengths: Mapping[int, int]) -> Markup:
    """Two bar charts as SVG: the most frequent tags, and how many tags the captions have."""
    if not rows:
        return Markup("")
    return el("div", _frequencies(rows[:PLOTTED]), _lengths(lengths), class_="tg-plots")


def _frequencies(rows: Sequence[TagRow]) -> Markup:
    height, most = 17, rows[0].count
    bars = [_row(at * height, row, row.count / most) for at, row in enumerate(rows)]
    return _chart("The most frequent tags", bars, 640, len(rows) * height)


def _row(top: int, row: TagRow, share: float) -> Markup:
    told = el("title", f"{row.name}: {plural(row.count, 'caption')}")
    width = max(2.0, 380 * share)
    return el(
        "g",
        told,
        el("text", _cut(row.name, 26), x=176, y=top + 12, text_anchor="end"),
        el("rect", x=184, y=top + 3, width=f"{width:.1f}", height=11, rx=2),
        el("text", f"{row.count:,}", x=f"{190 + width:.1f}", y=top + 12, class_="tg-figureword"),
        class_=kind(row.category),
    )


def _lengths(lengths: Mapping[int, int]) -> Markup:
    if not lengths:
        return Markup("")
    longest = max(lengths)
    step = max(1, -(-(longest + 1) // 60))
    bins = [
        sum(lengths.get(n, 0) for n in range(at, at + step)) for at in range(0, longest + 1, step)
    ]
    most, wide = max(bins), 560 / len(bins)
    bars = [_column(at, number, step, (wide, most)) for at, number in enumerate(bins)]
    base = el("text", "0", x=30, y=148)
    end = el("text", f"{longest} tags", x=590, y=148, text_anchor="end")
    return _chart("Tags in a caption", [*bars, base, end], 640, 154)


def _column(at: int, number: int, step: int, scale: tuple[float, int]) -> Markup:
    wide, most = scale
    height = 126 * number / most
    span = f"{at * step}" if step == 1 else f"{at * step} to {at * step + step - 1}"
    return el(
        "g",
        el("title", f"{span} tags: {plural(number, 'caption')}"),
        el(
            "rect",
            x=f"{30 + at * wide:.1f}",
            y=f"{132 - height:.1f}",
            width=f"{max(1.0, wide - 1.5):.1f}",
            height=f"{height:.1f}",
            rx=1,
        ),
        class_="tg-general",
    )


def _chart(title: str, parts: Sequence[Markup], width: int, height: int) -> Markup:
    drawn = el("svg", parts, viewBox=f"0 0 {width} {height}", role="img", aria_label=title)
    return el("figure", el("h3", title), drawn, class_="tg-plot")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def grid(cells: Sequence[Cell], page: Page) -> Markup:
    """A page of pictures, with the way to the others."""
    if not cells:
        hint = "Name a folder above, or loosen the filter." if page.total == 0 else ""
        return el("div", empty("No pictures", hint), class_="tg-gridbox", data_box="captions")
    listed = el(
        "div",
        map(_cell, cells),
        class_="tg-grid",
        role="listbox",
        aria_multiselectable="true",
        aria_label="Pictures",
    )
    return el("div", _pager(page), listed, class_="tg-gridbox", data_box="captions")


def _pager(page: Page) -> Markup:
    last = page.first + page.count
    back = _turn("‹", -1, page.first - page.size, page.first == 0, "Earlier pictures")
    on = _turn("›", 1, last, last >= page.total, "Later pictures")
    told = "All that the filter shows, on every page (Ctrl+A)"
    every = button("Select all", "all", class_="tg-button", title=told)
    count = el("span", el("strong", f"{page.total:,}"), " pictures")
    where = el("span", f"{page.first + 1:,}–{last:,}", class_="tg-where")
    return el("div", count, el("span", every, back, where, on, class_="tg-pager"), class_="tg-line")


def _turn(sign: str, by: int, first: int, disabled: bool, label: str) -> Markup:
    told = {"aria_label": label, "title": f"{label} (Page {'down' if by > 0 else 'up'})"}
    return button(
        sign, "page", data_by=by, data_first=first, class_="tg-button", disabled=disabled, **told
    )


def _cell(cell: Cell) -> Markup:
    word = "no caption" if cell.tags < 0 else plural(cell.tags, "tag")
    return el(
        "button",
        thumbnail(cell.thumb),
        el("span", cell.name, class_="tg-cellname"),
        el("span", word, class_="tg-celltags" + (" tg-none" if cell.tags < 0 else "")),
        type="button",
        class_="tg-cell",
        role="option",
        aria_selected="true" if cell.selected else "false",
        data_i=cell.index,
        tabindex=-1,
        title=cell.name,
    )


def editor(thumbs: Sequence[str], title: str, said: str, of: str = "") -> Markup:
    """What is edited: up to four pictures, a title, a sentence; `of` names the pictures."""
    if not title:
        return empty("Nothing selected", "Click a picture; Shift and Ctrl take more.")
    some = thumbs[:4]
    mosaic = el("div", map(thumbnail, some), class_=f"tg-mosaic tg-of{len(some)}")
    told = el("strong", title), el("p", said, class_="tg-soft")
    return el("div", mosaic, *told, data_of=of, data_title=title)


def batch(
    said: Sequence[str],
    changed: int,
    captions: int,
    samples: Sequence[tuple[str, Sequence[str], Sequence[str]]],
    left: Sequence[tuple[str, int]],
) -> Markup:
    """What edits would do: counts, some captions before and after, what they leave alone."""
    head = el("p", el("strong", f"{changed:,} of {plural(captions, 'caption')} would change. "))
    rows = (
        el("div", el("strong", name, class_="tg-sample-name"), diff(old, new), class_="tg-sample")
        for name, old, new in samples
    )
    edits = el("ul", (el("li", each) for each in said), class_="tg-edits")
    stays = [note(f"{number:,} left as they are: {reason}.") for reason, number in left]
    return el("div", head, edits, el("div", rows, class_="tg-samples tg-narrow"), stays)


def duplicates(groups: Sequence[Sequence[tuple[str, str]]], total: int) -> Markup:
    """Pictures that are there more than once: of each, the thumbnails with their names."""
    if not groups:
        return note("No picture is there twice.", "good")
    head = el(
        "p", el("strong", f"{plural(total, 'picture is', 'pictures are')} there more than once.")
    )
    rows = (
        el(
            "div",
            (el("figure", thumbnail(uri), el("figcaption", name)) for uri, name in group),
            class_="tg-twins",
        )
        for group in groups
    )
    rest = f"{total - len(groups):,} more." if total > len(groups) else ""
    return el("div", head, rows, note(rest))
