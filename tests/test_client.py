"""The HTTP client, against a stand-in for servers of both dialects."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tagger.client import Client, Interrogated
from tagger.errors import ImageError, TaggerError, UsageError

TAGS = {"1girl": 0.99, "long_hair": 0.8}
RATINGS = {"general": 0.9, "sensitive": 0.1, "questionable": 0.0, "explicit": 0.0}
FLAT = {"caption": {**RATINGS, **TAGS}}
NESTED = {"caption": {"tag": TAGS, "rating": RATINGS}}


@dataclass
class Server:
    """What the stand-in answers, and what it was asked."""

    status: int = 200
    answer: Any = field(default_factory=lambda: NESTED)
    raw: bytes | None = None
    password: str | None = None
    slow: float = 0.0
    asked: list[tuple[str, str, Any, dict[str, str]]] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    """Reads a JSON body, answers what it was told to."""

    server_state: Server

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._answer(json.loads(self.rfile.read(length)))

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def _answer(self, body: Any) -> None:
        state = self.server_state
        headers = {key.lower(): value for key, value in self.headers.items()}
        state.asked.append((self.command, self.path, body, headers))
        time.sleep(state.slow)
        status, answer = state.status, state.answer
        if state.password and headers.get("authorization") != state.password:
            status, answer = 401, {"detail": "Not authenticated"}
        content = json.dumps(answer).encode() if state.raw is None else state.raw
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the client has waited long enough
            self.wfile.write(content)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A running stand-in."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    state = Server()
    handler = type("Bound", (Handler,), {"server_state": state})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    http.block_on_close = False
    state.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.mark.parametrize("answer", [FLAT, NESTED], ids=["flat", "nested"])
def test_both_dialects_give_the_same(server: Server, answer: object) -> None:
    """Whatever the server, tags are tags and ratings are ratings."""
    server.answer = answer

    found = Client(server.url).interrogate(b"picture", model="wd14-vit-v2", threshold=0.35)

    assert found == Interrogated(TAGS, RATINGS, "wd14-vit-v2")


def test_what_is_sent_is_what_servers_take(server: Server) -> None:
    """The route, plain base64, and only the fields that were given."""
    Client(server.url + "/").interrogate(b"picture", model="m", threshold=0.5)
    Client(server.url).interrogate(b"picture")

    (method, path, body, _), (_, _, bare, _) = server.asked
    assert (method, path) == ("POST", "/tagger/v1/interrogate")
    assert body == {"image": base64.b64encode(b"picture").decode(), "model": "m", "threshold": 0.5}
    assert bare == {"image": body["image"]}


def sent(server: Server) -> bytes:
    """The bytes of the last picture."""
    return base64.b64decode(server.asked[-1][2]["image"])


def test_a_file_is_sent_as_it_is(server: Server, tmp_path: Path) -> None:
    """By path or by text; EXIF and profile are the server's to apply."""
    file = tmp_path / "a [1].jpg"
    file.write_bytes(b"\xff\xd8 the very bytes")

    Client(server.url).interrogate(file)
    assert sent(server) == file.read_bytes()
    Client(server.url).interrogate(str(file))
    assert sent(server) == file.read_bytes()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16", "CMYK", "RGBa"])
def test_an_opened_image_is_sent_as_png(server: Server, mode: str) -> None:
    """Without loss where PNG has the mode, alpha kept."""
    pixels = np.random.default_rng(0).integers(0, 255, (5, 7, 4), np.uint8)
    image = Image.fromarray(pixels, "RGBA")
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    else:
        image = image.convert(mode) if mode != "LA" else image.convert("L").convert("LA")

    Client(server.url).interrogate(image)

    arrived = Image.open(io.BytesIO(sent(server)))
    assert arrived.format == "PNG"
    assert arrived.size == (7, 5)
    if mode not in ("CMYK", "RGBa"):
        np.testing.assert_array_equal(np.asarray(arrived), np.asarray(image))
    assert ("A" in arrived.getbands()) == (mode in ("RGBA", "LA", "RGBa"))


def test_models_are_listed_and_unloaded(server: Server) -> None:
    """The two other routes of the predecessors."""
    server.answer = {"models": ["wd14-vit.v2", "mine"]}
    assert Client(server.url).models() == ("wd14-vit.v2", "mine")
    server.answer = "Successfully unload 1 model(s)"
    assert Client(server.url).unload() == "Successfully unload 1 model(s)"

    assert [asked[:3] for asked in server.asked] == [
        ("GET", "/tagger/v1/interrogators", None),
        ("POST", "/tagger/v1/unload-interrogators", {}),
    ]


def test_user_and_password_are_sent(server: Server) -> None:
    """HTTP Basic, and no password in what a log may show."""
    server.password = "Basic " + base64.b64encode("käthe:geheim".encode()).decode()
    client = Client(server.url, auth=("käthe", "geheim"))

    assert client.interrogate(b"x").tags == TAGS
    assert "geheim" not in repr(client)
    with pytest.raises(TaggerError, match=r"401 \(Not authenticated\): give its user and password"):
        Client(server.url).interrogate(b"x")


@pytest.mark.parametrize(
    ("status", "answer", "sentence"),
    [
        (404, {"detail": "Model not found"}, r"got 404 \(Model not found\)"),
        (404, "nothing of ours", r"got 404 \(Not Found\)"),
        (500, {"detail": "Invalid encoded image"}, r"got 500 \(Invalid encoded image\)"),
        (422, {"detail": [{"loc": ["body"], "msg": "wrong\ntype"}]}, r"got 422 \(.*loc"),
        (409, {"detail": "x" * 10_000}, r"got 409 \(x{200}\)"),
        (200, {"caption": None}, "expected the answer of a tagger"),
        (200, [1, 2], "expected the answer of a tagger"),
    ],
)
def test_a_refusal_is_one_sentence(
    server: Server, status: int, answer: object, sentence: str
) -> None:
    """What the server says of it is in it."""
    server.status, server.answer = status, answer

    with pytest.raises(TaggerError, match=sentence) as caught:
        Client(server.url).interrogate(b"x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("raw", [b"<html>Gradio</html>", b"", b"\xff\xfe", b"[" * 100_000])
def test_other_text_is_one_sentence(server: Server, raw: bytes) -> None:
    """A page, nothing, no text, JSON without end."""
    server.raw = raw
    with pytest.raises(TaggerError, match="expected whole JSON, got other text: is a tagger there"):
        Client(server.url).interrogate(b"x")


def test_a_list_of_models_that_is_none_is_one_sentence(server: Server) -> None:
    """Another program's route of that name."""
    for answer in ({"models": "all"}, ["a"], None):
        server.answer = answer
        with pytest.raises(TaggerError, match="expected a list of models"):
            Client(server.url).models()


def test_nobody_there_is_one_sentence(server: Server) -> None:
    """The address is named."""
    with pytest.raises(
        TaggerError, match=r"http://127\.0\.0\.1:9: expected a tagger's answer, got .*running"
    ):
        Client("http://127.0.0.1:9").models()


def test_an_answer_that_takes_too_long_is_one_sentence(server: Server) -> None:
    """With the seconds waited."""
    server.slow = 0.5
    with pytest.raises(TaggerError, match=r"expected an answer within 0\.1 seconds, got none"):
        Client(server.url, timeout=0.1).interrogate(b"x")


def test_an_answer_cut_short_is_one_sentence(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server died while it spoke."""
    server.raw = json.dumps(NESTED).encode()[:40]
    real = Handler.send_header

    def promise(self: Handler, key: str, value: str) -> None:
        real(self, key, str(int(value) + 100) if key == "Content-Length" else value)

    monkeypatch.setattr(Handler, "send_header", promise)
    with pytest.raises(TaggerError, match="expected whole JSON, got other text"):
        Client(server.url).interrogate(b"x")


def test_a_file_that_is_gone_is_an_image_error(tmp_path: Path) -> None:
    """Nothing is sent."""
    with pytest.raises(ImageError, match=r"gone\.png: no such file"):
        Client("http://127.0.0.1:9").interrogate(tmp_path / "gone.png")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:7860", "file:///etc/passwd", "http://", "http://user:secret@host"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """At once, and a password in it is not repeated."""
    with pytest.raises(UsageError, match="expected an address such as") as caught:
        Client(url)
    assert "secret" not in str(caught.value)


def test_threads_share_a_client(server: Server) -> None:
    """Eight at once, each with its own picture."""
    client = Client(server.url)
    threads = [threading.Thread(target=client.interrogate, args=(bytes([n]),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    pictures = {base64.b64decode(body["image"]) for _, _, body, _ in server.asked}
    assert pictures == {bytes([n]) for n in range(8)}
