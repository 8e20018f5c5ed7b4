"""The page Folder: choose, preview, run. What is run is what was previewed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...caption import CaptionFormat
from ...errors import TaggerError
from ...folder.words import read_words
from .. import compat
from ..app import App
from ..compat import edited, listen, make, update
from ..preview import Preview
from ..runs import FolderRequest
from . import destination, presets, running, uploads
from .fragments import common
from .fragments import folder as fragments
from .parts import html, line, press, told
from .shared import Shared
from .thumbnails import Thumbnails

STEPS = (
    ("Choose", "A folder on this machine, or files, a folder or a zip dropped here."),
    ("Preview", "What would be written where. Nothing changes on disk."),
    ("Run", "It goes on when this page is closed, and can be undone."),
)
_WHERE = len(destination.FIELDS)
_SAID = {
    "new": "new caption",
    "overwrite": "overwritten",
    "update": "rewrites ours",
    "append": "tags added behind",
    "prepend": "tags added in front",
}


@dataclass(frozen=True)
class Chosen:
    """What was previewed, and whether it was uploaded."""

    request: FolderRequest | None = None
    uploaded: Path | None = None


@dataclass(frozen=True)
class FolderPage:
    """The page's components that others write to."""

    where: list[Any]
    shown: list[Any]
    look: Callable[[], list[Any]]


def build(shared: Shared, thumbnails: Thumbnails) -> FolderPage:
    """Make the page, inside the tab that is open, with its listeners."""
    acts = Acts(shared, thumbnails)
    state = make("State", value=Chosen())
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
    return FolderPage(where, shown, acts.look)


class Acts:
    """What the page's listeners do; each gives the values of its outputs."""

    def __init__(self, shared: Shared, thumbnails: Thumbnails) -> None:
        self._shared, self._thumbnails = shared, thumbnails
        self._app: App = shared.app

    def preview_path(self, text: str, *given: Any) -> list[Any]:
        """A folder by its path."""
        return self._told(lambda: self._preview(self._app.check_path(text or ""), None, *given))

    def preview_files(self, value: Any, paths: str, *given: Any) -> list[Any]:
        """What was uploaded; the box of paths is emptied, or old ones would stick."""

        def act() -> list[Any]:
            folder = destination.read(given[:_WHERE])
            pictures = uploads.stage(compat.uploads(value), paths, folder.extension)
            uploads.remember(pictures)
            return self._preview(pictures, pictures, *given)

        return ["", *self._told(act)]

    def stale(self, chosen: Chosen) -> list[Any]:
        """The options are others than those of the preview."""
        if chosen.request is None:
            return [update(), update()]
        said = "The options are others now than when you looked: preview again."
        return [common.note(said, "warn"), _off()]

    def run(self, chosen: Chosen) -> list[Any]:
        """Write what was previewed."""
        try:
            if chosen.request is None:
                return [chosen, common.note("Preview a folder first.", "bad"), _off(), *self.look()]
            job = self._app.caption_folder(chosen.request)
        except TaggerError as error:
            return [chosen, common.note(str(error), "bad"), _off(), *self.look()]
        running.watch(job, chosen.uploaded, chosen.request.folder.extension)
        presets.keep_last(chosen.request.model, chosen.request.settings, chosen.request.folder)
        return [Chosen(), "", _off(), *self.look()]

    def cancel(self) -> list[Any]:
        """Stop the run; what it wrote stays, and can be undone."""
        job = running.newest(self._app)
        if job:
            job.cancel()
        return self.look()

    def undo(self) -> list[Any]:
        """Take the last run back."""
        try:
            run = running.undoable(self._app)
            if run is not None:
                running.watch(self._app.undo(run), None, "")
        except TaggerError as error:
            return [common.note(str(error), "bad"), *self.look()]
        return ["", *self.look()]

    def look(self) -> list[Any]:
        """The newest run as it stands: progress, whether it can be stopped or undone, captions."""
        job = running.newest(self._app)
        shown = running.progress(job, self._thumbnails) if job else None
        live = shown is not None and shown.live
        packed = running.packed(job) if job and not live else None
        undoable = not live and running.undoable(self._app) is not None
        return [
            fragments.progress(shown),
            update(interactive=live),
            update(interactive=undoable),
            update(visible=True, value=str(packed)) if packed else update(visible=False),
        ]

    def _told(self, act: Callable[[], list[Any]]) -> list[Any]:
        try:
            return act()
        except TaggerError as error:
            return [Chosen(), "", common.note(str(error), "bad"), _off()]

    def _preview(self, root: Path, uploaded: Path | None, *given: Any) -> list[Any]:
        folder = destination.read(given[:_WHERE])
        asked = self._shared.ask(*given[_WHERE:])
        if uploaded:
            folder = replace(folder, out=None)
        elif folder.out is not None:
            folder = replace(folder, out=self._app.check_path(str(folder.out)))
        request = FolderRequest(
            (root,), asked.model, asked.settings, folder, uploads=uploaded and uploaded.parent
        )
        plan = self._app.plan(request)
        writes = _writes(plan)
        ready = writes > 0 and self._app.status(asked.model).state in ("on disk", "loaded")
        word = f"Write {common.plural(writes, 'caption')}" if writes else "Write captions"
        shown = self._drawn(plan, writes, asked.settings.format)
        note = "" if ready or not writes else common.note(
            f"{asked.model} is not on this machine yet: fetch it on the page Models.", "warn"
        )  # fmt: skip
        return [Chosen(request, uploaded), shown, note, update(value=word, interactive=ready)]

    def _drawn(self, plan: Preview, writes: int, form: CaptionFormat) -> Any:
        counts = [(plan.pictures, "pictures"), (plan.counts.get("new", 0), "new captions")]
        counts += [(writes - plan.counts.get("new", 0), "rewritten or added to")]
        counts += [(plan.counts.get("skip", 0), "kept as they are")]
        counts += [(plan.refusals, "can have no caption")]
        thumbs = self._thumbnails.all_of([Path(each.path) for each in plan.samples])
        samples = [
            fragments.Sample(
                Path(each.path).name,
                thumb,
                _SAID.get(each.kind, each.kind),
                tuple(word.text for word in read_words(each.before or "", form)),
                tuple(word.text for word in read_words(each.after, form)),
            )
            for each, thumb in zip(plan.samples, thumbs, strict=True)
        ]
        refused = [(Path(each.path).name, each.reason) for each in plan.refused]
        return fragments.preview(counts, refused, samples, writes)


def _writes(plan: Preview) -> int:
    return sum(number for kind, number in plan.counts.items() if kind not in ("skip", "same"))


# ---------------------------------------------------------------- parts of the page


def _step(number: int) -> Any:
    column = make("Column", elem_classes=["tg-card"])
    title, said = STEPS[number]
    with column:
        make("HTML", value=fragments.step(number + 1, title, said), elem_classes=["tg-html"])
    return column


def _file(label: str, elem_id: str, count: str) -> Any:
    return make("File", label=label, elem_id=elem_id, file_count=count, height=118)


def _off() -> Any:
    return update(value="Write captions", interactive=False)
