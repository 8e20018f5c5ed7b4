"""What listeners do, imported and made when the first of them is called: no start waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class _Later:
    """Its methods are those of an object that `make` makes once."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None
        self._making = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def act(*given: Any) -> Any:
            return getattr(self._object(), name)(*given)

        return act

    def _object(self) -> Any:
        with self._making:
            if self._made is None:
                self._made = self._make()
            return self._made


def later(make: Callable[[], T]) -> T:
    """An object whose methods may be handed to listeners at once, and which is made at a call.

    It has methods alone; of what else the object has nothing is known before.
    """
    return cast(T, _Later(make))
