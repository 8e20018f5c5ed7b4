"""The routes of a host, made when somebody first asks for one: its start waits for none of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any


class Door:
    """Stands for all routes under a prefix, then lets `open_` mount them, and takes itself away.

    `open_` mounts them on `web`; it is called once, at the first request for one or for the
    application's document, by whichever thread.
    """

    def __init__(self, web: Any, prefix: str, open_: Callable[[], None]) -> None:
        self._web, self._open = web, open_
        self._opening = threading.Lock()
        self._document = web.openapi
        # an object that is called with scope, receive and send is an ASGI application to it
        web.add_route(f"{prefix}/{{path:path}}", self, include_in_schema=False)
        self._route = web.router.routes.pop()
        web.router.routes.insert(0, self._route)  # a page's own may catch every path
        web.openapi = self.document

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Mount the routes, and let them answer this request."""
        await asyncio.get_running_loop().run_in_executor(None, self.open)
        await self._web.router(scope, receive, send)

    def document(self) -> Any:
        """The application's OpenAPI document, with our routes in it."""
        self.open()
        return self._document()

    def open(self) -> None:
        """Mount the routes, unless they are."""
        with self._opening:
            if self._route in self._web.router.routes:
                self._open()
                self._web.router.routes.remove(self._route)
