"""Where captions go: the fold on the page Folder, read and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...options import describe
from ...settings import Folder, OnExisting
from ..compat import make

EXISTING: dict[str, OnExisting] = {
    "Leave them alone": "skip",
    "Rewrite those Tagger wrote": "update",
    "Add new tags behind": "append",
    "Add new tags in front": "prepend",
    "Overwrite": "overwrite",
}
FIELDS = ("on_existing", "out", "extension", "name", "recursive")


def read(values: tuple[Any, ...]) -> Folder:
    """Where captions go, as the page's controls say.

    Raises:
        OptionError: what was typed is no setting.
    """
    existing, out, extension, name, recursive = values
    plain = (out or "").strip().strip("\"'").strip()
    return Folder(
        out=Path(plain) if plain else None,
        on_existing=EXISTING.get(existing, "skip"),
        extension=extension or ".txt",
        name=name or "",
        recursive=bool(recursive),
    )


def show(folder: Folder) -> list[Any]:
    """What the page's controls show of a Folder."""
    word = next(word for word, key in EXISTING.items() if key == folder.on_existing)
    return [word, str(folder.out or ""), folder.extension, folder.name, folder.recursive]


def hints() -> dict[str, str]:
    """A sentence for each control, by its elem_id."""
    told = {item.name: item.help for item in describe(Folder)}
    return {f"tagger_folder_{name}": told[name] for name in FIELDS}


def build() -> list[Any]:
    """The fold with its controls, in the order of FIELDS."""
    first = show(Folder())
    fold = make("Accordion", label="Where captions go", open=False, elem_classes=["tg-fold"])
    with fold, make("Column", elem_classes=["tg-options"]):
        with make("Row", elem_classes=["tg-row"]):
            existing = make(
                "Dropdown",
                label="Captions that are there",
                choices=list(EXISTING),
                value=first[0],
                elem_id="tagger_folder_on_existing",
                interactive=True,
            )
            out = _text("Put captions in another folder", "beside the pictures", "out", first[1])
            extension = _text("Extension", "", "extension", first[2])
            name = _text("File name", "[name].[output_extension]", "name", first[3])
        with make("Row", elem_classes=["tg-checks"]):
            recursive = make(
                "Checkbox",
                label="Go into sub-folders",
                value=first[4],
                container=False,
                elem_id="tagger_folder_recursive",
                interactive=True,
            )
    return [existing, out, extension, name, recursive]


def _text(label: str, placeholder: str, name: str, value: str) -> Any:
    return make(
        "Textbox",
        label=label,
        placeholder=placeholder,
        value=value,
        lines=1,
        max_lines=1,
        elem_id=f"tagger_folder_{name}",
        interactive=True,
        min_width=80,
    )
