"""Components that look alike on every page: a line to type in, a button, a place for HTML."""

from __future__ import annotations

from typing import Any

from ..compat import make


def line(label: str, placeholder: str, elem_id: str) -> Any:
    """A text box of one line, without a frame or a visible label."""
    return make(
        "Textbox",
        label=label,
        show_label=False,
        container=False,
        placeholder=placeholder,
        elem_id=elem_id,
        elem_classes=["tg-input"],
        lines=1,
        max_lines=1,
        interactive=True,
    )


def press(word: str, elem_id: str, variant: str = "secondary", interactive: bool = True) -> Any:
    """A button of the page's size."""
    return make(
        "Button",
        value=word,
        elem_id=elem_id,
        variant=variant,
        elem_classes=["tg-press"],
        interactive=interactive,
    )


def html(elem_id: str, value: Any = "") -> Any:
    """A place for a fragment."""
    return make("HTML", value=value, elem_classes=["tg-html"], elem_id=elem_id)


def told(elem_id: str) -> Any:
    """A place for a sentence, which takes no room while there is none."""
    return make("HTML", value="", elem_classes=["tg-fragment"], elem_id=elem_id)
