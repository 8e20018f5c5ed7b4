"""The fold `Caption options` on the page: the controls in rows, and the presets above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import TaggerError, UsageError
from ..app import App
from ..compat import listen, make, update, uploads
from . import destination, form, presets
from .fragments import common
from .presets import Preset
from .shared import Shared


@dataclass(frozen=True)
class Presets:
    """The components of the presets' row."""

    names: Any
    note: Any
    save: Any
    load: Any
    delete: Any
    bring: Any


def build() -> tuple[list[Any], Presets]:
    """Make the fold: the controls in the order of `form.CONTROLS`, and the presets' row."""
    made: dict[form.Control, Any] = {}
    fold = make(
        "Accordion", label="Caption options", open=False, elem_id="tagger_options",
        elem_classes=["tg-fold"],
    )  # fmt: skip
    with fold, make("Column", elem_classes=["tg-options"]):
        for row in (form.TAGS, form.MORE_TAGS, form.WAYS):
            with make("Row", elem_classes=["tg-row"]):
                made |= {control: form.component(control) for control in row}
        with make("Row", elem_classes=["tg-checks"]):
            made |= {control: form.component(control) for control in form.CHECKS}
        made |= {control: form.component(control) for control in form.KINDS}
        bar = _presets()
    return [made[control] for control in form.CONTROLS], bar


def _presets() -> Presets:
    with make("Row", elem_classes=["tg-row", "tg-presets"]):
        names = make(
            "Dropdown", label="Preset", choices=presets.names(), allow_custom_value=True,
            elem_id="tagger_preset", interactive=True, min_width=160,
        )  # fmt: skip
        buttons = {
            word: make(
                "Button", value=word, elem_id=f"tagger_preset_{word.lower()}",
                elem_classes=["tg-press"],
            )
            for word in ("Save", "Load", "Delete")
        }  # fmt: skip
        bring = make(
            "UploadButton", label="Import", file_types=[".json"], elem_id="tagger_preset_import",
            elem_classes=["tg-press"],
        )  # fmt: skip
    note = make("HTML", value="", elem_classes=["tg-fragment"], elem_id="tagger_preset_note")
    return Presets(names, note, buttons["Save"], buttons["Load"], buttons["Delete"], bring)


def connect(shared: Shared, row: Presets, where: Sequence[Any], refresh: Any) -> None:
    """The listeners of the presets; `refresh` is (act, inputs, outputs), called after a load."""
    acts = Acts(shared)
    given = [row.names, *where, *shared.inputs]
    filled = [shared.model, shared.base, *shared.controls, *where]
    listen(row.save.click, acts.save, given, [row.names, row.note])
    listen(row.delete.click, acts.delete, [row.names], [row.names, row.note])
    loaded = listen(row.load.click, acts.load, [row.names], [row.note, *filled])
    listen(loaded.then, *refresh)
    brought = listen(row.bring.upload, acts.bring, [row.bring], [row.names, row.note, *filled])
    listen(brought.then, *refresh)


class Acts:
    """What the presets' listeners do; each gives the values of its outputs."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._app: App = shared.app

    def save(self, name: str | None, *given: Any) -> list[Any]:
        """Keep what the page shows under a name."""
        try:
            folder = destination.read(given[: len(destination.FIELDS)])
            asked = self._shared.ask(*given[len(destination.FIELDS) :])
            presets.save(name or "", Preset(asked.model, asked.settings, folder))
        except TaggerError as error:
            return [update(), common.note(str(error), "bad")]
        return [_listed(name), common.note(f"Saved as {name}.", "good")]

    def delete(self, name: str | None) -> list[Any]:
        """Remove a preset."""
        try:
            presets.delete(name or "")
        except TaggerError as error:
            return [update(), common.note(str(error), "bad")]
        return [_listed(None), common.note(f"{name} is deleted.", "good")]

    def load(self, name: str | None) -> list[Any]:
        """Show a preset."""
        try:
            preset = presets.load(name or "")
        except TaggerError as error:
            return [common.note(str(error), "bad"), *([update()] * self._width)]
        return [common.note(f"{name} is loaded.", "good"), *self.shown(preset)]

    def bring(self, value: Any) -> list[Any]:
        """Take over a preset file, ours or a predecessor's, under its own name."""
        try:
            path, given_name = uploads(value)[0]
            name = Path(given_name).stem
            if path.stat().st_size > presets.MOST_BYTES:
                raise UsageError(f"{given_name}: expected a preset, got a large file")
            text = path.read_text(encoding="utf-8", errors="replace")
            preset = presets.read_foreign(text, given_name)
            presets.save(name, preset)
        except (TaggerError, IndexError) as error:
            said = common.note(str(error), "bad")
            return [update(), said, *([update()] * self._width)]
        said = common.note(f"Imported as {name}, and loaded.", "good")
        return [_listed(name), said, *self.shown(preset)]

    def shown(self, preset: Preset) -> list[Any]:
        """What model, base, controls and destination show of a preset."""
        model = preset.model or self._app.default_model
        controls = form.show(preset.settings)
        return [model, preset.settings, *controls, *destination.show(preset.folder)]

    @property
    def _width(self) -> int:
        return 2 + len(form.CONTROLS) + len(destination.FIELDS)


def _listed(chosen: str | None) -> Any:
    return update(choices=presets.names(), value=chosen)
