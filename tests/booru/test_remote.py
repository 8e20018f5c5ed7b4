"""Sources at an address are brought whole, over servers that cut, throttle, move and refuse."""

from __future__ import annotations

import gzip
import json
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tagger.booru import remote
from tagger.booru.formats import read_source
from tagger.booru.polite import TRIES
from tagger.booru.remote import Remote, bring, look, origin
from tagger.booru.stores import is_address, shown
from tagger.cli import main
from tagger.errors import DatasetError, DownloadError

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

POSTS = "".join(
    json.dumps({"id": n, "rating": "g", "file_ext": "png", "tag_string": "solo mira"}) + "\n"
    for n in range(200)
).encode()


class Server:
    """Files on the loopback, and what goes wrong, a word for each GET."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.ranges = self.says_size = True
        self.tag: str | None = '"1"'
        self.moved: dict[str, str] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                server.answer(self, body=False)

            def do_GET(self) -> None:
                server.asked.append((self.path, self.headers.get("Range", "")))
                server.answer(self, body=True)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, to: BaseHTTPRequestHandler, *, body: bool) -> None:
        self.headers.append({name.lower(): value for name, value in to.headers.items()})
        fault = self.faults.pop(0) if body and self.faults else ""
        path = to.path.partition("?")[0]
        if path in self.moved:
            to.send_response(302)
            to.send_header("Location", self.moved[path])
            to.send_header("Content-Length", "0")
            return to.end_headers()
        if path not in self.files or fault.isdigit():
            to.send_response(int(fault or 404))
            to.send_header("Retry-After", "7")
            to.send_header("Content-Length", "0")
            return to.end_headers()
        return self.send(to, self.files[path], fault, body=body)

    def send(self, to: BaseHTTPRequestHandler, data: bytes, fault: str, *, body: bool) -> None:
        page = to.path.endswith("/")
        start, end = 0, len(data)
        if self.ranges and (asked := to.headers.get("Range")) and not page:
            start, last = (int(each) for each in asked.removeprefix("bytes=").split("-"))
            end = min(last + 1, len(data))
            to.send_response(206)
            to.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        else:
            to.send_response(200)
        own = data[start:end]
        if "gzip" in to.headers.get("Accept-Encoding", ""):
            own = gzip.compress(own)
            to.send_header("Content-Encoding", "gzip")
        if self.says_size:
            to.send_header("Content-Length", str(len(own)))
        if page:
            to.send_header("Content-Type", "text/html")
        if self.tag:
            to.send_header("ETag", self.tag)
        to.end_headers()
        if body:
            to.wfile.write(own[: len(own) // 2] if fault == "cut" else own)
        to.close_connection = True


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGGER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(remote, "PIECE", 4000)


def brought(address: str, waits: list[float] | None = None) -> Path:
    """Look and bring, noting the waits instead of waiting."""
    slept = (waits if waits is not None else []).append
    found = look(address, slept)
    assert isinstance(found, Remote)
    return bring(found, sleep=slept)


def ids(connection: Any, source: Path) -> list[int]:
    read_source(connection, source, 0)
    return [row[0] for row in connection.execute("SELECT id FROM posts ORDER BY id").fetchall()]


def test_an_address_is_no_path() -> None:
    """A drive of Windows is none, nor is a name with a colon."""
    assert all(map(is_address, ("https://a/b", "s3://b/c", "hf://datasets/a/b", "memory://x")))
    assert not any(map(is_address, ("C:\\posts", "C://posts", "posts.json", "a:b", "https:/a")))


def test_a_compressed_file_over_http_reads_as_on_the_disk(
    server: Server, connection: Any, tmp_path: Path
) -> None:
    """In pieces, each asked for by its range, and bit by bit the same file under its own name."""
    # what gzip can't make smaller than some pieces
    data = gzip.compress(POSTS, compresslevel=0)
    server.files["/dump/posts000.json.gz"] = data
    source = brought(f"http://{server.host}/dump/posts000.json.gz")
    assert source.name == "posts000.json.gz"
    assert source.read_bytes() == data
    assert [own for _, own in server.asked][:2] == ["bytes=0-3999", "bytes=4000-7999"]
    assert ids(connection, source) == list(range(200))


def test_a_folder_over_http_is_what_its_page_lists(server: Server, connection: Any) -> None:
    """Without pictures, without what lies elsewhere, without names that lead out."""
    names = ["posts.json", "tags.json", "readme.txt", "images/", "../../etc.json", "/posts9.json"]
    page = "".join(f'<a href="{name}">x</a>' for name in [*names, "http://b.example/posts1.json"])
    server.files |= {
        "/d/": page.encode(),
        "/d/posts.json": POSTS,
        "/d/tags.json": b'{"name": "mira", "category": 4, "post_count": 9}\n',
        "/posts9.json": POSTS,
    }
    source = brought(f"http://{server.host}/d/")
    assert source.name == "d"
    assert sorted(path.name for path in source.rglob("*")) == ["posts.json", "tags.json"]
    assert ids(connection, source) == list(range(200))


def test_what_the_folder_no_longer_has_goes(server: Server) -> None:
    """A shard that was renamed would be read twice."""
    for name in ("posts1.json", "posts2.json"):
        server.files = {"/d/": f'<a href="{name}">x</a>'.encode(), f"/d/{name}": POSTS}
        source = brought(f"http://{server.host}/d/")
        assert [path.name for path in source.iterdir()] == [name]


def test_a_cut_connection_is_gone_on_with(server: Server) -> None:
    """What came whole is not asked for again, and nothing is lost or doubled."""
    server.files["/posts.json"] = POSTS
    server.faults = ["", "cut", "", "cut", "cut"]
    waits: list[float] = []
    assert brought(f"http://{server.host}/posts.json", waits).read_bytes() == POSTS
    assert [own for _, own in server.asked].count("bytes=0-3999") == 1
    assert len(waits) == 3


def test_a_server_without_ranges_is_read_from_the_beginning(server: Server) -> None:
    """Also one that breaks off, and one that says no size."""
    server.files["/posts.json"] = POSTS
    server.ranges = False
    server.faults = ["", "", "cut"]
    assert brought(f"http://{server.host}/posts.json").read_bytes() == POSTS
    server.says_size, server.tag = False, '"2"'
    assert brought(f"http://{server.host}/posts.json").read_bytes() == POSTS


def test_a_later_run_goes_on_where_one_ended(server: Server) -> None:
    """After all tries the part stays; the next run asks for the rest alone."""
    server.files["/posts.json"] = POSTS
    server.faults = ["", "", *["503"] * TRIES]
    with pytest.raises(DownloadError, match="answers 503: run it again later, it goes on"):
        brought(f"http://{server.host}/posts.json")
    server.asked.clear()
    assert brought(f"http://{server.host}/posts.json").read_bytes() == POSTS
    assert server.asked[0][1] == "bytes=8000-11999"


def test_what_is_here_is_not_brought_again_unless_it_changed(server: Server) -> None:
    """By the tag that the server gives a file; without any it is brought each time."""
    address = f"http://{server.host}/posts.json"
    server.files["/posts.json"] = POSTS
    brought(address)
    server.asked.clear()
    brought(address)
    assert server.asked == []
    server.files["/posts.json"], server.tag = POSTS[:-10] + b"\n" * 10, '"2"'
    assert brought(address).read_bytes() == server.files["/posts.json"]
    server.tag = None
    for _ in range(2):
        server.asked.clear()
        brought(address)
        assert server.asked


def test_a_part_of_what_has_changed_is_thrown_away(server: Server) -> None:
    """Half of one file and half of another would be neither."""
    server.files["/posts.json"] = POSTS
    server.faults = ["", *["503"] * TRIES]
    with pytest.raises(DownloadError):
        brought(f"http://{server.host}/posts.json")
    server.files["/posts.json"], server.tag = POSTS[::-1], '"2"'
    assert brought(f"http://{server.host}/posts.json").read_bytes() == POSTS[::-1]


def test_a_site_that_asks_to_wait_is_waited_for(server: Server) -> None:
    """As long as it says."""
    server.files["/posts.json"] = POSTS
    server.faults = ["429"]
    waits: list[float] = []
    assert brought(f"http://{server.host}/posts.json", waits).read_bytes() == POSTS
    assert waits == [7.0]


def test_nothing_there_is_said_at_once(server: Server) -> None:
    """Without another try, and with nothing written."""
    waits: list[float] = []
    with pytest.raises(DatasetError, match=r"/posts\.json: expected a source there, got nothing"):
        brought(f"http://{server.host}/posts.json", waits)
    assert waits == []


def test_nobody_there_is_said_at_once(server: Server) -> None:
    """A port that is closed, a host that is none."""
    waits: list[float] = []
    for host in ("127.0.0.1:9", "no-such-host.invalid"):
        with pytest.raises(DownloadError, match="can't be reached"):
            brought(f"http://{host}/posts.json", waits)
    assert waits == []


def test_a_redirect_is_followed_and_the_account_stays_behind(server: Server) -> None:
    """The other host gets no password; the file keeps the name that was asked for."""
    other = Server()
    other.files["/deep/blob17"] = POSTS
    server.moved["/posts.json"] = f"http://{other.host}/deep/blob17"
    source = brought(f"http://joe:hushhush@{server.host}/posts.json")
    assert source.name == "posts.json"
    assert source.read_bytes() == POSTS
    assert all("authorization" in each for each in server.headers)
    assert not any("authorization" in each for each in other.headers)
    other.server.shutdown()
    other.server.server_close()


def test_no_secret_of_an_address_is_said_or_kept(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in an error and what it is raised from, nor in a log, nor on the disk."""
    address = f"http://joe:hushhush@{server.host}/posts.json?signature=topsecret#topsecret"
    errors: list[str] = []
    for fault in ("404", "403", "418", "503", "cut"):
        server.files["/posts.json"] = POSTS
        server.faults = [fault] * TRIES
        with pytest.raises((DatasetError, DownloadError)) as caught:
            brought(address)
        error: BaseException | None = caught.value
        while error is not None:
            errors.append(str(error))
            error = error.__cause__
    server.faults = []
    source = brought(address)
    kept = [path.read_text() for path in (tmp_path / "home").rglob("address.json")]
    names = [str(path) for path in (tmp_path / "home").rglob("*")]
    assert origin(source) == f"http://{server.host}/posts.json?..."
    for text in [*errors, *kept, *names, caplog.text]:
        assert "hushhush" not in text
        assert "topsecret" not in text


def test_an_address_is_shown_without_its_secrets() -> None:
    """The host, its port and the path stay."""
    assert (
        shown("https://joe:pw@a.example:8/x/y.json?key=1#2") == "https://a.example:8/x/y.json?..."
    )
    assert shown("s3://bucket/x/posts.json.gz") == "s3://bucket/x/posts.json.gz"


@pytest.mark.parametrize("folder", [False, True])
def test_any_store_of_fsspec_serves(folder: bool, connection: Any) -> None:
    """Here one in memory: a file, or a folder whose pictures are passed by."""
    store = fsspec.filesystem("memory")
    store.pipe("/bucket/dump/posts.json.gz", gzip.compress(POSTS))
    store.pipe("/bucket/dump/0001/1.json", b"{}")
    source = brought("memory://bucket/dump" + ("" if folder else "/posts.json.gz"))
    assert [path.name for path in source.parent.rglob("*.gz")] == ["posts.json.gz"]
    assert not list(source.parent.rglob("1.json"))
    assert ids(connection, source) == list(range(200))
    store.rm("/bucket", recursive=True)


def test_a_disk_that_has_no_room_is_not_filled(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused before anything is brought."""
    server.files["/posts.json"] = POSTS
    monkeypatch.setattr(remote.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(
        DatasetError, match=r"expected \d+,\d+ bytes free in .*, got 10: set TAGGER"
    ):
        brought(f"http://{server.host}/posts.json")
    assert server.asked == []


@pytest.mark.parametrize(
    ("missing", "address", "said"),
    [
        ("fsspec", "https://a.example/posts.json", r'pip install ".*\[remote\]"'),
        ("aiohttp", "https://a.example/posts.json", r'pip install ".*\[remote\]"'),
        (
            "s3fs",
            "s3://bucket/posts.json",
            "expected a package for s3://, got none: `pip install s3fs`",
        ),
    ],
)
def test_a_missing_package_is_named(
    missing: str, address: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what installs it; nothing is installed by itself."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(DatasetError, match=said):
        look(address)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nowhere://a/posts.json", "expected an address that fsspec knows, got nowhere://"),
        ("simplecache::https://a.example/posts.json", "expected one address, got a chain"),
        ("https://a.example/d/?key=hush", "expected a file's name before `?`"),
        ("memory://bucket/none", "expected a source there, got nothing"),
        ("https://a.example/a%2Fb%3A", "expected an address that ends with a file's name"),
    ],
)
def test_an_address_that_can_be_none_is_refused(address: str, said: str) -> None:
    """In one sentence, without a wait."""
    with pytest.raises(DatasetError) as caught:
        look(address, pytest.fail)
    assert said in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_file_address_is_a_path(tmp_path: Path) -> None:
    """What is on this machine is read where it is."""
    assert look((tmp_path / "my posts.json").as_uri()) == tmp_path / "my posts.json"


def test_the_command_builds_from_an_address(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it says of itself is the address, without its secret; pictures need a folder."""
    server.files["/posts.json"] = POSTS
    address = f"http://{server.host}/posts.json?key=hushhush"
    build = ["dataset", "build", address, "--out", str(tmp_path / "out"), "--minimum-count", "1"]
    build += ["--maximum-share", "1"]
    assert main(build) == 2
    assert main([*build, "--images", "https://a.example/pictures"]) == 2
    assert main([*build, "--unseen", "--dry-run"]) == 0
    assert server.asked == []
    assert main([*build, "--unseen"]) == 0
    about = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert about["sources"][0]["metadata"] == f"http://{server.host}/posts.json?..."
    said = capsys.readouterr()
    assert re.search(r"1 file, [1-9][\d.]* kB, to be brought", said.out)
    assert said.err.count("--images: expected a folder for the pictures") == 2
    assert "hushhush" not in said.out + said.err + json.dumps(about)
