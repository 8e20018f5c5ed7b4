"""One request: read within limits, answered in JSON, refused in a sentence.

Hosts refuse middleware once they run, so all of this is a route class. Nothing here is pydantic's.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from ...bytecount import readable
from ...errors import (
    BackendError,
    ClosedError,
    DownloadError,
    ImageError,
    ImageSizeError,
    ModelError,
    OptionError,
    StoreError,
    TaggerError,
    UsageError,
)
from ..app import AbsentError, App
from ..jobs import BusyError
from .access import REALM, is_authorised, is_foreign
from .pictures import AddressError

log = logging.getLogger(__name__)

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""How JSON writes a half of a character, alone or with its other half."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class RefusedError(TaggerError):
    """A request that is refused with a status of its own."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


_STATUS: tuple[tuple[type[TaggerError], int], ...] = (
    (BusyError, 429),
    (AddressError, 403),
    (ClosedError, 403),
    (AbsentError, 409),
    (ImageSizeError, 413),
    (ImageError, 422),
    (OptionError, 422),
    (ModelError, 404),
    (UsageError, 422),
    (DownloadError, 502),
    (StoreError, 503),
    (BackendError, 503),
)


@dataclass(frozen=True)
class Limits:
    """What one request, and all at once, may take.

    body: bytes of one. bodies: bytes of all that are being read or wait. seconds: for a body to
    arrive.
    """

    body: int = 128_000_000
    bodies: int = 1 << 30
    seconds: float = 60.0


class Budget:
    """Bytes of bodies that are held at once."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Count bytes; raises BusyError where they are too many."""
        with self._lock:
            if self._held + size > self._most:
                raise BusyError("expected fewer pictures on their way at once: try again later")
            self._held += size

    def give_back(self, size: int) -> None:
        """Count them off."""
        with self._lock:
            self._held -= size


def route_class(app: App, limits: Limits) -> type[APIRoute]:
    """The route class of one application: who asks is checked, errors become sentences."""
    budget = Budget(limits.bodies)

    class Route(APIRoute):
        def get_route_handler(self) -> Handler:
            inner = super().get_route_handler()

            async def handle(request: Request) -> Response:
                body = Body(request, limits, budget)
                request.state.body = body
                try:
                    _admit(app, request)
                    return await inner(request)
                except Exception as error:
                    return refusal(error)
                finally:
                    body.release()

            return handle

    return Route


class Body:
    """The JSON of a request, counted while it arrives."""

    def __init__(self, request: Request, limits: Limits, budget: Budget) -> None:
        self._request, self._limits, self._budget = request, limits, budget
        self._size = 0

    async def read(self) -> Any:
        """Read and parse it.

        Raises:
            RefusedError: no JSON, too large, or too slow.
            BusyError: too much is on its way already.
        """
        kind = self._request.headers.get("content-type", "application/json").partition(";")[0]
        if not kind.strip().lower().endswith(("/json", "+json")):
            raise RefusedError(415, f"expected a body of application/json, got {kind[:60]!r}")
        try:
            data = await asyncio.wait_for(self._bytes(), self._limits.seconds)
        except asyncio.TimeoutError:
            raise RefusedError(408, f"expected the body in {self._limits.seconds:g} s") from None
        if len(data) < 1 << 20:
            return parse(data)
        return await asyncio.get_running_loop().run_in_executor(None, parse, data)

    def release(self) -> None:
        """Count its bytes off."""
        self._budget.give_back(self._size)
        self._size = 0

    async def _bytes(self) -> bytes:
        most = self._limits.body
        announced = self._request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > most:
            raise RefusedError(413, f"expected a body of at most {readable(most)}")
        pieces: list[bytes] = []
        async for piece in self._request.stream():
            self._budget.take(len(piece))
            self._size += len(piece)
            if self._size > most:
                raise RefusedError(413, f"expected a body of at most {readable(most)}, got more")
            pieces.append(piece)
        return b"".join(pieces)


def parse(data: bytes) -> Any:
    """JSON that is JSON: no NaN, no Infinity, no halves of characters. Raises RefusedError."""
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
        return _whole(value) if _HALF.search(data) else value
    except RefusedError:
        raise
    except (ValueError, RecursionError) as error:
        why = "UTF-8" if isinstance(error, UnicodeDecodeError) else "whole JSON"
        raise RefusedError(400, f"body: expected {why}, got something else") from None


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response; what a file's name holds that is no text is escaped."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Response(text, status, headers, "application/json")


def refusal(error: Exception) -> Response:
    """What went wrong as `{"detail": sentence}`, with the status that fits."""
    if isinstance(error, HTTPException):
        detail = error.detail if isinstance(error.detail, str) else json.dumps(error.detail)
        return answer({"detail": detail}, error.status_code, dict(error.headers or {}))
    if isinstance(error, RefusedError):
        headers = {"WWW-Authenticate": REALM} if error.status == 401 else None
        return answer({"detail": str(error)}, error.status, headers)
    if isinstance(error, ClientDisconnect):  # nobody reads this
        return answer({"detail": "expected a whole body, got a part of one"}, 400)
    for kind, status in _STATUS:
        if isinstance(error, kind):
            headers = {"Retry-After": "2"} if status == 429 else None
            return answer({"detail": str(error)}, status, headers)
    log.error("a fault of Tagger", exc_info=error)
    return answer({"detail": f"{type(error).__name__}: this is a fault of Tagger"}, 500)


def _admit(app: App, request: Request) -> None:
    """Refuse who may not ask, and what a page of another place sends without asking first.

    A browser asks before it sends JSON elsewhere, and the host's own rules answer; a plain form
    it sends unasked.
    """
    headers = request.headers
    if not is_authorised(headers.get("authorization"), app.host.credentials()):
        raise RefusedError(401, "expected user and password: give them by HTTP Basic")
    foreign = is_foreign(headers.get("origin"), headers.get("host"))
    simple = not headers.get("content-type", "").partition(";")[0].strip().endswith("json")
    if foreign and simple and request.method == "POST":
        raise RefusedError(403, "expected application/json from a page of another place")


def _whole(value: Any) -> Any:
    """Refuse text that no file and no name can hold; a byte that is no UTF-8 a path may have."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise RefusedError(
            422, f"body: expected whole characters, got half of one ({half})"
        ) from None
    return value


def _no_number(name: str) -> NoReturn:
    raise RefusedError(422, f"body: expected numbers, got {name}")
