"""What the listeners of the page Captions do: look through a folder, filter, edit.

A page that was just opened has no desk yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from ....errors import TaggerError
from ....folder.duplicates import find_duplicates
from ....folder.preview import preview
from ...app import App
from ...compat import update
from .. import desk as desks
from .. import editing
from ..batch import Batch
from ..desk import PAGE, Desk
from ..drafts import name_of
from ..fragments import captions as fragments
from ..fragments import common
from ..gallery import Gallery, tally, texts
from ..letters import Letter, letters
from ..shared import Shared
from ..thumbnails import Thumbnails


class Acts:
    """What the page's listeners do; each gives the values of its outputs.

    `told`: what our script found in the editor. Its box is emptied, which the script waits for.
    """

    def __init__(self, shared: Shared, thumbnails: Thumbnails) -> None:
        self._shared, self._thumbnails = shared, thumbnails
        self._app: App = shared.app
        self._gallery = Gallery(self._app, thumbnails)

    def show(
        self, told: str, path: str, query: str, extension: str, desk: Desk | None, *given: Any
    ) -> list[Any]:
        """Open a folder, or look at it through another filter."""
        desk = _heard(told, desk)
        try:
            asked = self._shared.ask(*given)
            folder = replace(desk.folder, extension=extension or ".txt")
            root = self._app.check_path(path or "")
            run = desk.run if root == desk.root else None
            desk = Desk(root, folder, asked.settings, query or "", run=run, drafts=desk.drafts)
            return ["", *self._gallery.looked(desk, asked.model)]
        except TaggerError as error:
            return ["", *self._gallery.failed(desk, str(error))]

    def hear(self, post: str, desk: Desk | None, *given: Any) -> list[Any]:
        """What our script heard: tags to filter by, pages, what is selected; empties the box."""
        desk, shown = desk or Desk(), list[Any]()
        for letter in letters(post):
            desk = replace(desk, drafts=desk.drafts.heard(letter.get("draft")))
            try:
                desk, shown = self._heard(letter, desk, given)
            except TaggerError as error:
                shown = self._gallery.failed(desk, str(error))
        return ["", *(shown or self._gallery.same(desk))]

    def save(self, told: str, desk: Desk | None, *given: Any) -> list[Any]:
        """Save what stands in the editor."""
        desk = _heard(told, desk)
        return ["", *self._done(desk.settled(), given, lambda _: editing.save(self._app, desk))]

    def undo(self, told: str, desk: Desk | None, *given: Any) -> list[Any]:
        """Take the last edit back."""
        desk = _heard(told, desk)
        return ["", *self._done(desk, given, lambda desk: editing.undo(self._app, desk))]

    def remove(self, told: str, desk: Desk | None, *given: Any) -> list[Any]:
        """Delete the chosen pictures, into a kept place."""
        desk = _heard(told, desk)
        return ["", *self._done(desk, given, lambda desk: editing.remove(self._app, desk))]

    def preview(self, told: str, scope: str, *given: Any) -> list[Any]:
        """What a batch of edits would do."""
        fields = given[: len(astuple(Batch()))]
        desk: Desk = given[len(fields)] or Desk()
        rest = given[len(fields) + 1 :]
        try:
            asked = self._shared.ask(*rest)
            some = desk.selection if scope == "the selection" else None
            edits = Batch(*fields).edits()
            plan = editing.planned(self._app, desk, edits, some, asked.model)
            found = preview(plan, desk.settings.format)
        except TaggerError as error:
            return ["", None, common.note(str(error), "bad"), update(interactive=False)]
        form_ = desk.settings.format
        samples = [
            (one.captioned.caption.name, texts(one.before, form_), texts(one.after, form_))
            for one in found.samples
        ]
        said = [each.said for each in plan.edits]
        left = list(found.left.most_common())
        drawn = fragments.batch(said, found.changed, found.captions, samples, left)
        return ["", plan, drawn, update(interactive=found.changed > 0)]

    def apply(self, told: str, plan: Any, desk: Desk | None, *given: Any) -> list[Any]:
        """Do what was previewed."""
        desk = _heard(told, desk)
        off = ["", None, "", update(interactive=False)]
        if plan is None:
            return [*off, *self._gallery.failed(desk, "Preview the edits first.")]
        return [*off, *self._done(desk, given, lambda _: editing.apply(self._app, plan))]

    def twins(self, told: str, desk: Desk | None, *given: Any) -> list[Any]:
        """The pictures that are there more than once, of those that are shown."""
        found = find_duplicates(map(Path, (desk or Desk()).pictures))
        groups = [
            [(self._thumbnails.of(path), path.name) for path in group[:6]]
            for group in found.groups[:20]
        ]
        return ["", fragments.duplicates(groups, len(found.groups))]

    # the parts

    def _heard(self, letter: Letter, desk: Desk, given: Sequence[Any]) -> tuple[Desk, list[Any]]:
        act = letter.get("do")
        if act == "filter":
            asked = self._shared.ask(*given)
            how = letter.get("how")
            tag = str(letter.get("tag", ""))
            query = desks.narrowed(desk.query, tag, how if how in ("or", "without") else "and")
            shown = self._gallery.looked(replace(desk, query=query, first=0), asked.model)
            shown[_QUERY] = query
            return shown[0], shown
        if act == "page":
            first = str(letter.get("first", ""))
            desk = desk.turned(int(first)) if first.isdigit() else desk
            return desk, self._gallery.turned(desk)
        if act == "all":
            desk = replace(desk, chosen=frozenset(range(len(desk.pictures))))
            return desk, self._gallery.turned(desk)
        if act == "select":
            shown_, chosen = (_places(letter.get(name), desk) for name in ("shown", "chosen"))
            desk = replace(desk, chosen=(desk.chosen - shown_) | (chosen & shown_))
            return desk, self._gallery.chosen(desk)
        if act == "delete" and desk.chosen:
            shown = self._gallery.same(desk)
            shown[-1] = update(visible=True)
            return desk, shown
        return desk, self._gallery.same(desk)

    def tally(self, desk: Desk | None, *given: Any) -> list[Any]:
        """The table of tags of a folder that is shown whole: its captions are read now."""
        if desk is None or desk.root is None or desk.query.strip():
            return [update()] * 3
        try:
            _, stats = desks.look(self._app, desk, self._shared.ask(*given).model)
        except TaggerError:  # gone meanwhile: what is asked next says so
            return [update()] * 3
        unread, shown, plot = tally(stats)
        return [unread or update(), shown, plot]

    def _done(
        self, desk: Desk, given: Sequence[Any], act: Callable[[Desk], editing.Done]
    ) -> list[Any]:
        """Do it, then show the folder as it is now, with the same pictures chosen."""
        try:
            done = act(desk)
            chosen = {desk.pictures[i] for i in desk.chosen}
            asked = self._shared.ask(*given)
            left = desk.drafts.said(name_of(desk.selected))
            note = common.note(f"{done.said} {left}".strip(), "bad" if done.failed else "good")
            shown = self._gallery.looked(replace(desk, run=done.run), asked.model, note)
        except TaggerError as error:
            return self._gallery.failed(desk, str(error))
        now: Desk = shown[0]
        again = frozenset(i for i, name in enumerate(now.pictures) if name in chosen)
        now = replace(now, chosen=again)
        return [now, *shown[1:3], self._gallery.grid(now), *shown[4:6], *self._gallery.picked(now)]


_QUERY = 5
"""The place of the filter's box among the outputs: only what changes a filter writes there."""


def _heard(told: str, desk: Desk | None) -> Desk:
    """The desk with what stands in the editor."""
    desk, post = desk or Desk(), letters(told)
    return replace(desk, drafts=desk.drafts.heard(post[0] if post else None))


def _places(given: Any, desk: Desk) -> frozenset[int]:
    """Places that our script tells, of those that there are."""
    if not isinstance(given, list) or len(given) > PAGE:
        return frozenset()
    return frozenset(i for i in given if isinstance(i, int) and 0 <= i < len(desk.pictures))
