"""The page Models: what is here, what it runs on, fetching and freeing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..compat import listen, make
from .letters import box as letter_box
from .parts import html, press, told
from .shared import Shared

if TYPE_CHECKING:
    from .acts.models import Acts


@dataclass(frozen=True)
class ModelsPage:
    """The page's components that others write to."""

    shown: list[Any]
    folders: Any
    look: Callable[[], list[Any]]


def build(shared: Shared, top: Any, acts: Acts) -> ModelsPage:
    """Make the page, inside the tab that is open, with its listeners."""
    with make("Column", elem_classes=["tg-card"]):
        note = told("tagger_models_note")
        table = html("tagger_models")
        with make("Row", elem_classes=["tg-row"]):
            look = press("Look again", "tagger_look")
    with make("Accordion", label="A model in a folder of your own", open=False):
        folders = html("tagger_models_folders")
    box = letter_box("models")
    shown = [note, table, shared.model, top]
    listen(box.input, acts.hear, [box, shared.model], [box, *shown])
    listen(look.click, acts.look_again, [shared.model], shown)
    return ModelsPage([note, table], folders, acts.look)
