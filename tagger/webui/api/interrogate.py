"""The predecessors' routes: `interrogate` in both dialects, `interrogators`, unloading."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from fastapi import Request, Response

from ...dialects import (
    EITHER_MODELS,
    FLAT_MODELS,
    NESTED_MODELS,
    InterrogateRequest,
    nested_answer,
    parse_request,
)
from ...dialects import answer as in_dialect
from ...errors import ModelError
from ...scores import Scores
from .asking import Asking, body_of, in_thread
from .calls import RefusedError, answer
from .queues import Queues, Result

_GLANCE_S = 0.02


class Interrogating:
    """The routes of the predecessors, on one App."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._queues = Queues()

    async def interrogate(self, request: Request) -> Response:
        """Tags and ratings of one picture, as the caller's dialect has them."""
        fields = await body_of(request)
        asked = parse_request(fields, self._asking.app.host.preferences().dialect)
        try:
            model = await self._asking.ready(asked.model)
        except ModelError as error:
            if type(error) is not ModelError:
                raise
            raise RefusedError(404, f"Model not found: {error}") from None
        if not asked.queued:
            picture = await self._asking.picture(asked.image)
            scores = await self._scores(model, picture, asked)
            return await in_thread(lambda: answer(in_dialect(scores, asked)))
        if not asked.name_in_queue:
            return answer({"caption": await self._finish(asked.queue or "")})
        return answer({"caption": await self._queue(model, asked)})

    async def interrogators(self, request: Request) -> Response:
        """The models that can be asked for: our names, then those of the predecessors."""
        return answer({"models": await in_thread(self._names)})

    async def unload(self, request: Request) -> Response:
        """Free the memory of all models; a sentence."""
        app = self._asking.app
        count = len(app.scoring.taggers.loaded())
        await in_thread(app.unload)
        return answer(f"Successfully unload {count} model(s)")

    def _names(self) -> list[str]:
        rows = [row for row in self._asking.app.rows() if row.state != "bad"]
        ours = sorted(rows, key=lambda row: row.state not in ("on disk", "loaded"))
        known = {alias for row in rows for alias in row.spec.aliases}
        old = sorted((FLAT_MODELS | NESTED_MODELS | EITHER_MODELS) & known)
        return list(dict.fromkeys([*(row.name for row in ours), *old]))

    async def _scores(self, model: str, picture: bytes, asked: InterrogateRequest) -> Scores:
        return await self._asking.scores(
            model, picture, lambda scores: asked.threshold >= scores.floor
        )

    async def _queue(self, model: str, asked: InterrogateRequest) -> dict[str, dict[str, float]]:
        picture = await self._asking.picture(asked.image)
        name = asked.name_in_queue or ""
        if name == "<sha256>":
            name = hashlib.sha256(picture).hexdigest()
        queue, name = self._queues.enter(asked.queue or "", name)
        try:
            scores = await self._scores(model, picture, asked)
        except BaseException:
            self._queues.leave(queue, name)
            raise
        result = await in_thread(_flat, scores, asked.threshold)
        return self._queues.put(queue, name, asked.model or model, result)

    async def _finish(self, queue: str) -> dict[str, Result]:
        while self._queues.waits(queue):
            await asyncio.sleep(_GLANCE_S)
        results = self._queues.finish(queue)
        if results is None:
            raise RefusedError(404, f"queue: expected one that has pictures, got {queue[:60]!r}")
        return results


def _flat(scores: Scores, threshold: float) -> Result:
    """A picture of a queue as picobyte's gives it: ratings among the tags, with their mark."""
    caption: dict[str, Any] = nested_answer(scores, threshold)["caption"]
    return caption["tag"] | {f"rating:{name}": value for name, value in caption["rating"].items()}
