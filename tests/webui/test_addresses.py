"""A picture from an address: only from public ones, within limits."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("fastapi", reason="fastapi is not installed: no routes here")

from tagger.errors import ImageError
from tagger.webui.api.addresses import Fetcher, is_public
from tagger.webui.api.pictures import AddressError, read_picture


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.0.3", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1", "localhost", "", "1", "0x7f.1",
    ],
)  # fmt: skip
def test_no_address_inside_a_network_is_public(address: str) -> None:
    """This machine, its network, a cloud's metadata, and what leads there in other clothes."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111"])
def test_others_are(address: str) -> None:
    """Addresses of well-known servers."""
    assert is_public(address)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers))  # type: ignore[attr-defined]
        with contextlib.suppress(OSError):  # the reader left
            self.server.answers[self.path.partition("?")[0]](self)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def picture(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "7")
    handler.end_headers()
    handler.wfile.write(b"picture")


def moved_to(place: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", place)
        handler.end_headers()

    return answer


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(4000):
        handler.wfile.write(b"x" * 1000)


def slow(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.1)


def cut_short(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"half")


def status(code: int) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: handler.send_error(code)


class Site:
    """A server on this machine, which names of the internet lead to."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.answers = {  # type: ignore[attr-defined]
            "/a.png": picture,
            "/inside": moved_to("http://intern.example/a.png"),
            "/hop": moved_to("/a.png"),
            "/round": moved_to("/round"),
            "/file": moved_to("file:///etc/hostname"),
            "/endless": endless,
            "/slow": slow,
            "/cut": cut_short,
            "/gone": status(404),
        }
        self.server.seen = []  # type: ignore[attr-defined]
        self.asked: list[str] = []
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def resolve(self, name: str, port: int) -> list[str]:
        """`pictures.example` is this server, other names lie inside."""
        self.asked.append(name)
        return ["127.0.0.1"] if name == "pictures.example" else ["10.0.0.1"]

    def fetcher(self, **changed: object) -> Fetcher:
        """One for which this server is on the internet."""
        plain = {"resolve": self.resolve, "allowed": lambda each: each == "127.0.0.1"}
        return Fetcher(**{**plain, **changed})  # type: ignore[arg-type]

    def url(self, path: str, name: str = "pictures.example") -> str:
        """An address there."""
        return f"http://{name}:{self.port}{path}"


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_picture_is_fetched_from_the_address_that_was_checked(site: Site) -> None:
    """The name is resolved once and sent as Host; nothing else of us is."""
    assert site.fetcher().fetch(site.url("/a.png?size=1")) == b"picture"

    ((path, headers),) = site.server.seen  # type: ignore[attr-defined]
    assert site.asked == ["pictures.example"]
    assert path == "/a.png?size=1"
    assert headers["Host"] == f"pictures.example:{site.port}"
    assert "Cookie" not in headers
    assert "Authorization" not in headers


def test_a_name_that_changes_after_the_check_gains_nothing(site: Site) -> None:
    """The second answer of a resolver is never asked for."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    fetcher = site.fetcher(resolve=lambda name, port: next(answers))

    assert fetcher.fetch(site.url("/a.png")) == b"picture"
    assert next(answers) == ["10.0.0.1"]


@pytest.mark.parametrize(
    ("path", "got"),
    [
        ("/inside", "not public"),
        ("/file", "plain http or https"),
        ("/round", "more than 4 redirects"),
        ("/gone", "status 404"),
        ("/cut", "no answer|a part of a file"),
    ],
)
def test_each_redirect_is_checked_like_the_first_address(site: Site, path: str, got: str) -> None:
    """And there are few of them; what is no whole picture is none."""
    with pytest.raises(ImageError, match=got):
        site.fetcher().fetch(site.url(path))


def test_a_redirect_to_a_public_address_is_followed(site: Site) -> None:
    """A relative one too."""
    assert site.fetcher().fetch(site.url("/hop")) == b"picture"
    assert site.asked == ["pictures.example"] * 2


def test_one_address_inside_spoils_a_name(site: Site) -> None:
    """Of several addresses all must be public."""
    fetcher = site.fetcher(resolve=lambda name, port: ["127.0.0.1", "10.0.0.1"])

    with pytest.raises(ImageError, match="not public"):
        fetcher.fetch(site.url("/a.png"))
    assert not site.server.seen  # type: ignore[attr-defined]


def test_size_and_time_are_limited(site: Site) -> None:
    """A server that sends for ever, or a byte a while, is left."""
    with pytest.raises(ImageError, match="more than 1 MB"):
        site.fetcher(most=1_000_000).fetch(site.url("/endless"))
    with pytest.raises(ImageError, match=r"no answer in 0\.4 s"):
        site.fetcher(seconds=0.4).fetch(site.url("/slow"))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://pictures.example/a", "file:///etc/passwd", "http://", "http://u:p@pictures.example/",
        "http://pictures.example/a b", "http://pictures.example/\r\nX: y", "http://[::1",
        "http://pictures.example:99999/", "gopher://x", "//pictures.example/a",
    ],
)  # fmt: skip
def test_other_addresses_are_refused(site: Site, url: str) -> None:
    """No other scheme, no password, no line break, no nonsense."""
    with pytest.raises(ImageError, match="expected a picture at a public address"):
        site.fetcher().fetch(url)
    assert not site.server.seen  # type: ignore[attr-defined]


def test_what_is_inside_is_not_told_apart(site: Site) -> None:
    """A port that is open, one that is closed and a name that is none give no hint."""
    with pytest.raises(ImageError) as inside:
        Fetcher().fetch(f"http://127.0.0.1:{site.port}/a.png")
    with pytest.raises(ImageError) as closed:
        Fetcher().fetch("http://127.0.0.1:1/")

    assert str(inside.value) == str(closed.value)


def test_addresses_are_refused_where_none_were_allowed() -> None:
    """The sentence says who can allow them."""
    with pytest.raises(AddressError, match="--allow-urls"):
        read_picture(" HTTP://pictures.example/a.png", None)
