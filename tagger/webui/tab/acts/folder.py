"""What the listeners of the page Folder do: preview, run, look at a run, take it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ....caption import CaptionFormat
from ....errors import TaggerError
from ....folder.words import read_words
from ... import compat
from ...app import App
from ...compat import update
from ...preview import Preview
from ...runs import FolderRequest
from .. import destination, presets, running, uploads
from ..fragments import common
from ..fragments import folder as fragments
from ..shared import Shared
from ..thumbnails import Thumbnails

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

    def stale(self, chosen: Chosen | None) -> list[Any]:
        """The options are others than those of the preview."""
        if chosen is None or chosen.request is None:
            return [update(), update()]
        said = "The options are others now than when you looked: preview again."
        return [common.note(said, "warn"), _off()]

    def run(self, chosen: Chosen | None) -> list[Any]:
        """Write what was previewed."""
        try:
            if chosen is None or chosen.request is None:
                return [chosen, common.note("Preview a folder first.", "bad"), _off(), *self.look()]
            job = self._app.caption_folder(chosen.request)
        except TaggerError as error:
            return [chosen, common.note(str(error), "bad"), _off(), *self.look()]
        running.watch(job, chosen.uploaded, chosen.request.folder.extension)
        asked = chosen.request
        presets.keep_last(model=asked.model, settings=asked.settings, folder=asked.folder)
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


def _off() -> Any:
    return update(value="Write captions", interactive=False)
