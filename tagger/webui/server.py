"""A server of our own: page and routes behind one check, ended without losing a job's work."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any

from .. import __version__
from .app import App

GRACE_S = 10
"""Seconds that requests have to end when the server does."""


def application(app: App, *, page: bool, names: Sequence[str] = ()) -> Any:
    """Page and routes as one ASGI application, all of it behind the host's credentials.

    `names` are those of this machine, beside `localhost`, by which a browser may call it.
    """
    import fastapi

    from .api import mount
    from .api.access import Guard

    web: Any = fastapi.FastAPI(title="Tagger", version=__version__)
    mount(app, web)
    if page:
        from .page import mount_page

        web = mount_page(app, web)
    return Guard(web, app.host.credentials, names)


def serve(
    app: App, application: Any, bound: socket.socket, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve at a bound socket until Ctrl-C or SIGTERM; streams and jobs end with it.

    `ready` is called once requests are answered.

    Raises KeyboardInterrupt after Ctrl-C, once all has ended.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

        def handle_exit(self, sig: int, frame: Any) -> None:
            app.jobs.closing()
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        application, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S
    )
    # uvicorn raises the signal again once it has ended, when the App has still to be closed
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        Server(config).run(sockets=[bound])
    finally:
        app.close()
        signal.signal(signal.SIGTERM, before)
