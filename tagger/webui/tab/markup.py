"""HTML out of values: the one place where text becomes markup, and so the one that escapes.

What is not Markup is escaped, as text and as an attribute alike; fragments are built of `el` and
never of strings put together.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterable
from typing import TypeAlias

Attribute: TypeAlias = "str | int | float | bool | None"


class Markup(str):
    """HTML that was made here: it is not escaped again."""


Child: TypeAlias = "Markup | str | int | Iterable[Child] | None"

_DRAWN = itertools.count()
_VOID = frozenset({"br", "hr", "img", "input"})


def escape(text: object) -> Markup:
    """Text, or the value of an attribute, as HTML that shows it."""
    return text if isinstance(text, Markup) else Markup(html.escape(str(text), quote=True))


def el(name: str, *children: Child, **attributes: Attribute) -> Markup:
    """An element. None and False leave an attribute out, True gives it without a value.

    `class_` and `for_` are written without the underscore, `data_tag` as `data-tag`.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Markup:
    """Children one after another, each escaped unless it is Markup; None is nothing."""
    return Markup("".join(_child(each) for each in children))


def button(label: Child, do: str = "", **attributes: Attribute) -> Markup:
    """A real button; `do` is what our script tells the page's box when it is pressed."""
    return el("button", label, type="button", data_do=do or None, **attributes)


def anew(markup: Markup) -> Markup:
    """The same, drawn even where a page has drawn it before and was changed by hand since.

    A gradio leaves a fragment alone that it has been given already.
    """
    return Markup(f"{markup}<!-- {next(_DRAWN)} -->")


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, (str, int)):
        return escape(child)
    return join(child)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(value)}"'
