"""The fold `Caption options` on the page: the controls in rows, and the presets above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..compat import listen, make
from . import controls, form
from .later import later
from .shared import Shared

if TYPE_CHECKING:
    from .acts.options import Acts


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
    """Make the fold: the controls in the order of `controls.CONTROLS`, and the presets' row."""
    made: dict[controls.Control, Any] = {}
    fold = make(
        "Accordion", label="Caption options", open=False, elem_id="tagger_options",
        elem_classes=["tg-fold"],
    )  # fmt: skip
    with fold, make("Column", elem_classes=["tg-options"]):
        for row in (controls.TAGS, controls.MORE_TAGS, controls.WAYS):
            with make("Row", elem_classes=["tg-row"]):
                made |= {control: form.component(control) for control in row}
        with make("Row", elem_classes=["tg-checks"]):
            made |= {control: form.component(control) for control in controls.CHECKS}
        made |= {control: form.component(control) for control in controls.KINDS}
        bar = _presets()
    return [made[control] for control in controls.CONTROLS], bar


def _presets() -> Presets:
    with make("Row", elem_classes=["tg-row", "tg-presets"]):
        names = make(
            "Dropdown", label="Preset", choices=[], allow_custom_value=True,
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


def connect(shared: Shared, row: Presets, where: Sequence[Any], refresh: Any) -> Acts:
    """The listeners of the presets; `refresh` is (act, inputs, outputs), called after a load."""
    acts: Acts = later("options", shared)
    given = [row.names, *where, *shared.inputs]
    filled = [shared.model, shared.base, *shared.controls, *where]
    listen(row.save.click, acts.save, given, [row.names, row.note])
    listen(row.delete.click, acts.delete, [row.names], [row.names, row.note])
    loaded = listen(row.load.click, acts.load, [row.names], [row.note, *filled])
    listen(loaded.then, *refresh)
    brought = listen(row.bring.upload, acts.bring, [row.bring], [row.names, row.note, *filled])
    listen(brought.then, *refresh)
    return acts
