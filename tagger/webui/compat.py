"""Every difference between the gradios of the hosts, 3.41 to the newest, met in one place.

Components are made by `make`, which leaves out what a gradio does not know; listeners by `listen`.
"""

from __future__ import annotations

import base64
import binascii
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_EVERYWHERE = ("elem_id", "elem_classes")
MOST_BYTES = 256 * 1024 * 1024
"""Of a picture that is taken from the page."""


@dataclass(frozen=True)
class Original:
    """An uploaded file as it was: its bytes, and its name where the page tells it."""

    data: bytes
    name: str = ""


def gradio() -> Any:
    """The host's gradio, imported when a page is built."""
    import gradio as gr  # noqa: TID251 - here and nowhere else

    return gr


def make(kind: str, **given: Any) -> Any:
    """A component or layout of this name, without the arguments that this gradio does not know."""
    found = getattr(gradio(), kind)
    known = _parameters(found.__init__)
    # gradio 3's layouts take their classes, too, and do not say so
    taken = {key: v for key, v in given.items() if not known or key in known or key in _EVERYWHERE}
    return found(**taken)


def image(**given: Any) -> Any:
    """A picture's box, by upload and paste, whose value is its Original."""
    known = _parameters(gradio().Image.__init__)
    if "sources" in known:
        given |= {"sources": ["upload", "clipboard"]}
    else:
        given |= {"source": "upload"}
    box = make("Image", type="pil", interactive=True, **given)
    box.preprocess = original  # ahead of gradio's own, which decodes: orientation and alpha go
    return box


def original(value: Any) -> Original | None:
    """The bytes behind a picture's box: a data URL (gradio 3), else a file that was uploaded."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.startswith("data:"):
        return _from_url(value)
    path, name = _place(value)
    if not path or _is_address(path):
        return None
    file = Path(path)
    if file.stat().st_size > MOST_BYTES:
        return None
    return Original(file.read_bytes(), name or file.name)


def _from_url(url: str) -> Original | None:
    if len(url) > MOST_BYTES * 4 // 3:
        return None
    try:
        return Original(base64.b64decode(url.partition(",")[2], validate=True))
    except binascii.Error:
        return None


def _place(value: Any) -> tuple[str | None, str]:
    if isinstance(value, str):
        return value, ""
    if isinstance(value, Mapping):
        return value.get("path") or value.get("name"), value.get("orig_name") or ""
    return getattr(value, "path", None), getattr(value, "orig_name", None) or ""


def _is_address(path: str) -> bool:
    return path.startswith(("http:", "https:"))


def uploads(value: Any) -> list[tuple[Path, str]]:
    """The files of a File's value, each with the name it had."""
    if value is None:
        return []
    each = value if isinstance(value, (list, tuple)) else [value]
    return [(Path(path), name or Path(path).name) for path, name in map(_file, each) if path]


def _file(value: Any) -> tuple[str, str]:
    if isinstance(value, Mapping):
        return value.get("name") or value.get("path") or "", value.get("orig_name") or ""
    # a str with `.name` in gradio 4, a temporary file with `.orig_name` in gradio 3
    path = getattr(value, "name", None) or str(value)
    return path, Path(getattr(value, "orig_name", None) or path).name


def listen(
    event: Callable[..., Any],
    act: Callable[..., Any] | None,
    inputs: Sequence[Any] = (),
    outputs: Sequence[Any] = (),
    js: str | None = None,
) -> Any:
    """Call `act` at an event, at once, without a queue, a spinner or an entry in gradio's API."""
    known = _parameters(event)
    given: dict[str, Any] = {
        "queue": False,
        "show_progress": "hidden",
        "trigger_mode": "multiple",
        "api_visibility": "private",
        "show_api": False,
    }
    given = {key: value for key, value in given.items() if key in known}
    if "api_visibility" not in known:
        given["api_name"] = False
    if js is not None:
        given["js" if "js" in known else "_js"] = js
    return event(act, list(inputs), list(outputs), **given)


def edited(component: Any) -> Callable[..., Any]:
    """The event of a person's change, not ours, where this gradio tells them apart.

    From gradio 5 on a text box tells only of keys that write something, not of deleting or pasting.
    """
    is_text = type(component).__name__ == "Textbox"
    if is_text and int(gradio().__version__.split(".")[0]) >= 5:
        return component.change
    return getattr(component, "input", None) or component.change


def left(component: Any) -> Callable[..., Any]:
    """The event of a person's leaving a text box, of whose every key nobody needs to know."""
    is_text = type(component).__name__ == "Textbox"
    return component.blur if is_text else edited(component)


def update(**given: Any) -> Any:
    """What changes of a component; nothing does without arguments."""
    return gradio().update(**given)


def forget_values(blocks: Any) -> None:
    """Keep a host from writing our values to ui-config.json, where they would outlive defaults."""
    for block in blocks.blocks.values():
        block.do_not_save_to_config = True


def _parameters(call: Callable[..., Any]) -> frozenset[str]:
    """The names a call takes; none where a host's shim hides them.

    Asked once for all that are made of the same code: a start waits for it.
    """
    inner = inspect.unwrap(getattr(call, "func", call))
    code = getattr(inner, "__code__", None) or getattr(type(inner).__call__, "__code__", None)
    if code is None:
        return _asked(call)
    key = (code, getattr(call, "__code__", None))
    if key not in _known:
        _known[key] = _asked(call)
    return _known[key]


_known: dict[Any, frozenset[str]] = {}


def _asked(call: Callable[..., Any]) -> frozenset[str]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = inspect.signature(call).parameters.values()
    return frozenset(each.name for each in named if each.kind in kinds) - {"self"}


def mount(api: Any, blocks: Any, path: str, style: str, scripts: Sequence[str]) -> Any:
    """Mount a page on a FastAPI app, with a style sheet and scripts in its head."""
    gr = gradio()
    # not as `css`: gradio rewrites selectors there, and those with :has() or :is() wrongly
    head = f"<style>{style}</style>" + "".join(f"<script>{script}</script>" for script in scripts)
    theme = gr.themes.Default(font=list(FONTS), font_mono=["ui-monospace", "monospace"])
    look = {"head": head, "theme": theme, "footer_links": []}
    known = _parameters(gr.mount_gradio_app)
    if "head" not in known:  # before gradio 6 they belong to the Blocks
        blocks.head, blocks.theme, blocks.theme_css = head, theme, theme._get_theme_css()
    given = {key: value for key, value in look.items() if key in known}
    return gr.mount_gradio_app(api, blocks, path=path, **given)


FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
"""Fonts of the machine: a page of ours asks no other server for anything."""
