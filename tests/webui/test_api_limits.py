"""What a server does not let be done to it: large, slow, many, and odd requests."""

from __future__ import annotations

import base64
import io
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="fastapi is not installed: no routes here")
pytest.importorskip("httpx", reason="httpx is not installed: no client for the routes here")

from tagger.webui import scoring
from tagger.webui.api.calls import Limits

from .conftest import PREFIX, Bench, encoded

Make = Callable[..., Any]
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(bench: Bench, client_of: Make) -> Any:
    return client_of(bench.app())


def test_a_body_over_the_limit_is_refused(bench: Bench, client_of: Make, red: str) -> None:
    """By its announced length before anything is read, or once it has come so far."""
    client = client_of(bench.app(), limits=Limits(body=2000))

    def pieces() -> Iterator[bytes]:
        for _ in range(10):
            yield b" " * 1000

    announced = client.post(f"{PREFIX}tags", content=b" " * 2001, headers=JSON)
    unannounced = client.post(f"{PREFIX}tags", content=pieces(), headers=JSON)

    assert (announced.status_code, unannounced.status_code) == (413, 413)
    assert "at most" in announced.json()["detail"]
    assert client.post(f"{PREFIX}tags", json={"image": red}).status_code == 200


def test_all_bodies_together_have_a_limit_and_give_it_back(
    bench: Bench, client_of: Make, red: str
) -> None:
    """429 with Retry-After; what was answered or refused counts no more."""
    client = client_of(bench.app(), limits=Limits(bodies=1000))

    refused = client.post(f"{PREFIX}tags", content=b" " * 1001, headers=JSON)

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    for _ in range(20):
        assert client.post(f"{PREFIX}tags", json={"image": red}).status_code == 200


def test_more_pictures_than_may_wait_are_told_to_come_later(
    bench: Bench, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """429; those that wait are answered."""
    monkeypatch.setattr(scoring, "QUEUE", 4)
    pictures = [base64.b64encode(encoded(f"#0000{n:02x}")).decode() for n in range(12)]
    bench.gate.clear()
    threading.Timer(0.7, bench.gate.set).start()
    with ThreadPoolExecutor(12) as threads:
        ask = lambda image: client.post(f"{PREFIX}interrogate", json={"image": image})  # noqa: E731
        statuses = [each.status_code for each in threads.map(ask, pictures)]

    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 4
    assert bench.apps[0].scoring.waiting == 0


def bomb(side: int) -> bytes:
    """A small PNG that says it is `side` by `side`."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_a_picture_of_too_many_pixels_is_refused(client: Any) -> None:
    """Before it is decoded."""
    body = {"image": base64.b64encode(bomb(60_000)).decode()}

    for route in ("tags", "interrogate"):
        refused = client.post(f"{PREFIX}{route}", json=body)
        assert refused.status_code == 413
        assert "pixels" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400), (b"{", 400), (b"\xff\xfe{}", 400), (b"[" * 100_000, 400), (b"{}x", 400),
        (b'{"threshold": NaN}', 422), (b'{"threshold": Infinity}', 422),
        (b'{"threshold": -Infinity}', 422), (b'{"threshold": 1e999}', 422),
        (b'{"threshold": ' + b"9" * 5000 + b"}", 400), (b'{"image": "\\ud800"}', 422),
        (b'{"model": "\\ud800"}', 422), (b'{"model": "\\ud83d\\ude00"}', 404),
        (b'{"model": "\\udcff\\u0000"}', 404), (b'{"image": "\\u0000"}', 422),
    ],
)  # fmt: skip
def test_what_is_no_json_or_holds_no_numbers_is_refused(
    client: Any, content: bytes, status: int
) -> None:
    """In a sentence that is JSON itself."""
    refused = client.post(f"{PREFIX}interrogate", content=content, headers=JSON)

    assert refused.status_code == status
    assert isinstance(refused.json()["detail"], str)


def test_another_kind_of_body_is_refused(client: Any, red: str) -> None:
    """A form is no JSON, whatever it holds."""
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/jsonx", "json"):
        refused = client.post(
            f"{PREFIX}tags", content=json.dumps({"image": red}), headers={"Content-Type": kind}
        )
        assert refused.status_code == 415
    for kind in ("application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json"):
        taken = client.post(
            f"{PREFIX}tags", content=json.dumps({"image": red}), headers={"Content-Type": kind}
        )
        assert taken.status_code == 200


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_ANYTHING = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
_BODY_FIELDS = """
    image images model threshold format queue name_in_queue selection scores implied series folder
    files out on_existing extension name recursive encoding include exclude dry_run
"""
_FIELDS = st.sampled_from(_BODY_FIELDS.split())


@given(
    st.sampled_from(["interrogate", "tags", "batch", "unload-interrogators", "models/demo/load"]),
    st.dictionaries(_FIELDS, _ANYTHING, max_size=5) | _ANYTHING,
)
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
def test_wrong_types_anywhere_are_never_a_fault(client: Any, route: str, body: Any) -> None:
    """Every field of every body, with anything in it."""
    answer = client.post(f"{PREFIX}{route}", content=json.dumps(body), headers=JSON)

    assert answer.status_code < 500, (route, body, answer.text)
    if answer.status_code >= 400:
        assert isinstance(answer.json()["detail"], str)


@pytest.fixture
def live(bench: Bench) -> Iterator[tuple[str, int]]:
    """A real server, for what a test's client can't do; its address."""
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed: no server here")
    import fastapi

    from tagger.webui.api import mount

    web = fastapi.FastAPI()
    mount(bench.app(), web, limits=Limits(seconds=0.5))
    server = uvicorn.Server(uvicorn.Config(web, port=0, log_level="error"))
    bound = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([bound],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield bound.getsockname()[:2]
    server.should_exit = True
    thread.join(20)


def test_a_body_that_never_comes_is_given_up(live: tuple[str, int], red: str) -> None:
    """A client that stops in the midst holds nothing for longer than a while."""
    with socket.create_connection(live) as line:
        line.sendall(
            b"POST /tagger/v1/tags HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000\r\n\r\n{"
        )
        line.settimeout(10)
        answer = io.BytesIO()
        while b"\r\n\r\n" not in answer.getvalue():
            answer.write(line.recv(4096))

    assert answer.getvalue().startswith(b"HTTP/1.1 408 ")


def test_a_caller_that_leaves_harms_nobody(
    live: tuple[str, int], bench: Bench, red: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a request, half an answer, half a stream: the next is answered, no fault is told."""
    from tagger.client import Client

    job = bench.apps[0].jobs.start("caption", "long", lambda job: job.pause(3))
    body = json.dumps({"image": red}).encode()
    head = b"POST /tagger/v1/tags HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    for request in (
        head + b"Content-Length: 999\r\n\r\n{",
        head + b"Content-Length: %d\r\n\r\n" % len(body) + body,
        b"GET /tagger/v1/jobs/%s/events HTTP/1.1\r\nHost: x\r\n\r\n" % job.id.encode(),
    ):
        for _ in range(20):
            with socket.create_connection(live) as line:
                line.sendall(request)

    client = Client(f"http://{live[0]}:{live[1]}")
    assert client.interrogate(base64.b64decode(red)).ratings
    assert "fault" not in caplog.text
    job.cancel()
