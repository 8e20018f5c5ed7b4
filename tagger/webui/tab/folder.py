"""The page Folder: choose, preview, run. What is run is what was previewed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..compat import edited, listen, make
from . import destination
from .fragments import common
from .fragments import folder as fragments
from .later import later
from .parts import html, line, press, told
from .shared import Shared
from .thumbnails import Thumbnails

if TYPE_CHECKING:
    from .acts.folder import Acts

STEPS = (
    ("Choose", "A folder on this machine, or files, a folder or a zip dropped here."),
    ("Preview", "What would be written where. Nothing changes on disk."),
    ("Run", "It goes on when this page is closed, and can be undone."),
)


@dataclass(frozen=True)
class FolderPage:
    """The page's components that others write to."""

    path: Any
    where: list[Any]
    shown: list[Any]
    look: Callable[[], list[Any]]


def build(shared: Shared, thumbnails: Thumbnails) -> FolderPage:
    """Make the page, inside the tab that is open, with its listeners."""
    acts: Acts = later("folder", shared, thumbnails)
    state = make("State", value=None)
    with _step(0):
        with make("Row", elem_classes=["tg-row"]):
            path = line("Folder", "/data/train  or  C:\\train  (quotes are fine)", "tagger_path")
            preview = press("Preview", "tagger_preview", "primary")
        with make("Row", elem_classes=["tg-drops"]):
            files = _file("Drop files, a folder or a zip", "tagger_files", "multiple")
            browsed = _file("Browse a folder", "tagger_browse", "directory")
        where = destination.build()
        note = told("tagger_folder_note")
    with _step(1):
        found = html("tagger_found")
    with _step(2):
        with make("Row", elem_classes=["tg-row"]):
            run = press("Write captions", "tagger_run", "primary", interactive=False)
            cancel = press("Cancel", "tagger_cancel", interactive=False)
            undo = press("Undo", "tagger_undo", interactive=False)
        progress = html("tagger_progress")
        back = make(
            "File", label="Captions", visible=False, interactive=False, height=80,
            elem_id="tagger_back",
        )  # fmt: skip
    paths = make(
        "Textbox", elem_id="tagger_paths", elem_classes=["tg-hidden"], show_label=False,
        container=False, interactive=True,
    )  # fmt: skip

    given = [*where, *shared.inputs]
    previewed = [state, found, note, run]
    looking = common.note("Looking at the folder…")
    first = listen(preview.click, lambda: looking, [], [note])
    listen(first.then, acts.preview_path, [path, *given], previewed)
    first = listen(path.submit, lambda: looking, [], [note])
    listen(first.then, acts.preview_path, [path, *given], previewed)
    for box in (files, browsed):
        first = listen(box.upload, lambda: looking, [], [note])
        listen(first.then, acts.preview_files, [box, paths, *given], [paths, *previewed])
    for each in (*shared.controls, *where, shared.model):
        listen(edited(each), acts.stale, [state], [note, run])
    shown = [progress, cancel, undo, back]
    listen(run.click, acts.run, [state], [state, note, run, *shown])
    listen(cancel.click, acts.cancel, [], shown)
    listen(undo.click, acts.undo, [], [note, *shown])
    return FolderPage(path, where, shown, acts.look)


def _step(number: int) -> Any:
    column = make("Column", elem_classes=["tg-card"])
    title, said = STEPS[number]
    with column:
        make("HTML", value=fragments.step(number + 1, title, said), elem_classes=["tg-html"])
    return column


def _file(label: str, elem_id: str, count: str) -> Any:
    return make("File", label=label, elem_id=elem_id, file_count=count, height=118)
