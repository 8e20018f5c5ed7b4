"""The page Models, and the line at the top that says what the chosen model is doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....bytecount import readable
from ..markup import Child, Markup, button, el, join
from .common import bar


@dataclass(frozen=True)
class Row:
    """A model as the list shows it.

    state: absent, downloading, on disk, loaded, bad. place: device and provider in use. done,
    total: bytes of a download. bytes: to download, None where nobody says.
    """

    name: str
    owner: str
    input: str
    tags: str
    thresholds: str
    licence: str
    state: str
    place: str = ""
    reason: str = ""
    source: str = ""
    bytes: int | None = None
    done: int = 0
    total: int = 0
    gated: bool = False
    runs: bool = True


_HEADS = (
    ("Model", ""),
    ("Input", "The side of the square that the model sees"),
    ("Tags", "How many tags it knows"),
    ("Thresholds", "General / character, as its author set them"),
    ("Licence", ""),
    ("State", ""),
    ("", ""),
)


def table(rows: Sequence[Row]) -> Markup:
    """The models, those that are here first; one act for each."""
    heads = (el("th", word, title=hint or None, scope="col") for word, hint in _HEADS)
    body = el("tbody", map(_rows, rows))
    listed = el("table", el("thead", el("tr", heads)), body, class_="tg-table")
    live = "1" if any(row.state == "downloading" for row in rows) else "0"
    find = el(
        "input",
        type="search",
        placeholder="Find a model",
        aria_label="Find a model",
        class_="tg-find",
        data_find="tr[data-tag]",
    )
    return el("div", find, listed, class_="tg-models", data_box="models", data_live=live)


def _rows(row: Row) -> Markup:
    cells: list[Child] = [
        el("td", _name(row), class_="tg-model"),
        el("td", row.input),
        el("td", row.tags),
        el("td", row.thresholds),
        el("td", row.licence),
        el("td", _state(row)),
        el("td", _act(row), class_="tg-act"),
    ]
    if not row.reason:
        return el("tr", cells, data_tag=row.name)
    marked = el("tr", cells, class_="tg-has-why", data_tag=row.name)
    why = el("td", row.reason, colspan=len(_HEADS))
    return join((marked, el("tr", why, class_="tg-why", data_tag=row.name)))


def _name(row: Row) -> Markup:
    owner = row.owner
    if row.source.startswith("https://"):
        link = el("a", owner, href=row.source, target="_blank", rel="noopener noreferrer")
        return el("div", el("strong", row.name), link)
    return el("div", el("strong", row.name), el("span", owner))


_GOOD = {"loaded": "loaded", "on disk": "on disk"}


def _state(row: Row) -> Markup:
    if row.state == "downloading":
        said = f"{readable(row.done)} of {readable(row.total)}" if row.total else readable(row.done)
        return el("div", bar(row.done / row.total if row.total else 0, row.name), el("span", said))
    if row.state == "bad":
        return el("span", "cannot be used", class_="tg-bad")
    if row.state in _GOOD:
        return el("div", el("span", row.state, class_="tg-good"), el("span", row.place))
    word = "not downloaded" if row.runs else "does not run"
    return el("span", word, class_="tg-soft")


def _act(row: Row) -> Markup | None:
    if row.state == "bad":
        return _button("Look again", "look", row)
    if not row.runs:
        return None
    if row.state == "downloading":
        return _button("Cancel", "cancel", row)
    if row.state == "loaded":
        return _button("Unload", "unload", row)
    if row.state == "on disk":
        return _button("Load", "load", row)
    gated = "Its licence must be accepted on its page first, with HF_TOKEN set" if row.gated else ""
    return _button(
        f"Download {readable(row.bytes)}" if row.bytes else "Download", "download", row, gated
    )


def _button(word: str, do: str, row: Row, hint: str = "") -> Markup:
    told = {"aria_label": f"{word}: {row.name}", "title": hint or None}
    return button(word, do, class_="tg-button", data_model=row.name, **told)


def top(state: str, word: str, place: str) -> Markup:
    """The dot, the state and the device of the chosen model; `state` as in Row, or `busy`."""
    colour = {"loaded": "good", "bad": "bad", "busy": "warn", "downloading": "warn"}
    dot = el("i", class_=f"tg-dot tg-{colour.get(state, 'plain')}", aria_hidden="true")
    line = (dot, el("strong", word), el("span", place, class_="tg-soft"))
    live = "1" if state in ("busy", "downloading") else "0"
    return el("div", line, class_="tg-state", role="status", data_live=live)
