"""The new routes: tags, models, folders, jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any, cast

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from ... import __version__
from ...captioner import Captioner
from ...errors import TaggerError
from ...options import from_dict
from ...scores import RATING, Scores, number
from ..app import ModelRow
from ..jobs import BusyError
from .asking import Asking, absent, body_of, in_thread, job_of
from .bodies import BatchBody, TagsBody
from .calls import RefusedError, answer
from .events import progress, stream

_READERS = 64
"""Event streams that are open at once."""


class Routes:
    """The new routes on one App."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._app = asking.app
        self._readers = 0

    async def tags(self, request: Request) -> Response:
        """Captions, tags and ratings of up to 64 pictures."""
        body = from_dict(TagsBody, await body_of(request), "body")
        model = await self._present(body.model)
        captioner = await in_thread(self._app.captioner, model, body.settings)
        if body.image is not None:
            return answer(
                {"model": model, "results": [await self._one(body, captioner, body.image, model)]}
            )
        asked = (self._one_of_many(body, captioner, text, model) for text in body.pictures)
        return answer({"model": model, "results": await asyncio.gather(*asked)})

    async def models(self, request: Request) -> Response:
        """Every model that is known, and what became of it."""
        rows = await in_thread(self._app.rows)
        default = self._app.default_model
        return answer({"models": [_model(row, default) for row in rows]})

    async def load(self, request: Request) -> Response:
        """Fetch a model if need be, and load it."""
        job = await in_thread(self._app.load, request.path_params["name"])
        return answer({"job": job.id}, 202)

    async def unload(self, request: Request) -> Response:
        """Free a model's memory; how many bytes its weights took."""
        freed = await in_thread(self._app.unload, request.path_params["name"])
        return answer({"freed": freed})

    async def batch(self, request: Request) -> Response:
        """Caption a folder on the server, or say what would be done."""
        body = from_dict(BatchBody, await body_of(request), "body")
        asked = await in_thread(body.request, self._app.check_path)
        if body.dry_run:
            found = await in_thread(self._app.plan, asked)
            return answer({"model": asked.model or self._app.default_model, **asdict(found)})
        await self._present(body.model)
        job = await in_thread(self._app.caption_folder, asked)
        return answer({"job": job.id}, 202)

    async def jobs(self, request: Request) -> Response:
        """The jobs, the oldest first, without their pictures."""
        return answer({"jobs": [progress(job) for job in self._app.jobs.list()]})

    async def job(self, request: Request) -> Response:
        """One job, with the last pictures that are done."""
        return answer(job_of(self._app, request.path_params["id"]).snapshot().plain())

    async def cancel(self, request: Request) -> Response:
        """Ask a job to stop; what it has done stays."""
        job = job_of(self._app, request.path_params["id"])
        job.cancel()
        return answer(job.snapshot().plain(), 202)

    async def events(self, request: Request) -> Response:
        """A job as server-sent events."""
        job = job_of(self._app, request.path_params["id"])
        if self._readers >= _READERS:
            raise RefusedError(429, f"expected at most {_READERS} readers of events: try later")
        last = request.headers.get("last-event-id", "")
        events = self._counted(
            stream(self._app.jobs, job, int(last[:18]) if last.isdecimal() else 0)
        )
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, headers=headers, media_type="text/event-stream")

    async def version(self, request: Request) -> Response:
        """What serves this."""
        return answer({"tagger": __version__, "api": 1, "host": self._app.host.name})

    async def _counted(self, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        self._readers += 1
        try:
            async for event in events:
                yield event
        finally:
            self._readers -= 1

    async def _present(self, name: str) -> str:
        """A model's own name; raises AbsentError where it is not on disk: this fetches nothing."""
        model = await in_thread(self._app.models.find, name or self._app.default_model)
        if not model.on_disk:
            raise absent(model.name)
        return model.name

    async def _one_of_many(
        self, body: TagsBody, captioner: Captioner, text: str, model: str
    ) -> dict[str, Any]:
        try:
            return await self._one(body, captioner, text, model)
        except BusyError:
            raise
        except TaggerError as error:
            return {"caption": "", "tags": [], "ratings": {}, "error": str(error)}

    async def _one(
        self, body: TagsBody, captioner: Captioner, text: str, model: str
    ) -> dict[str, Any]:
        picture = await self._asking.picture(text)
        enough = _whole if body.scores else captioner.decides
        scores = await self._asking.scores(model, picture, enough)
        return await in_thread(_result, captioner, scores, body.scores)


def _result(captioner: Captioner, scores: Scores, every: bool) -> dict[str, Any]:
    caption = captioner(scores)
    tags = [{"name": t.name, "category": t.category, "score": t.score} for t in caption.tags]
    found = {"caption": caption.text, "tags": tags, "ratings": _named(scores, RATING)}
    return found | ({"scores": _named(scores)} if every else {})


def _named(scores: Scores, category: str | None = None) -> dict[str, float]:
    labels = scores.labels
    places = range(len(labels)) if category is None else labels.of(category).tolist()
    values = cast("list[float]", scores.values.tolist())
    return {labels[at].name: number(values[at]) for at in places if labels[at].name}


def _whole(scores: Scores) -> bool:
    return scores.floor == 0


def _model(row: ModelRow, default: str) -> dict[str, Any]:
    spec = row.spec
    return {
        "name": row.name,
        "state": row.state,
        "default": row.name == default,
        "title": spec.title,
        "family": spec.family,
        "tags": spec.tags,
        "licence": spec.licence,
        "gated": spec.gated,
        "source": spec.source,
        "aliases": list(spec.aliases),
        "size": row.size,
        "device": row.device,
        "dtype": row.dtype,
        "reason": row.reason,
        "job": row.job,
    }
