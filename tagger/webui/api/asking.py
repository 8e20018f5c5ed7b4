"""Pictures of a request to scores, without holding up the other requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from ...scores import Scores
from ..app import AbsentError, App
from ..jobs import ENDED, Job
from .addresses import Fetcher
from .calls import Body, RefusedError
from .pictures import is_address, read_picture

T = TypeVar("T")

_GLANCE_S = 0.1
_FETCHES = 8
"""Addresses that are fetched at once: each takes a thread for seconds."""


class Asking:
    """What the routes share: the App, and the way from a picture's text to scores."""

    def __init__(self, app: App, fetcher: Fetcher | None = None) -> None:
        self.app = app
        self._fetcher = fetcher or Fetcher()
        self._fetching = 0

    async def ready(self, name: str) -> str:
        """A model's own name, once it is on disk; fetched where the preferences say so.

        Raises:
            ModelError: unknown or bad.
            AbsentError: not on disk, and not to be fetched by this request.
            RefusedError: the download failed.
        """
        app = self.app
        model = await run_in_threadpool(app.models.find, name or app.default_model)
        if model.on_disk:
            return model.name
        if not app.host.preferences().download_when_asked or model.spec.repo is None:
            raise absent(model.name)
        job = await run_in_threadpool(app.download, model.name)
        while job.state not in ENDED:
            await asyncio.sleep(_GLANCE_S)
        if job.state != "done":
            raise RefusedError(502, f"{model.name}: {job.message or 'its download was cancelled'}")
        return model.name

    async def picture(self, text: str) -> bytes:
        """The bytes of a picture's file. Raises ImageError, AddressError or RefusedError."""
        if not is_address(text.strip()):
            return await run_in_threadpool(read_picture, text, None)
        fetcher = self._fetcher if self.app.host.allow_urls() else None
        if self._fetching >= _FETCHES:
            raise RefusedError(429, f"expected at most {_FETCHES} addresses at once: try later")
        self._fetching += 1
        try:
            return await run_in_threadpool(read_picture, text, fetcher)
        finally:
            self._fetching -= 1

    async def scores(
        self, model: str, picture: bytes, enough: Callable[[Scores], bool] | None
    ) -> Scores:
        """The scores of one picture; raises what `App.submit` and its future do."""
        future = await run_in_threadpool(self.app.submit, model, picture, enough=enough)
        return await asyncio.wrap_future(future)


async def body_of(request: Request) -> Any:
    """The JSON of a request."""
    body: Body = request.state.body
    return await body.read()


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """Do what takes its time elsewhere."""
    return await run_in_threadpool(work, *args)


def absent(name: str) -> AbsentError:
    """The sentence of a model that is not on disk, with the route that brings it."""
    return AbsentError(
        f"expected {name} on disk, got nothing there: POST /tagger/v1/models/{name}/load brings it"
    )


def job_of(app: App, id: str) -> Job:  # noqa: A002 - its name in the API
    """A job by its id; raises RefusedError."""
    job = app.jobs.get(id)
    if job is None:
        raise RefusedError(404, "expected the id of a job, got another: GET jobs lists them")
    return job
