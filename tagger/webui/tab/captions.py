"""The page Captions: the captions of a folder looked through, filtered, edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from ...caption import CaptionFormat
from ...errors import TaggerError
from ...folder.duplicates import find_duplicates
from ...folder.preview import preview
from ...folder.stats import FolderStats
from ...folder.words import read_words
from ..app import App
from ..compat import listen, make, update
from . import desk as desks
from . import editing
from .desk import PAGE, Desk
from .fragments import captions as fragments
from .fragments import common
from .layout import captions_page
from .letters import Letter, letters
from .shared import Shared
from .thumbnails import Thumbnails

TAGS = 400
"""Rows of the table of tags; the filter finds the others."""
_START = common.empty("No folder yet", "Name a folder of pictures with captions above.")


def build(shared: Shared, thumbnails: Thumbnails) -> None:
    """Make the page, inside the tab that is open, with its listeners."""
    page = captions_page(_START)
    acts = Acts(shared, thumbnails)
    state, edits = make("State", value=Desk()), make("State", value=None)
    given = [state, *shared.inputs]
    drawn = [state, page.note, page.tags, page.grid, page.plot, page.query]
    picked = [page.head, page.text, page.before, page.undo, page.confirm]
    reading = common.note("Reading the captions…")
    every = [*drawn, *picked]

    def tallied(event: Any) -> None:
        """The table of tags follows: to read a hundred thousand captions takes a while."""
        listen(event.then, acts.tally, given, [page.note, page.tags, page.plot])

    for event in (page.show.click, page.path.submit, page.query.submit):
        first = listen(event, lambda: reading, [], [page.note])
        shown = [page.path, page.query, page.extension, *given]
        tallied(listen(first.then, acts.show, shown, every))
    listen(page.box.input, acts.hear, [page.box, *given], [page.box, *every])
    tallied(listen(page.save.click, acts.save, [page.text, page.before, *given], every))
    tallied(listen(page.undo.click, acts.undo, given, every))
    tallied(listen(page.yes.click, acts.remove, given, every))
    listen(page.no.click, lambda: update(visible=False), [], [page.confirm])
    asked = [page.scope, *page.batch, *given]
    listen(page.look.click, acts.preview, asked, [edits, page.diff, page.apply])
    applied = [edits, page.diff, page.apply, *every]
    tallied(listen(page.apply.click, acts.apply, [edits, *given], applied))
    listen(page.twins.click, acts.twins, given, [page.doubles])


class Acts:
    """What the page's listeners do; each gives the values of its outputs."""

    def __init__(self, shared: Shared, thumbnails: Thumbnails) -> None:
        self._shared, self._thumbnails = shared, thumbnails
        self._app: App = shared.app

    def show(self, path: str, query: str, extension: str, desk: Desk, *given: Any) -> list[Any]:
        """Open a folder, or look at it through another filter."""
        try:
            asked = self._shared.ask(*given)
            folder = replace(desk.folder, extension=extension or ".txt")
            root = self._app.check_path(path or "")
            run = desk.run if root == desk.root else None
            desk = Desk(root, folder, asked.settings, query or "", run=run)
            return self._looked(desk, asked.model)
        except TaggerError as error:
            return self._failed(desk, str(error))

    def hear(self, post: str, desk: Desk, *given: Any) -> list[Any]:
        """What our script heard: tags to filter by, pages, what is selected; empties the box."""
        shown: list[Any] = []
        for letter in letters(post):
            try:
                desk, shown = self._heard(letter, desk, given)
            except TaggerError as error:
                shown = self._failed(desk, str(error))
        return ["", *(shown or self._same(desk))]

    def save(self, text: str, before: str, desk: Desk, *given: Any) -> list[Any]:
        """Save what stands in the editor."""
        act = lambda: editing.save(self._app, desk, text or "", before or "")  # noqa: E731
        return self._done(desk, given, act)

    def undo(self, desk: Desk, *given: Any) -> list[Any]:
        """Take the last edit back."""
        return self._done(desk, given, lambda: editing.undo(self._app, desk))

    def remove(self, desk: Desk, *given: Any) -> list[Any]:
        """Delete the chosen pictures, into a kept place."""
        return self._done(desk, given, lambda: editing.remove(self._app, desk))

    def preview(self, scope: str, *given: Any) -> list[Any]:
        """What a batch of edits would do."""
        fields = given[: len(astuple(editing.Batch()))]
        desk, *rest = given[len(fields) :]
        try:
            asked = self._shared.ask(*rest)
            some = desk.selection if scope == "the selection" else None
            edits = editing.Batch(*fields).edits()
            plan = editing.planned(self._app, desk, edits, some, asked.model)
            found = preview(plan, desk.settings.format)
        except TaggerError as error:
            return [None, common.note(str(error), "bad"), update(interactive=False)]
        form_ = desk.settings.format
        samples = [
            (one.captioned.caption.name, _texts(one.before, form_), _texts(one.after, form_))
            for one in found.samples
        ]
        said = [each.said for each in plan.edits]
        left = list(found.left.most_common())
        drawn = fragments.batch(said, found.changed, found.captions, samples, left)
        return [plan, drawn, update(interactive=found.changed > 0)]

    def apply(self, plan: Any, desk: Desk, *given: Any) -> list[Any]:
        """Do what was previewed."""
        off = [None, "", update(interactive=False)]
        if plan is None:
            return [*off, *self._failed(desk, "Preview the edits first.")]
        return [*off, *self._done(desk, given, lambda: editing.apply(self._app, plan))]

    def twins(self, desk: Desk, *given: Any) -> Any:
        """The pictures that are there more than once, of those that are shown."""
        found = find_duplicates(map(Path, desk.pictures))
        groups = [
            [(self._thumbnails.of(path), path.name) for path in group[:6]]
            for group in found.groups[:20]
        ]
        return fragments.duplicates(groups, len(found.groups))

    # the parts

    def _heard(self, letter: Letter, desk: Desk, given: Sequence[Any]) -> tuple[Desk, list[Any]]:
        act = letter.get("do")
        if act == "filter":
            asked = self._shared.ask(*given)
            how = letter.get("how")
            tag = str(letter.get("tag", ""))
            query = desks.narrowed(desk.query, tag, how if how in ("or", "without") else "and")
            shown = self._looked(replace(desk, query=query, first=0), asked.model)
            return shown[0], shown
        if act == "page":
            first = str(letter.get("first", ""))
            desk = desk.turned(int(first)) if first.isdigit() else desk
            return desk, self._turned(desk)
        if act == "all":
            desk = replace(desk, chosen=frozenset(range(len(desk.pictures))))
            return desk, self._turned(desk)
        if act == "select":
            shown_, chosen = (_places(letter.get(name), desk) for name in ("shown", "chosen"))
            desk = replace(desk, chosen=(desk.chosen - shown_) | (chosen & shown_))
            return desk, [desk, *([update()] * 5), *self._picked(desk)]
        if act == "delete" and desk.chosen:
            shown = self._same(desk)
            shown[-1] = update(visible=True)
            return desk, shown
        return desk, self._same(desk)

    def tally(self, desk: Desk, *given: Any) -> list[Any]:
        """The table of tags of a folder that is shown whole: its captions are read now."""
        if desk.root is None or desk.query.strip():
            return [update()] * 3
        try:
            _, stats = desks.look(self._app, desk, self._shared.ask(*given).model)
        except TaggerError:  # gone meanwhile: what is asked next says so
            return [update()] * 3
        shown = fragments.tags(_rows(stats)[:TAGS], stats.captions, len(stats.tags))
        plot = fragments.plot(_rows(stats), stats.lengths)
        return [_unread(stats) or update(), shown, plot]

    def _looked(self, desk: Desk, model: str, said: Any = "") -> list[Any]:
        if not desk.query.strip():
            desk = desks.listed(self._app, desk, model)
            grid, picked = self._grid(desk), self._picked(desk)
            return [desk, said, update(), grid, update(), desk.query, *picked]
        desk, stats = desks.look(self._app, desk, model)
        shown = fragments.tags(_rows(stats)[:TAGS], stats.captions, len(stats.tags))
        plot = fragments.plot(_rows(stats), stats.lengths)
        note = said or _unread(stats)
        return [desk, note, shown, self._grid(desk), plot, desk.query, *self._picked(desk)]

    def _turned(self, desk: Desk) -> list[Any]:
        return [desk, update(), update(), self._grid(desk), update(), update(), *self._picked(desk)]

    def _same(self, desk: Desk) -> list[Any]:
        return [desk, *([update()] * 10)]

    def _failed(self, desk: Desk, said: str) -> list[Any]:
        return [desk, common.note(said, "bad"), *([update()] * 9)]

    def _done(self, desk: Desk, given: Sequence[Any], act: Any) -> list[Any]:
        """Do it, then show the folder as it is now, with the same pictures chosen."""
        try:
            done = act()
            chosen = {desk.pictures[i] for i in desk.chosen}
            asked = self._shared.ask(*given)
            note = common.note(done.said, "bad" if done.failed else "good")
            shown = self._looked(replace(desk, run=done.run), asked.model, note)
        except TaggerError as error:
            return self._failed(desk, str(error))
        now: Desk = shown[0]
        again = frozenset(i for i, name in enumerate(now.pictures) if name in chosen)
        now = replace(now, chosen=again)
        return [now, *shown[1:3], self._grid(now), *shown[4:6], *self._picked(now)]

    def _grid(self, desk: Desk) -> Any:
        pictures = desk.shown
        thumbs = self._thumbnails.all_of(pictures)
        form_ = desk.settings.format
        cells: list[fragments.Cell] = []
        for at, (picture, thumb) in enumerate(zip(pictures, thumbs, strict=True), desk.first):
            text = desk.text_of(picture)
            tags = -1 if not text else len(read_words(text, form_))
            cells.append(fragments.Cell(at, picture.name, thumb, tags, at in desk.chosen))
        return fragments.grid(cells, fragments.Page(desk.first, len(cells), len(desk.pictures)))

    def _picked(self, desk: Desk) -> list[Any]:
        """The editor: its head, its text, what the text was, Undo, the question before deleting."""
        some = desk.selection
        undo, hidden = update(interactive=desk.run is not None), update(visible=False)
        if not some:
            return [fragments.editor((), "", ""), "", "", undo, hidden]
        thumbs = self._thumbnails.all_of(some[:4])
        if len(some) == 1:
            text = desk.text_of(some[0])
            head = fragments.editor(thumbs, some[0].name, "" if text else "It has no caption yet.")
            return [head, text or "", text or "", undo, hidden]
        text = desk.settings.format.separator.join(desks.shared_tags(desk, some))
        said = "Shared tags below: what you add or take out is added or taken out in all."
        head = fragments.editor(thumbs, f"{len(some):,} pictures", said)
        return [head, text, text, undo, hidden]


def _rows(stats: FolderStats) -> list[fragments.TagRow]:
    return [fragments.TagRow(one.name, one.category, one.count) for one in stats.tags]


def _texts(text: str, form: CaptionFormat) -> list[str]:
    return [word.text for word in read_words(text, form)]


def _unread(stats: FolderStats) -> Any:
    if not stats.unread:
        return ""
    path, reason = stats.unread[0]
    said = reason if str(path) in reason else f"{path}: {reason}"
    more = f" And {len(stats.unread) - 1:,} more." if len(stats.unread) > 1 else ""
    return common.note(said + more, "warn")


def _places(given: Any, desk: Desk) -> frozenset[int]:
    """Places that our script tells, of those that there are."""
    if not isinstance(given, list) or len(given) > PAGE:
        return frozenset()
    return frozenset(i for i in given if isinstance(i, int) and 0 <= i < len(desk.pictures))
