"""Which of a page's changes is the newest: an older answer that comes late must not be shown.

Our script numbers each change, `page:number`; several are answered at once, in any order.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from ..compat import make

PAGES = 256
"""Pages that are remembered."""
_TURN = re.compile(r"([0-9a-z]{1,20}):([0-9]{1,12})")


class Turns:
    """The newest turn of each page. All methods suit any thread."""

    def __init__(self) -> None:
        self._newest: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, turn: str | None) -> None:
        """A change is being looked at."""
        page, number = _read(turn)
        with self._lock:
            self._newest[page] = max(number, self._newest.get(page, 0))
            self._newest.move_to_end(page)
            while len(self._newest) > PAGES:
                self._newest.popitem(last=False)

    def is_old(self, turn: str | None) -> bool:
        """Whether the page has changed again since; never of what is no turn."""
        page, number = _read(turn)
        return bool(page) and self._newest.get(page, 0) > number


def numbered(inputs: Sequence[Any], box: Any) -> str:
    """A listener's script that puts our script's number in place of the box's value.

    gradio hands it the outputs' values behind the inputs', and wants the inputs' back.
    """
    at = next(at for at, each in enumerate(inputs) if each is box)
    put = f"given[{at}] = window.taggerTurn()"
    return f"(...given) => {{ {put}; return given.slice(0, {len(inputs)}); }}"


def turn_box() -> Any:
    """The hidden box among a numbered listener's inputs."""
    return make(
        "Textbox", elem_id="tagger_turn", elem_classes=["tg-hidden"], show_label=False,
        container=False, interactive=True,
    )  # fmt: skip


def _read(turn: str | None) -> tuple[str, int]:
    found = _TURN.fullmatch(turn) if isinstance(turn, str) else None
    return (found[1], int(found[2])) if found else ("", 0)
