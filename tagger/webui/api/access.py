"""Who may ask: Basic credentials compared in constant time, origins, this machine's names."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..host import Credentials

REALM = 'Basic realm="Tagger", charset="UTF-8"'
LOCAL_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def is_authorised(header: str | None, credentials: Credentials) -> bool:
    """Whether an `Authorization` header names one of the pairs; always, where there are none.

    Every pair is compared, and by digests, so that the time tells neither which nor how far.
    """
    if not credentials:
        return True
    given = _read_basic(header or "")
    matches = [
        hmac.compare_digest(_digest(user), _digest(given[0]))
        & hmac.compare_digest(_digest(password), _digest(given[1]))
        for user, password in credentials
    ]
    return any(matches) and given != (b"", b"")


def is_foreign(origin: str | None, host: str | None) -> bool:
    """Whether a request comes from a page of another place; `host` is the header of that name."""
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.casefold() != (host or "").casefold() or not host
    except ValueError:  # no address at all
        return True


def host_name(header: str | None) -> str:
    """The name in a `Host` header, without port and brackets."""
    try:
        return (urlsplit(f"//{header or ''}").hostname or "").rstrip(".")
    except ValueError:
        return ""


class Guard:
    """One check before an ASGI application: page, documents, schema and routes alike.

    Without credentials, pages of other places and unknown names of this machine are refused: a
    page in a browser could else reach a server that only listens to its own machine.
    """

    def __init__(
        self, inner: Any, credentials: Callable[[], Credentials], names: Sequence[str] = ()
    ) -> None:
        self._inner = inner
        self._credentials = credentials
        self._names = LOCAL_NAMES | {name.casefold() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a refusal."""
        kind = scope["type"]
        why = self._refusal(headers_of(scope)) if kind in ("http", "websocket") else None
        if why is None:
            await self._inner(scope, receive, send)
        elif kind == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refuse(send, *why)

    def _refusal(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        credentials = self._credentials()
        if not is_authorised(headers.get("authorization"), credentials):
            return 401, "expected user and password: give them by HTTP Basic"
        if credentials:
            return None
        if host_name(headers.get("host")).casefold() not in self._names:
            return 421, "expected this machine's own name as Host: or start `serve` with --auth"
        if is_foreign(headers.get("origin"), headers.get("host")):
            return 403, "expected a page of this server as Origin: or start `serve` with --auth"
        return None


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of an ASGI scope, names in lower case."""
    pairs = scope.get("headers") or ()
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = b'{"detail": "%s"}' % sentence.encode("ascii")
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if status == 401:
        headers.append((b"www-authenticate", REALM.encode("ascii")))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _read_basic(header: str) -> tuple[bytes, bytes]:
    scheme, _, code = header.strip().partition(" ")
    if scheme.casefold() != "basic":
        return b"", b""
    try:
        user, _, password = base64.b64decode(code.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return user, password


def _digest(value: str | bytes) -> bytes:
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return hashlib.sha256(data).digest()
