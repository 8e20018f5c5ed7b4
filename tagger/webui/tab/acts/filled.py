"""The form of the page Training, as somebody filled it in: what is asked of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ....errors import ModelError, UsageError
from ... import interpreter
from ...app import App
from ...training.request import Request, check_name, read_flags, recipes
from ..fragments.common import NEW, NONE


def filled_in(app: App, named: str, form: tuple[Any, ...]) -> tuple[Request, Path]:
    """What the form asks for, and the Python to run it: `named`, or the one there is.

    Raises TaggerError, naming the field.
    """
    dataset, name, recipe, former, epochs, batch, device, more = form
    if named and named.strip() and app.host.exposed():
        raise UsageError(
            f"expected no path of a program from a page that others can reach: set "
            f"{interpreter.NAMED} where the WebUI is started"
        )
    limited = app.host.roots() is not None
    request = Request(
        app.check_path(dataset or ""),
        check_name(name or ""),
        "" if recipe in (None, "", NONE) else _of(recipes(), recipe, "Recipe"),
        _former(app, former or NEW),
        _whole(epochs, "Epochs"),
        _whole(batch, "Pictures in a batch"),
        _device(device),
        read_flags(more or "", app.check_path if limited else None),
    )
    python = interpreter.chosen(named or "").python
    interpreter.check(python)
    return request, python


def _former(app: App, chosen: str) -> str:
    """What `--from` is given: a model's name or folder, a finished training's model."""
    if chosen == NEW:
        return ""
    if chosen.startswith("training: "):
        run = app.trainings.find(chosen.removeprefix("training: "))
        if run is None or run.state != "done":
            raise UsageError("Start from: expected a finished training, got none of that name")
        return str(run.run / "model")
    model = app.models.find(chosen)
    return str(model.folder) if model.folder is not None else model.name


def _of(known: list[str], value: str, label: str) -> str:
    if value not in known:
        raise ModelError(f"{label}: expected one of the list, got {value!r:.80}")
    return value


def _whole(value: Any, label: str) -> int:
    text = str(value if value is not None else "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 7 and int(text)):
        raise UsageError(f"{label}: expected a whole number over 0, got {text!r:.40}")
    return int(text or 0)


def _device(value: Any) -> str:
    text = str(value or "auto").strip().lower()
    kind, _, number = text.partition(":")
    fits = kind in ("auto", "cpu", "cuda", "mps", "xpu")
    if not fits or (":" in text and not (number.isascii() and number.isdigit())):
        raise UsageError(f"Device: expected auto, cpu, cuda or cuda:1, got {text!r:.40}")
    return text
