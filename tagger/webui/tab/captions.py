"""The page Captions: the captions of a folder looked through, filtered, edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..compat import listen, make, update
from .fragments import common
from .later import later
from .layout import captions_page
from .shared import Shared
from .thumbnails import Thumbnails

if TYPE_CHECKING:
    from .acts.captions import Acts

_START = common.empty("No folder yet", "Name a folder of pictures with captions above.")


def build(shared: Shared, thumbnails: Thumbnails) -> list[Any]:
    """Make the page, inside the tab that is open, with its listeners.

    Gives the boxes that say which folder is looked at.
    """
    page = captions_page(_START)
    acts: Acts = later("captions", shared, thumbnails)
    state, edits = make("State", value=None), make("State", value=None)
    given = [state, *shared.inputs]
    drawn = [state, page.note, page.tags, page.grid, page.plot, page.query]
    picked = [page.head, page.text, page.before, page.undo, page.confirm]
    reading = common.note("Reading the captions…")
    every = [*drawn, *picked]

    def tallied(event: Any) -> None:
        """The table of tags follows: to read a hundred thousand captions takes a while."""
        listen(event.then, acts.tally, given, [page.note, page.tags, page.plot])

    # each of these has what stands in the editor, and empties that box: our script lets no other
    # of them, and no letter, begin before
    def pressed(event: Any, act: Any, inputs: list[Any], outputs: list[Any]) -> Any:
        return listen(event, act, [page.editor, *inputs], [page.editor, *outputs])

    first = listen(page.show.click, lambda: reading, [], [page.note])
    shown = [page.path, page.query, page.extension, *given]
    tallied(pressed(first.then, acts.show, shown, every))
    listen(page.box.input, acts.hear, [page.box, *given], [page.box, *every])
    for button, act in ((page.save, acts.save), (page.undo, acts.undo), (page.yes, acts.remove)):
        tallied(pressed(button.click, act, given, every))
    listen(page.no.click, lambda: update(visible=False), [], [page.confirm])
    asked = [page.scope, *page.batch, *given]
    pressed(page.look.click, acts.preview, asked, [edits, page.diff, page.apply])
    applied = [edits, page.diff, page.apply, *every]
    tallied(pressed(page.apply.click, acts.apply, [edits, *given], applied))
    pressed(page.twins.click, acts.twins, given, [page.doubles])
    return [page.path, page.query, page.extension]
