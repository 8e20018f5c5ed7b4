"""What was typed into the boxes of the pages: kept, and shown again."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ....errors import OptionError
from ...compat import update
from .. import destination, presets
from ..shared import Shared

MOST = 4096
"""Characters of a box that are kept."""
_SECRET = re.compile(r"(?i)token|passw|secret|api.?key|\bhf_\w{9}|://[^/\s]*@")


class Acts:
    """What the listeners do; `names` are the boxes', by their elem_id."""

    def __init__(self, shared: Shared, names: Sequence[str]) -> None:
        self._shared, self._names = shared, names

    def keep(self, *values: Any) -> None:
        """Keep it, but nothing that could be a secret, nor where no folder may be used."""
        if self._shared.app.host.roots() == ():
            return
        texts = (str(value or "").strip() for value in values[: len(self._names)])
        typed = {
            name: "" if _SECRET.search(text) or len(text) > MOST else text
            for name, text in zip(self._names, texts, strict=True)
        }
        changed: dict[str, Any] = {"typed": typed}
        with contextlib.suppress(OptionError):  # half typed: the next preview says what is wrong
            changed["folder"] = destination.read(values[len(self._names) :])
        presets.keep_last(self._shared.first(), **changed)

    def shown(self, typed: Mapping[str, str], lists: Mapping[str, list[str]]) -> list[Any]:
        """What the boxes show of what was kept; the others stay as they are.

        `lists`: the choices of those that have some; what is none of them any more is not shown.
        """
        shown: list[Any] = []
        for name in self._names:
            text, choices = typed.get(name, ""), lists.get(name)
            fits = bool(text) and (choices is None or text in choices)
            given: dict[str, Any] = {"value": text} if fits else {}
            shown.append(update(**given) if choices is None else update(choices=choices, **given))
        return shown
