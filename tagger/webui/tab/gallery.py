"""What the page Captions shows of a desk: the grid, the table of tags, the editor.

Each method gives the values of the page's eleven outputs, those that stay as they are included.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...caption import CaptionFormat
from ...folder.stats import FolderStats
from ...folder.words import read_words
from ..app import App
from ..compat import update
from . import desk as desks
from .desk import Desk
from .drafts import is_same, name_of
from .fragments import captions as fragments
from .fragments import common
from .thumbnails import Thumbnails

TAGS = 400
"""Rows of the table of tags; the filter finds the others."""


class Gallery:
    """A desk as values of components."""

    def __init__(self, app: App, thumbnails: Thumbnails) -> None:
        self._app, self._thumbnails = app, thumbnails

    def looked(self, desk: Desk, model: str, said: Any = "") -> list[Any]:
        """Look at the folder anew; `said` is what just happened."""
        stay = update()
        if not desk.query.strip():
            desk = desks.listed(self._app, desk, model)
            note = said or _unsaved(desk)
            return [desk, note, stay, self.grid(desk), stay, stay, *self.picked(desk)]
        desk, stats = desks.look(self._app, desk, model)
        unread, shown, plot = tally(stats)
        note = said or unread or _unsaved(desk)
        return [desk, note, shown, self.grid(desk), plot, stay, *self.picked(desk)]

    def turned(self, desk: Desk) -> list[Any]:
        """Another page of it."""
        return [desk, update(), update(), self.grid(desk), update(), update(), *self.picked(desk)]

    def chosen(self, desk: Desk) -> list[Any]:
        """Other pictures of it chosen; what was typed for those before is told to be kept."""
        note = _unsaved(desk) or ("" if desk.drafts.kept else update())
        return [desk, note, *([update()] * 4), *self.picked(desk)]

    def same(self, desk: Desk) -> list[Any]:
        """As it was."""
        return [desk, *([update()] * 10)]

    def failed(self, desk: Desk, said: str) -> list[Any]:
        """As it was, and why what was asked for did not happen."""
        return [desk, common.note(said, "bad"), *([update()] * 9)]

    def grid(self, desk: Desk) -> Any:
        """The pictures of a page."""
        pictures = desk.shown
        thumbs = self._thumbnails.all_of(pictures)
        form_ = desk.settings.format
        cells: list[fragments.Cell] = []
        for at, (picture, thumb) in enumerate(zip(pictures, thumbs, strict=True), desk.first):
            text = desk.text_of(picture)
            tags = -1 if not text else len(read_words(text, form_))
            cells.append(fragments.Cell(at, picture.name, thumb, tags, at in desk.chosen))
        return fragments.grid(cells, fragments.Page(desk.first, len(cells), len(desk.pictures)))

    def picked(self, desk: Desk) -> list[Any]:
        """The editor: its head, its text, what the text was, Undo, the question before deleting."""
        some = desk.selected
        undo, hidden = update(interactive=desk.run is not None), update(visible=False)
        if not some:
            return [fragments.editor((), "", ""), "", "", undo, hidden]
        title, said, text = self._edited(desk, some)
        of = name_of(some)
        draft = desk.drafts.of(of)
        if draft:
            since = "" if is_same(draft.before, text) else ", and its caption has changed since"
            said = f"{said} Not saved yet{since}: Ctrl+Enter saves it.".strip()
        thumbs = self._thumbnails.all_of(list(map(Path, some[:4])))
        head = fragments.editor(thumbs, title, said, of)
        shown = draft.text if draft else text
        return [head, update() if desk.drafts.stands(of, shown) else shown, text, undo, hidden]

    def _edited(self, desk: Desk, some: list[str]) -> tuple[str, str, str]:
        """What the editor calls these pictures, a sentence, and the text that they have."""
        if len(some) == 1:
            picture = Path(some[0])
            text = desk.text_of(picture) or ""
            return picture.name, "" if text else "It has no caption yet.", text
        text = desk.settings.format.separator.join(desks.shared_tags(desk, map(Path, some)))
        said = "Shared tags below: what you add or take out is added or taken out in all."
        return f"{len(some):,} pictures", said, text


def _unsaved(desk: Desk) -> Any:
    """What was typed for other pictures than are chosen, as a note."""
    left = desk.drafts.said(name_of(desk.selected))
    return common.note(left, "warn") if left else ""


def tally(stats: FolderStats) -> tuple[Any, Any, Any]:
    """What of a folder could not be read, the table of its tags, their plot."""
    rows = [fragments.TagRow(one.name, one.category, one.count) for one in stats.tags]
    shown = fragments.tags(rows[:TAGS], stats.captions, len(rows))
    return _unread(stats), shown, fragments.plot(rows, stats.lengths)


def texts(text: str, form: CaptionFormat) -> list[str]:
    """A caption's tags, as words."""
    return [word.text for word in read_words(text, form)]


def _unread(stats: FolderStats) -> Any:
    if not stats.unread:
        return ""
    path, reason = stats.unread[0]
    said = reason if str(path) in reason else f"{path}: {reason}"
    more = f" And {len(stats.unread) - 1:,} more." if len(stats.unread) > 1 else ""
    return common.note(said + more, "warn")
