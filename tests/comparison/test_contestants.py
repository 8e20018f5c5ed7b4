"""Contestants: each is asked in its own way, and what it says is not trusted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tagger.errors import TaggerError, UsageError
from tagger.evaluate.contestants import find_contestants
from tagger.evaluate.contestants.captions import CaptionContestant
from tagger.evaluate.contestants.server import ServerContestant
from tagger.evaluate.truth import Picture
from tagger.settings import Runtime

from .conftest import MakeTruth, write_captions

NESTED = {"caption": {"tag": {"hat": 0.75, "sky": 0.25}, "rating": {"general": 0.5}}}
FLAT = {"caption": {"general": 0.5, "sensitive": 0.1, "hat": 0.75, "sky": 0.25}}
Serve = Callable[..., str]


class Answering(BaseHTTPRequestHandler):
    """Answers as the server's list says, the last for ever; an answer may be a function."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)  # pyright: ignore[reportAttributeAccessIssue]
        plan: list[Any] = self.server.plan  # pyright: ignore[reportAttributeAccessIssue]
        status, said = plan.pop(0) if len(plan) > 1 else plan[0]
        if callable(said):
            said(self)
            return
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that answer as they are told: (status, body) one after another."""
    servers: list[ThreadingHTTPServer] = []

    def start(*plan: tuple[int, Any]) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        server.daemon_threads = True
        server.plan, server.asked = list(plan), []  # pyright: ignore[reportAttributeAccessIssue]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    start.servers = servers  # pyright: ignore[reportFunctionMemberAccess]
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def pictures(make_truth: MakeTruth) -> tuple[Picture, ...]:
    """Six pictures of one colour."""
    return make_truth(dict.fromkeys("abcdef", "hat")).pictures


def asked(url: str, timeout: float = 20.0) -> ServerContestant:
    """A contestant that waits for nothing between two tries."""
    return ServerContestant("", url, timeout, wait=lambda _: None)


@pytest.mark.parametrize("answer", [NESTED, FLAT])
def test_both_dialects_are_known_by_their_shape(
    serve: Serve, pictures: tuple[Picture, ...], answer: Any
) -> None:
    """And every score is asked for, of the model that the address names."""
    url = serve((200, answer))

    said = asked(f"{url}#wd14-vit").one(pictures[0])

    assert said.tags == {"hat": 0.75, "sky": 0.25}
    assert said.ratings["general"] == 0.5
    (body,) = serve.servers[0].asked  # pyright: ignore[reportFunctionMemberAccess]
    assert (body["threshold"], body["model"]) == (0.0, "wd14-vit")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"caption": {"tag": {"hat": 5}, "rating": {}}}, "scores from 0 to 1, got 5"),
        ({"caption": {"tag": {"hat": -0.5}, "rating": {}}}, "scores from 0 to 1, got -0.5"),
        ({"caption": {"tag": {"h" * 900: 0.5}, "rating": {}}}, "one of 900 letters"),
        ({"caption": {"tag": {"hat": "much"}, "rating": {}}}, "answer of a tagger"),
        ({"caption": "1girl, solo"}, "answer of a tagger"),
        ([1, 2], "answer of a tagger"),
        (b'{"caption": {"tag": {"hat": NaN}}}', "answer of a tagger"),
        (b"<html>Not a tagger</html>", "is a tagger there?"),
        (b"[" * 100_000, "is a tagger there?"),
    ],
)
def test_an_answer_of_another_shape_is_refused_in_a_sentence(
    serve: Serve, pictures: tuple[Picture, ...], answer: Any, sentence: str
) -> None:
    """With what was expected, and where."""
    url = serve((200, answer))

    with pytest.raises(TaggerError, match=sentence) as refused:
        asked(url).one(pictures[0])
    assert url in str(refused.value)


def test_a_server_that_hangs_is_left_in_time(serve: Serve, pictures: tuple[Picture, ...]) -> None:
    """Also one that sends a byte now and then, which no socket's limit would end."""
    over = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not over.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    url = serve((200, drip))
    began = time.monotonic()
    try:
        with pytest.raises(TaggerError, match=r"within 0\.4 seconds"):
            asked(url, 0.4).one(pictures[0])
        assert time.monotonic() - began < 10  # once, not once more for each try
    finally:
        over.set()


def test_a_server_that_stumbles_is_asked_again(serve: Serve, pictures: tuple[Picture, ...]) -> None:
    """Twice 503, then an answer: nobody is the wiser."""
    busy = (503, {"detail": "loading"})

    said = list(asked(serve(busy, busy, (200, NESTED))).many(pictures))

    assert [each.fault for each in said] == [""] * 6


def test_one_that_breaks_down_is_given_up_and_what_came_before_stays(
    serve: Serve, pictures: tuple[Picture, ...]
) -> None:
    """After three pictures in a row, with the server's own words."""
    answers = asked(serve((200, NESTED), (200, NESTED), (500, {"detail": "out of memory"})))
    said: list[str] = []

    def listen() -> None:
        for each in answers.many(pictures):
            said.append(each.fault)  # one by one: those before the error count

    with pytest.raises(TaggerError, match=r"got 500 \(out of memory\)"):
        listen()

    assert said[:2] == ["", ""]
    assert len(said) == 4  # the third failure in a row ends it
    assert all("out of memory" in fault for fault in said[2:])


def test_a_word_is_taken_for_what_lies_there(tmp_path: Path) -> None:
    """Captions, scores, an address, a model; NAME= calls it otherwise."""
    captions = write_captions(tmp_path / "captions", {"a": ["hat"]})
    scores = tmp_path / "scores"
    scores.mkdir()
    (scores / "a.json").write_text('[{"general": 0.9}, {"hat": 0.5}]')
    words = [
        str(captions),
        f"old one={captions}",
        str(scores),
        "http://127.0.0.1:7860#wd14-vit.v1",
        "there=http://127.0.0.1:7860/?a=b",
        "demo",
    ]

    found = find_contestants(words, Runtime())

    assert [(each.about.name, each.about.kind) for each in found] == [
        ("captions", "captions"),
        ("old one", "captions"),
        ("scores", "scores"),
        ("wd14-vit.v1", "server"),
        ("there", "server"),
        ("demo", "model"),
    ]
    assert found[3].about.thresholds is not None  # its author's, by the name asked for
    assert found[4].about.thresholds is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "expected one at least"),
        (["{captions}", "{captions}"], "under a name of its own, got captions twice"),
        (["control={captions}"], "under a name of its own, got control"),
        (["none-such"], "none-such"),
        (["captions:{empty}"], "expected captions, got no file"),
        (["scores:{empty}"], "expected scores as JSON"),
        (["{empty}"], "got none"),
        (["{text}"], "table of scores"),
        (["http://user:pass@host/"], "user and password apart"),
    ],
)
def test_what_is_no_contestant_is_refused(tmp_path: Path, words: list[str], sentence: str) -> None:
    """In a sentence, before anything is asked."""
    pytest.importorskip("pyarrow")
    places = {"captions": write_captions(tmp_path / "captions", {"a": ["hat"]})}
    places |= {"empty": tmp_path / "empty", "text": tmp_path / "text.parquet"}
    places["empty"].mkdir()
    places["text"].write_text("no table")
    (places["empty"] / "config.json").write_text("{}")

    with pytest.raises(UsageError, match=sentence):
        find_contestants([word.format_map(places) for word in words], Runtime())


def test_a_caption_is_found_by_its_place_and_else_by_its_name(
    make_truth: MakeTruth, tmp_path: Path
) -> None:
    """Of several of that name none is taken by chance; one that can't be read says why."""
    names = ["0001/1", "0002/1", "0002/2", "0002/3", "0002/4"]
    pictures = make_truth(dict.fromkeys(names, "hat")).pictures
    folder = write_captions(
        tmp_path / "captions",
        {"0001/1": ["1girl"], "elsewhere/2": ["long hair", "(hat:1.2)", "rating:safe", "safe"]},
    )
    write_captions(folder, {"x/3": ["a"], "y/3": ["b"]})
    (folder / "4.txt").write_bytes(b"\xff\xfe\x00")
    contestant = CaptionContestant("", folder)
    contestant.open()

    own, other, elsewhere, two, broken = contestant.many(pictures)

    assert own.tags == {"1girl": 1.0}
    assert other.fault == "no file at its place, and another picture has its name"
    assert (elsewhere.tags, elsewhere.ratings) == ({"long hair": 1.0, "hat": 1.0}, {"safe": 1.0})
    assert two.fault == "2 files of that name"
    assert "expected UTF-8" in broken.fault
