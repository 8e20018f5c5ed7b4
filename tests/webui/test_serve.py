"""`tagger serve` as people start it: in a process of its own."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tagger.cli import main
from tagger.client import Client
from tagger.engine import Tagger
from tagger.images import open_image
from tagger.settings import Settings

from .conftest import encoded

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--listen"], "--auth USER:PASS"),
        (["--host", "0.0.0.0"], "--auth USER:PASS"),
        (["--host", "192.168.1.5"], "--auth USER:PASS"),
        (["--auth", "ann"], "expected USER:PASS"),
        (["--auth", ":secret"], "expected USER:PASS"),
        (["--auth", "ann:"], "expected USER:PASS"),
        (["--root", "none such"], "expected a folder"),
        (["--port", "65536"], "port: expected a whole number from 0 to 65535"),
        (["--model", "none-such"], "none-such"),
        (["--device", "tpu"], "device: expected auto or one of"),
    ],
)
def test_what_can_t_be_served_is_refused(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything listens; to be reachable from outside takes a password."""
    import re

    monkeypatch.delenv("TAGGER_AUTH", raising=False)

    assert main(["serve", *argv]) == 2
    assert re.search(says, capsys.readouterr().err)


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """With what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert main(["serve", "--port", str(port), "--model", "demo"]) == 2
    assert "choose another --port" in capsys.readouterr().err


def _hear_ctrl_c() -> None:
    """A shell's background jobs, and so the tests in one, are deaf to it; a server is not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Served:
    """A server under way."""

    def __init__(self, home: Path, *argv: str, **environment: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "tagger", "serve", "--no-page", "--model", "demo"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), *argv],
            cwd=ROOT,
            env={**os.environ, "TAGGER_HOME": str(home), **environment},
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=None if os.name == "nt" else _hear_ctrl_c,
        )
        assert self.process.stderr
        self.said = self.process.stderr.readline()
        self.refused = 0
        while self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                self.refused += 1
                time.sleep(0.05)

    def ask(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Status and answer of a request; a body is posted."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers or {})
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def post(self, route: str, body: Any) -> Any:
        """The answer of one of our routes."""
        status, said = self.ask(f"/tagger/v1/{route}", body)
        assert status in (200, 202), said
        return json.loads(said)

    def end(self, how: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(how)
        return self.process.wait(30)


@pytest.fixture
def serve(own_home: Path) -> Iterator[Callable[..., Served]]:
    """Start servers that share the test's home; all are ended."""
    pytest.importorskip("fastapi", reason="fastapi is not installed: nothing to serve with")
    pytest.importorskip("uvicorn", reason="uvicorn is not installed: nothing to serve with")
    started: list[Served] = []

    def start(*argv: str, **environment: str) -> Served:
        started.append(Served(own_home / "tagger", *argv, **environment))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        if each.process.stderr:
            each.process.stderr.close()


def test_it_listens_to_this_machine_alone_and_to_its_own_pages(
    serve: Callable[..., Served],
) -> None:
    """Names and origins of others are refused; the address is said."""
    served = serve()

    assert served.url in served.said
    assert served.ask("/openapi.json")[0] == 200
    assert served.ask("/openapi.json", headers={"Host": "evil.example"})[0] == 421
    assert served.ask("/openapi.json", headers={"Origin": "http://evil.example"})[0] == 403


def test_the_address_is_said_when_it_answers_there(serve: Callable[..., Served]) -> None:
    """Whoever opens it at once finds the server: no connection is refused after the line."""
    served = serve()

    assert served.url in served.said
    assert served.refused == 0


def test_a_password_covers_all_of_it(serve: Callable[..., Served]) -> None:
    """Given by the environment, where no list of processes shows it."""
    served = serve(TAGGER_AUTH="ann:secret")
    code = base64.b64encode(b"ann:secret").decode()

    for path in ("/docs", "/openapi.json", "/tagger/v1/version", "/none"):
        assert served.ask(path)[0] == 401
        assert served.ask(path, headers={"Authorization": f"Basic {code}"})[0] in (200, 404)
    assert Client(served.url, ("ann", "secret")).models()


def test_one_picture_has_one_answer(
    serve: Callable[..., Served], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the API in both dialects, the API's tags, a folder, the store, the command line and a
    direct call: the same tags with the same scores.
    """
    from tagger.backends import open_backend
    from tagger.models.registry import default_registry

    pytest.importorskip("onnxruntime")
    path = tmp_path / "pictures" / "drawn.png"
    path.parent.mkdir()
    picture = Image.radial_gradient("L").resize((300, 200)).convert("RGB")
    picture.save(path)
    model = default_registry().find("demo")
    direct = Tagger(model, open_backend(model)).caption(open_image(path), Settings())
    expected = {tag.name: tag.score for tag in direct.tags}
    assert expected

    served = serve()
    body = {"image": base64.b64encode(path.read_bytes()).decode()}
    nested = served.post("interrogate", body)["caption"]["tag"]
    flat = served.post("interrogate", {**body, "format": "flat", "threshold": 0})["caption"]
    spaced = {name.replace(" ", "_"): score for name, score in expected.items()}
    assert {name: nested.get(name.replace(" ", "_")) for name in expected} == expected
    assert {name: flat[name] for name in spaced} == spaced
    for _ in range(2):  # the second time from the store
        (result,) = served.post("tags", body)["results"]
        assert result["caption"] == direct.text
        assert {tag["name"]: tag["score"] for tag in result["tags"]} == expected
    job = served.post("batch", {"folder": str(path.parent)})["job"]
    assert '"state": "done"' in served.ask(f"/tagger/v1/jobs/{job}/events")[1]
    assert path.with_suffix(".txt").read_text() == direct.text

    assert main(["tag", str(path), "--model", "demo", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["caption"] == direct.text
    assert {tag["name"]: tag["score"] for tag in said["tags"]} == expected


def test_eight_threads_share_a_client(serve: Callable[..., Served]) -> None:
    """Each gets the answer to its own picture."""
    client = Client(serve().url)
    pictures = [encoded(f"#{n * 6:02x}00{255 - n * 6:02x}", (64, 48)) for n in range(40)]
    alone = [client.interrogate(each, threshold=0.3) for each in pictures]

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda each: client.interrogate(each, threshold=0.3), pictures))

    assert together == alone
    assert len({json.dumps(each.tags) for each in alone}) > 10
    assert client.unload().startswith("Successfully unload")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to send")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_server_that_ends_in_a_job_leaves_whole_captions(
    serve: Callable[..., Served], tmp_path: Path, how: signal.Signals
) -> None:
    """Also killed: no half of a file; the next server does the rest, and knows no old job."""
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(200):
        Image.new("RGB", (300, 200), (n, n // 4, 90)).save(folder / f"{n}.png")
    served = serve("--root", str(folder))
    job = served.post("batch", {"folder": str(folder)})["job"]
    while len(list(folder.glob("*.txt"))) < 4:
        time.sleep(0.01)

    began = time.monotonic()
    code = served.end(how)

    assert code == {signal.SIGTERM: 0, signal.SIGINT: 130, signal.SIGKILL: -9}[how]
    assert time.monotonic() - began < 25
    written = sorted(folder.glob("*.txt"))
    assert 4 <= len(written) < 200
    assert all(each.read_text() for each in written)

    again = serve("--root", str(folder))
    assert again.ask(f"/tagger/v1/jobs/{job}")[0] == 404
    next_job = again.post("batch", {"folder": str(folder)})["job"]
    told = again.ask(f"/tagger/v1/jobs/{next_job}/events")[1]
    assert '"state": "done"' in told
    assert len(list(folder.glob("*.txt"))) == 200
    assert {each.suffix for each in folder.iterdir()} == {".png", ".txt"}
