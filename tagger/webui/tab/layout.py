"""The components of the page Captions, laid out; what they do is in `captions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..compat import make
from .fragments import captions as fragments
from .letters import box as letter_box
from .parts import html, line, press, told

ORDERS = ("as they are", "by alphabet", "most frequent first")
"""In which a batch edit leaves the tags."""


@dataclass(frozen=True)
class CaptionsLayout:
    """The components that listeners read and write."""

    path: Any
    query: Any
    extension: Any
    show: Any
    note: Any
    tags: Any
    grid: Any
    plot: Any
    head: Any
    text: Any
    before: Any
    save: Any
    undo: Any
    confirm: Any
    yes: Any
    no: Any
    scope: Any
    batch: list[Any]
    look: Any
    apply: Any
    diff: Any
    twins: Any
    doubles: Any
    box: Any
    editor: Any


def captions_page(start: Any) -> CaptionsLayout:
    """Make the components; `start` stands where the grid will be."""
    made: dict[str, Any] = {"box": letter_box("captions"), "editor": letter_box("editor")}
    with make("Row", elem_classes=["tg-row"]):
        folder = "A folder of pictures with captions"
        query = '1girl and not (sword or "long hair")'
        made["path"] = line("Folder", folder, "tagger_captions_path")
        made["query"] = line("Filter", query, "tagger_captions_query")
        made["extension"] = make(
            "Textbox", value=".txt", label="Extension", show_label=False, container=False,
            elem_id="tagger_captions_extension", elem_classes=["tg-input", "tg-tiny"],
            lines=1, max_lines=1, interactive=True,
        )  # fmt: skip
        made["show"] = press("Show", "tagger_captions_show", "primary")
    made["note"] = told("tagger_captions_note")
    with make("Row", elem_classes=["tg-desk"]):
        with make("Column", elem_classes=["tg-card"]):
            made["tags"] = html("tagger_tags", value=fragments.tags((), 0, 0))
        with make("Column", elem_classes=["tg-middle"]):
            made["grid"] = html("tagger_grid", value=start)
            made["plot"] = html("tagger_plot")
        with make("Column", elem_classes=["tg-side"]):
            with make("Column", elem_classes=["tg-card"]):
                _editor(made)
            _batch(made)
            _twins(made)
    return CaptionsLayout(**made)


def _editor(made: dict[str, Any]) -> None:
    made["head"] = html("tagger_editor", value=fragments.editor((), "", ""))
    made["text"] = make(
        "Textbox", label="Caption", show_label=False, lines=4, max_lines=14, container=False,
        elem_id="tagger_caption_edit", elem_classes=["tg-caption", "prompt"], interactive=True,
    )  # fmt: skip
    made["before"] = make(
        "Textbox", show_label=False, container=False, elem_classes=["tg-hidden"],
        elem_id="tagger_caption_before", interactive=True,
    )  # fmt: skip
    with make("Row", elem_classes=["tg-row"]):
        made["save"] = press("Save", "tagger_caption_save", "primary")
        made["undo"] = press("Undo", "tagger_caption_undo", interactive=False)
    with make("Row", elem_classes=["tg-row", "tg-confirm"], visible=False) as made["confirm"]:
        made["yes"] = press("Delete pictures and captions", "tagger_delete_yes", "stop")
        made["no"] = press("Keep them", "tagger_delete_no")


def _batch(made: dict[str, Any]) -> None:
    with make("Accordion", label="Batch edit", open=False, elem_classes=["tg-fold"]):
        made["scope"] = make(
            "Radio", choices=["all shown", "the selection"], value="all shown", label="Captions",
            elem_id="tagger_batch_scope", interactive=True,
        )  # fmt: skip
        boxes = [
            _field("Search for", "letter for letter, or /a regex/", "search", tag=False),
            _field("Put in its place", "", "put", tag=False),
            _field("Replace tags", "grey hair = silver hair", "replace"),
            _field("Remove tags", "solo, *_background", "remove"),
            _field("Add in front", "", "front"),
            _field("Add at the end", "", "back"),
            _field("Put first", "my_trigger", "first"),
            _field("Drop tags of fewer captions than", "3", "rarer", tag=False),
            _field("Drop tags of more percent than", "95", "commoner", tag=False),
            make(
                "Dropdown", label="Order", choices=list(ORDERS), value=ORDERS[0],
                elem_id="tagger_batch_sort", interactive=True,
            ),
            make(
                "Checkbox", label="Remove duplicate tags", value=False, container=False,
                elem_id="tagger_batch_dedupe", interactive=True,
            ),
        ]  # fmt: skip
        made["batch"] = boxes
        with make("Row", elem_classes=["tg-row"]):
            made["look"] = press("Preview", "tagger_batch_preview")
            made["apply"] = press("Apply", "tagger_batch_apply", "primary", interactive=False)
        made["diff"] = html("tagger_batch_diff")


def _twins(made: dict[str, Any]) -> None:
    with make("Accordion", label="Duplicates", open=False, elem_classes=["tg-fold"]):
        made["twins"] = press("Look for duplicates", "tagger_twins")
        made["doubles"] = html("tagger_doubles")


def _field(label: str, placeholder: str, name: str, tag: bool = True) -> Any:
    return make(
        "Textbox", label=label, placeholder=placeholder, elem_id=f"tagger_batch_{name}",
        elem_classes=["prompt"] if tag else [], lines=1, max_lines=2, interactive=True, value="",
    )  # fmt: skip
