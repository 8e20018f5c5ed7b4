"""A stand-in for the Hugging Face hub on loopback, well behaved or not."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 1000  # files of so many bytes are "LFS": redirected to another host, SHA-256 as ETag


@dataclass
class Hub:
    """What the stand-in holds and how it misbehaves.

    cut: bytes after which a connection is cut, once for each entry. declared: path to the size
    that is told. spoilt: path to other content of the same size, sent instead. refuse: status and
    headers for the next requests, once for each entry. slow: seconds before a body.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cut: list[int] = field(default_factory=list)
    declared: dict[str, int] = field(default_factory=dict)
    spoilt: dict[str, bytes] = field(default_factory=dict)
    refuse: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    ranges: bool = True
    slow: float = 0.0
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    port: int = 0
    commit: str = COMMIT

    @property
    def endpoint(self) -> str:
        """What HF_ENDPOINT is set to."""
        return f"http://127.0.0.1:{self.port}"

    def asked(self, method: str, part: str = "") -> list[dict[str, str]]:
        """The headers of the requests of this method whose path holds `part`."""
        return [headers for m, path, headers in self.seen if m == method and part in path]


class Handler(BaseHTTPRequestHandler):
    """Speaks as much of `/{repo}/resolve/{revision}/{path}` as a download needs."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def _answer(self, body: bool) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.seen.append((self.command, path, {k.lower(): v for k, v in self.headers.items()}))
        if hub.refuse:
            status, headers = hub.refuse.pop(0)
            self._send(status, headers)
            return
        if path.startswith("/cdn/"):
            self._content(path.removeprefix("/cdn/"), {}, body)
            return
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        name = f"{match[1]}/{match[3]}" if match else ""
        if name not in hub.files or not match or match[2] not in ("main", COMMIT):
            self._send(404, {"X-Error-Code": "EntryNotFound"})
            return
        self._found(name, body)

    def _found(self, name: str, body: bool) -> None:
        content = self.hub.files[name]
        size = str(self.hub.declared.get(name, len(content)))
        common = {"X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if len(content) >= LARGE:
            etag = f'"{hashlib.sha256(content).hexdigest()}"'
            large = {"X-Linked-Size": size, "X-Linked-ETag": etag, "ETag": etag}
            where = f"http://localhost:{self.hub.port}/cdn/{name}"
            self._send(302, {**common, **large, "Location": where})
            return
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        self._content(name, {**common, "ETag": f'"{blob}"'}, body)

    def _content(self, name: str, headers: dict[str, str], body: bool) -> None:
        hub = self.hub
        content = hub.spoilt.get(name, hub.files[name])
        size = hub.declared.get(name, len(content))
        start, status = 0, 200
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and hub.ranges:
            start, status = int(asked[1]), 206
            if start >= size:
                self._send(416, {})
                return
            headers = {**headers, "Content-Range": f"bytes {start}-{size - 1}/{size}"}
        cut = hub.cut.pop(0) if body and hub.cut else None
        time.sleep(hub.slow if body else 0)
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(size - start)}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            with contextlib.suppress(ConnectionError):  # the other end has heard enough
                self.wfile.write(content[start:][:cut])
            if cut is not None or len(content) != size:
                self.close_connection = True

    def _send(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(key, value)
        self.end_headers()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A running stand-in that HF_ENDPOINT names."""
    state = Hub()
    handler = type("Bound", (Handler,), {"hub": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", state.endpoint)
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
