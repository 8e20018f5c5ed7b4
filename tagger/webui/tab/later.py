"""What listeners do, imported at the first call of one: a host's start waits for none of it.

A start shows the page's components alone. What their listeners do needs half of Tagger, which takes
several times as long to import, and belongs to nobody before somebody presses a button.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Any


class _Later:
    """Has the methods of `Acts(*given)` of a module of `acts`, which is made at the first call."""

    def __init__(self, module: str, given: tuple[Any, ...]) -> None:
        self._module, self._given = module, given
        self._acts: Any = None
        self._making = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def act(*given: Any) -> Any:
            return getattr(self._made(), name)(*given)

        return act

    def _made(self) -> Any:
        with self._making:
            if self._acts is None:
                module = importlib.import_module(f".acts.{self._module}", __package__)
                self._acts = module.Acts(*self._given)
            return self._acts


def later(module: str, *given: Any) -> Any:
    """The `Acts` of a module of `acts`, to be handed to listeners at once and made at a call.

    It has methods alone.
    """
    return _Later(module, given)
