"""The routes on a FastAPI application."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Security
from fastapi.security import HTTPBasic
from fastapi.security.base import SecurityBase

from ..app import App
from .addresses import Fetcher
from .asking import Asking
from .calls import Limits, route_class
from .document import describe_route
from .interrogate import Interrogating
from .routes import Routes

PREFIX = "/tagger/v1"


class _Told(SecurityBase):
    """Says in the document that a password is asked for; `route_class` is who asks for it.

    FastAPI's own HTTPBasic reads the header too, and refuses a password that is not ASCII.
    """

    def __init__(self) -> None:
        self.model = HTTPBasic().model
        self.scheme_name = HTTPBasic.__name__

    async def __call__(self) -> None:
        """Let everybody by: whoever comes here has been asked.

        Without parameters, since older FastAPI can't read what an object's are.
        """


def mount(
    app: App,
    web: FastAPI,
    prefix: str = PREFIX,
    *,
    limits: Limits | None = None,
    fetcher: Fetcher | None = None,
) -> None:
    """Add the routes; those of an earlier call under the same prefix are taken away first."""
    told = [Security(_Told())] if app.host.credentials() else []
    router = APIRouter(route_class=route_class(app, limits or Limits()), dependencies=told)
    asking = Asking(app, fetcher)
    old, new = Interrogating(asking), Routes(asking)
    table = (
        ("POST", "interrogate", old.interrogate),
        ("GET", "interrogators", old.interrogators),
        ("POST", "unload-interrogators", old.unload),
        ("POST", "tags", new.tags),
        ("GET", "models", new.models),
        ("POST", "models/{name:path}/load", new.load),
        ("POST", "models/{name:path}/unload", new.unload),
        ("POST", "batch", new.batch),
        ("GET", "jobs", new.jobs),
        ("GET", "jobs/{id}", new.job),
        ("DELETE", "jobs/{id}", new.cancel),
        ("GET", "jobs/{id}/events", new.events),
        ("GET", "version", new.version),
    )
    modern = web.openapi_version >= "3.1"
    for method, path, endpoint in table:
        described = describe_route(method, path, endpoint.__doc__ or "", modern)
        router.add_api_route(f"{prefix}/{path}", endpoint, methods=[method], **described)
    _replace(web, router, prefix)


def _replace(web: FastAPI, router: APIRouter, prefix: str) -> None:
    """Put the routes first, where no page's own catches their paths, in place of earlier ones."""
    others = [route for route in web.router.routes if not _is_ours(route, prefix)]
    web.router.routes[:] = [*router.routes, *others]
    web.openapi_schema = None  # made anew when it is asked for


def _is_ours(route: object, prefix: str) -> bool:
    owner = getattr(getattr(route, "endpoint", None), "__self__", None)
    mine = type(owner).__qualname__ in (Interrogating.__qualname__, Routes.__qualname__)
    return mine and str(getattr(route, "path", "")).startswith(prefix)
