"""Posts and pictures are fetched from a site that throttles, drops connections and repeats."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tagger.booru.download import DownloadOptions, download
from tagger.booru.fetch import FetchOptions, fetch
from tagger.booru.formats import read_source
from tagger.booru.polite import Asker
from tagger.booru.sites import SITES
from tagger.errors import DatasetError, DownloadError, OptionError

DAY = "2020-01-{:02d}T00:00:00.000-05:00"
PICTURE = bytes(range(256)) * 40
MD5 = hashlib.md5(PICTURE).hexdigest()


def danbooru_post(number: int) -> dict[str, Any]:
    return {
        "id": number, "created_at": DAY.format(number % 27 + 1), "rating": "gsqe"[number % 4],
        "md5": MD5, "file_ext": "png", "image_width": 5, "image_height": 6, "score": number,
        "parent_id": None, "is_deleted": False, "tag_string": "solo mira",
        "tag_string_general": "solo", "tag_string_character": "mira",
    }  # fmt: skip


def e621_post(number: int) -> dict[str, Any]:
    return {
        "id": number, "created_at": DAY.format(3), "rating": "s", "score": {"total": 4},
        "file": {"md5": MD5, "ext": "png", "width": 5, "height": 6, "size": 9, "url": None},
        "flags": {"deleted": False}, "relationships": {"parent_id": None},
        "tags": {"general": ["solo"], "species": ["wolf"]},
    }  # fmt: skip


class Site:
    """A site on the loopback: posts by id, and what goes wrong, a word for each request."""

    def __init__(self) -> None:
        self.posts = [danbooru_post(number) for number in range(1, 501)]
        self.nested = False
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                site.headers.append({name.lower(): value for name, value in self.headers.items()})
                fault = site.faults.pop(0) if site.faults else ""
                site.answer(self, fault)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, to: BaseHTTPRequestHandler, fault: str) -> None:
        if fault.isdigit():
            to.send_response(int(fault))
            to.send_header("Retry-After", "7")
            to.end_headers()
            return
        body, status = self.body(to, fault), 200
        start = to.headers.get("Range", "")
        if start and fault != "no ranges":
            body, status = body[int(start.split("=")[1].rstrip("-")) :], 206
        to.send_response(status)
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.write(body[: len(body) // 2] if fault == "drop" else body)

    def body(self, to: BaseHTTPRequestHandler, fault: str) -> bytes:
        address = urlsplit(to.path)
        if address.path != "/posts.json":
            return b"another picture" if fault == "altered" else PICTURE
        query = parse_qs(address.query)
        before = int(query.get("page", ["b999999"])[0][1:])
        if fault == "repeat":
            before += 3
        found = [post for post in reversed(self.posts) if post["id"] < before]
        for word in query.get("tags", [""])[0].split():
            if word.startswith("rating:"):
                found = [post for post in found if post["rating"] == word[7:]]
        page = found[: int(query["limit"][0])]
        return json.dumps({"posts": page} if self.nested else page).encode()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site()
    for name in ("DANBOORU", "E621"):
        monkeypatch.setenv(f"{name}_URL", made.url)
        monkeypatch.setenv(f"{name}_FILES_URL", made.url)
    yield made
    made.server.shutdown()
    made.server.server_close()


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


Ask = Callable[..., Asker]


@pytest.fixture
def asker(time: Time) -> Asker:
    return Asker(1.0, None, time.sleep, time.clock)


def ids(path: Path) -> list[int]:
    with sqlite3.connect(path) as database:
        return [number for (number,) in database.execute("SELECT id FROM posts ORDER BY id DESC")]


def test_the_newest_posts_come_page_by_page(site: Site, tmp_path: Path, asker: Asker) -> None:
    """As many as asked for, from the newest on, each page before the last one's lowest id."""
    out = tmp_path / "posts.db"
    assert fetch(SITES["danbooru"], FetchOptions(out=out, limit=250), asker) == 250
    assert ids(out) == list(range(500, 250, -1))
    assert [parse_qs(urlsplit(path).query).get("page") for path in site.asked] == [None, ["b301"]]


def test_no_faster_than_agreed(site: Site, tmp_path: Path, time: Time, asker: Asker) -> None:
    """A second between two requests, and the User-Agent says who asks."""
    fetch(SITES["danbooru"], FetchOptions(out=tmp_path / "a.db", limit=500), asker)
    assert time.slept == [1.0] * (len(site.asked) - 1)
    assert all("sd-webui-tagger/" in headers["user-agent"] for headers in site.headers)


def test_a_site_that_throttles_is_waited_for(
    site: Site, tmp_path: Path, time: Time, asker: Asker
) -> None:
    """As long as it asks; a dropped connection and a server's fault are tried again too."""
    site.faults = ["429", "503", "drop", ""]
    out = tmp_path / "a.db"
    assert fetch(SITES["danbooru"], FetchOptions(out=out, limit=10), asker) == 10
    assert time.slept.count(7.0) == 2
    assert len(site.asked) == 4


def test_a_site_that_only_refuses_is_left_in_peace(
    site: Site, tmp_path: Path, asker: Asker
) -> None:
    """After some tries; what was fetched before stays, and the next run goes on."""
    out = tmp_path / "a.db"
    site.faults = ["", *["503"] * 6]
    with pytest.raises(DownloadError, match="answers 503: run it again later"):
        fetch(SITES["danbooru"], FetchOptions(out=out, limit=400), asker)
    assert ids(out) == list(range(500, 300, -1))
    site.asked.clear()
    assert fetch(SITES["danbooru"], FetchOptions(out=out, limit=400), asker) == 400
    assert ids(out) == list(range(500, 100, -1))
    assert len(site.asked) == 1


def test_a_larger_limit_goes_on_where_the_smaller_ended(
    site: Site, tmp_path: Path, asker: Asker
) -> None:
    """No post is skipped or asked for twice."""
    for limit in (30, 31, 250):
        fetch(SITES["danbooru"], FetchOptions(out=tmp_path / "a.db", limit=limit), asker)
        assert ids(tmp_path / "a.db") == list(range(500, 500 - limit, -1))


def test_a_page_that_repeats_is_cut(site: Site, tmp_path: Path, asker: Asker) -> None:
    """Posts that came already are not counted again."""
    site.faults = ["", "repeat"]
    assert fetch(SITES["danbooru"], FetchOptions(out=tmp_path / "a.db", limit=300), asker) == 300
    assert ids(tmp_path / "a.db") == list(range(500, 200, -1))


def test_as_many_of_each_rating(site: Site, tmp_path: Path, asker: Asker) -> None:
    """And where a site has fewer, those it has."""
    out = tmp_path / "a.db"
    options = FetchOptions(out=out, limit=130, per_rating=True)
    assert fetch(SITES["danbooru"], options, asker) == 500
    with sqlite3.connect(out) as database:
        counts = database.execute("SELECT rating, count(*) FROM posts GROUP BY rating").fetchall()
    assert dict(counts) == {"g": 125, "s": 125, "q": 125, "e": 125}


def test_young_posts_are_left_out(site: Site, tmp_path: Path, asker: Asker) -> None:
    """Their tags have not settled; what does not say when it was made counts as old."""
    for post in site.posts[490:]:
        post["created_at"] = "2999-01-01T00:00:00.000Z"
    fetch(SITES["danbooru"], FetchOptions(out=tmp_path / "a.db", limit=5), asker)
    assert ids(tmp_path / "a.db") == [490, 489, 488, 487, 486]


def test_many_young_posts_are_not_asked_for_page_by_page(
    site: Site, tmp_path: Path, asker: Asker
) -> None:
    """Where they end is found by halving, of a query with gaps too; no settled post is missed."""
    site.posts = [danbooru_post(number) for number in range(1, 12_001) if number % 3]
    for post in site.posts:
        if post["id"] > 5432:
            post["created_at"] = "2999-01-01T00:00:00.000Z"
    assert fetch(SITES["danbooru"], FetchOptions(out=tmp_path / "a.db", limit=7), asker) == 7
    assert ids(tmp_path / "a.db") == [5432, 5431, 5429, 5428, 5426, 5425, 5423]
    assert len(site.asked) < 12  # 22 pages lie before


def test_where_all_posts_are_young_none_is_fetched(
    site: Site, tmp_path: Path, asker: Asker
) -> None:
    """The site is asked to its end, and a later run does not ask for all that again."""
    for post in site.posts:
        post["created_at"] = "2999-01-01T00:00:00.000Z"
    out = tmp_path / "a.db"
    assert fetch(SITES["danbooru"], FetchOptions(out=out, limit=7), asker) == 0
    assert ids(out) == []
    site.asked.clear()
    assert fetch(SITES["danbooru"], FetchOptions(out=out, limit=7), asker) == 0
    assert len(site.asked) == 1


def test_credentials_come_from_the_environment(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Basic auth, to the site's own pages and never to where pictures lie."""
    monkeypatch.setenv("DANBOORU_LOGIN", "mira")
    monkeypatch.setenv("DANBOORU_API_KEY", "secret")
    out = tmp_path / "a.db"
    fetch(SITES["danbooru"], FetchOptions(out=out, limit=2, rate=2))
    assert site.headers[0]["authorization"] == "Basic bWlyYTpzZWNyZXQ="
    pytest.importorskip("duckdb")
    download(DownloadOptions(source=out, images=tmp_path / "p", rate=5))
    assert "authorization" not in site.headers[-1]


def test_what_was_fetched_is_a_source(
    site: Site, tmp_path: Path, asker: Asker, connection: Any, rows_of: Callable[..., Any]
) -> None:
    """Of either site; e621's fields lie in others, and its s is safe."""
    site.posts, site.nested = [e621_post(number) for number in (1, 2)], True
    fetch(SITES["e621"], FetchOptions(out=tmp_path / "a.db"), asker)
    reading = read_source(connection, tmp_path / "a.db", 0)
    assert reading.posts == 2
    first = rows_of("posts", "id", "md5", "rating", "extension", "score", "width", "tags")[0]
    assert first == {"id": 1, "md5": MD5, "rating": "safe", "extension": "png", "score": 4,
                     "width": 5, "tags": ["solo", "wolf"]}  # fmt: skip
    assert {"name": "wolf", "category": "species"} in rows_of("tags", "name", "category")


def test_two_sites_do_not_share_a_file(site: Site, tmp_path: Path, asker: Asker) -> None:
    """Their ids are not the same."""
    out = tmp_path / "a.db"
    fetch(SITES["danbooru"], FetchOptions(out=out, limit=1), asker)
    with pytest.raises(DatasetError, match="expected posts of e621, got those of danbooru"):
        fetch(SITES["e621"], FetchOptions(out=out, limit=1), asker)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [("401", "whose login and API key"), ("422", "too many tags"), ("404", "answers 404")],
)
def test_a_refusal_is_a_sentence(
    code: str, sentence: str, site: Site, tmp_path: Path, asker: Asker
) -> None:
    """What another try would not change is told at once."""
    site.faults = [code]
    with pytest.raises(DownloadError, match=sentence):
        fetch(SITES["danbooru"], FetchOptions(out=tmp_path / "a.db"), asker)
    assert len(site.asked) == 1


def test_wrong_options_are_refused() -> None:
    """A page or an order in the query would defeat going on; two ratings fit no post."""
    for tags in ("solo page:3", "order:score", "1girl -Order:id", "limit:20"):
        with pytest.raises(OptionError, match="tags: expected tags"):
            FetchOptions(out=Path("a"), tags=tags)
    with pytest.raises(OptionError, match="expected no rating beside --per-rating"):
        FetchOptions(out=Path("a"), tags="rating:g", per_rating=True)
    assert FetchOptions(out=Path("a"), tags="border: in_order").tags
    with pytest.raises(OptionError, match="site: expected danbooru or e621"):
        DownloadOptions(source=Path("a"), images=Path("b"), site="gelbooru")


# ---------------------------------------------------------------- pictures


@pytest.fixture
def source(tmp_path: Path) -> Path:
    pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    path = tmp_path / "posts.json"
    rows = [danbooru_post(number) for number in (1, 2, 1003)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_pictures_lie_where_a_build_looks(
    site: Site, source: Path, tmp_path: Path, asker: Asker
) -> None:
    """By the md5 rule of the site, one a post; what is there is not asked for again."""
    options = DownloadOptions(source=source, images=tmp_path / "images")
    assert download(options, asker) == {"downloaded": 3}
    assert (tmp_path / "images" / "0003" / "1003.png").read_bytes() == PICTURE
    assert site.asked[0] == f"/original/{MD5[:2]}/{MD5[2:4]}/{MD5}.png"
    site.asked.clear()
    assert download(options, asker) == {"there already": 3}
    assert not site.asked


def test_another_size_has_another_place(
    site: Site, source: Path, tmp_path: Path, asker: Asker
) -> None:
    """A sample is a JPEG, and not the file that the md5 is of."""
    rows = [{**danbooru_post(number), "image_width": 851} for number in (1, 2, 1003)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = DownloadOptions(source=source, images=tmp_path / "images", size="sample")
    site.faults = ["altered"]
    assert download(options, asker) == {"downloaded": 3}
    assert site.asked[0].startswith("/sample/")
    assert (tmp_path / "images" / "0001" / "1.jpg").is_file()


def test_a_picture_without_a_sample_comes_as_it_is(
    site: Site, source: Path, tmp_path: Path, asker: Asker
) -> None:
    """The sites make samples of wide pictures only; what they have not, they show as uploaded."""
    rows = [danbooru_post(1), {**danbooru_post(2), "image_width": 2000},
            {**danbooru_post(3), "image_width": None}]  # fmt: skip
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = DownloadOptions(source=source, images=tmp_path / "i", size="sample")
    site.faults = ["", "", "404", ""]
    assert download(options, asker) == {"downloaded": 3}
    assert [path.split("/")[1] for path in site.asked] == [
        "original", "sample", "sample", "original",
    ]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "i").rglob("*.*")) == [
        "1.png", "2.jpg", "3.png",
    ]  # fmt: skip
    assert download(options, asker) == {"there already": 3}


def test_a_film_is_not_brought(site: Site, source: Path, tmp_path: Path, asker: Asker) -> None:
    """A build would not take it, and it may be a hundred times a picture's size."""
    rows = [{**danbooru_post(1), "file_ext": "mp4"}, danbooru_post(2)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    counts = download(DownloadOptions(source=source, images=tmp_path / "i"), asker)
    assert counts == {"no picture but a film or another file": 1, "downloaded": 1}
    assert len(site.asked) == 1


def test_a_picture_that_breaks_off_is_gone_on_with(
    site: Site, source: Path, tmp_path: Path, asker: Asker
) -> None:
    """From the byte where it broke; a server without ranges sends it whole."""
    site.faults = ["drop", "", "drop", "no ranges"]
    assert download(DownloadOptions(source=source, images=tmp_path / "i"), asker) == {
        "downloaded": 3
    }
    assert site.headers[1]["range"] == f"bytes={len(PICTURE) // 2}-"
    assert {path.read_bytes() for path in (tmp_path / "i").rglob("*.png")} == {PICTURE}
    assert not list((tmp_path / "i").rglob("*.part"))


def test_what_is_not_its_md5_is_thrown_away(
    site: Site, source: Path, tmp_path: Path, asker: Asker
) -> None:
    """And a picture that is gone is counted; neither stops the others."""
    site.faults = ["altered", "404"]
    counts = download(DownloadOptions(source=source, images=tmp_path / "i"), asker)
    assert counts == {"of another md5": 1, "not to be had": 1, "downloaded": 1}
    assert len(list((tmp_path / "i").rglob("*.*"))) == 1


def test_a_dumps_foreign_address_is_not_asked(
    site: Site, source: Path, tmp_path: Path, asker: Asker
) -> None:
    """A url in somebody's dump may lead anywhere; only the site's own hosts are asked."""
    post = {**danbooru_post(5), "file_url": "http://169.254.169.254/secret.png"}
    source.write_text(json.dumps(post) + "\n")
    assert download(DownloadOptions(source=source, images=tmp_path / "i"), asker) == {
        "downloaded": 1
    }
    assert site.asked == [f"/original/{MD5[:2]}/{MD5[2:4]}/{MD5}.png"]
