"""What several pages show alike: notes, figures, thumbnails, a caption's change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from ..markup import Child, Markup, el, join

Kind = Literal["good", "bad", "warn", "plain"]

NONE, NEW = "none", "new weights"
"""Of a list on a page, what means that nothing of it is chosen."""


def note(text: str, kind: Kind = "plain") -> Markup:
    """One sentence where the user looks; nothing for an empty text."""
    if not text:
        return Markup("")
    return el("p", text, class_=f"tg-note tg-{kind}", role="alert" if kind == "bad" else "status")


def empty(title: str, hint: str) -> Markup:
    """What stands where nothing is yet."""
    return el(
        "div", _PICTURE, el("strong", title), el("span", hint), class_="tg-empty", role="status"
    )


def figures(pairs: Iterable[tuple[int, str]]) -> Markup:
    """A ruled strip of numbers, each with its word."""
    cells = (
        el("div", el("strong", f"{number:,}"), el("span", word), class_="tg-figure")
        for number, word in pairs
    )
    return el("div", cells, class_="tg-figures")


def thumbnail(uri: str, title: str = "") -> Markup:
    """A picture's small copy; an empty frame where there is none."""
    if not uri:
        return el("span", class_="tg-thumb tg-blank", title=title or None)
    return el("img", src=uri, alt=title, title=title or None, class_="tg-thumb", loading="lazy")


def diff(before: Sequence[str], after: Sequence[str]) -> Markup:
    """Tags as they will be: new ones green, those that go red and struck."""
    old, new = set(before), set(after)
    kept = (el("span", tag, class_="tg-was") if tag in old else _added(tag) for tag in after)
    gone = (el("del", tag, class_="tg-gone") for tag in before if tag not in new)
    return el("div", kept, gone, class_="tg-diff")


def _added(tag: str) -> Markup:
    return el("ins", tag, class_="tg-added")


def reasons(title: str, pairs: Sequence[tuple[str, str]], most: int = 20) -> Markup:
    """Files with the reason of each, one fold away; nothing where there are none."""
    if not pairs:
        return Markup("")
    rows = [
        el("li", el("strong", name), el("span", reason), class_="tg-reason")
        for name, reason in pairs[:most]
    ]
    if len(pairs) > most:
        rows.append(el("li", f"and {len(pairs) - most:,} more"))
    head = el("summary", title, el("span", f"{len(pairs):,}", class_="tg-count"))
    return el("details", head, el("ul", rows), class_="tg-reasons", open=True)


def paths(said: str, found: Sequence[str]) -> Markup:
    """A sentence and the folders that it is about."""
    listed = el("ul", (el("li", el("code", path)) for path in found))
    return el("div", el("p", said), listed, class_="tg-paths")


def bar(share: float, label: str) -> Markup:
    """How far something is, 0 to 1."""
    inner = el("span", style=f"width:{100 * min(1.0, max(0.0, share)):.1f}%")
    percent = round(100 * min(1.0, max(0.0, share)))
    return el(
        "div",
        inner,
        class_="tg-bar",
        role="progressbar",
        aria_label=label,
        aria_valuemin=0,
        aria_valuemax=100,
        aria_valuenow=percent,
    )


def plural(number: int, word: str, words: str = "") -> str:
    """`1 picture`, `1,204 pictures`."""
    return f"{number:,} {word if number == 1 else words or word + 's'}"


def duration(seconds: float) -> str:
    """`0:53`, `1:02:09`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _icon(*paths: str) -> Markup:
    drawn: Iterable[Child] = (el("path", d=path) for path in paths)
    return el("svg", join(drawn), viewBox="0 0 32 32", aria_hidden="true", class_="tg-icon")


_PICTURE = _icon("M4 6h24v20H4z", "M4 22l7-8 6 7 4-4 7 7", "M20 12h.1")


def section(title: str, said: str) -> Markup:
    """The head of a card: its title, one sentence or two."""
    return el("div", el("h3", title), el("p", said, class_="tg-soft"), class_="tg-section")
