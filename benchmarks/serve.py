"""What the API costs over the pipeline: `python benchmarks/serve.py MODEL PICTURE...`.

MODEL is a model's folder. The server is `tagger serve` in a process of its own with a home of its
own; what it is compared to runs here. Both take turns, picture by picture and round by round, so
that a busy machine slows both; every picture that is sent is another one to the store. Clients
encode their pictures before the clock starts. Where the system tells them, the processor's seconds
of both are compared too: a busy machine leaves them.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tagger.backends import open_backend  # noqa: E402 - the checkout beside us, installed or not
from tagger.engine import Tagger  # noqa: E402
from tagger.images import open_image  # noqa: E402
from tagger.models.registry import default_registry  # noqa: E402
from tagger.pipeline import Pipeline  # noqa: E402

_numbers = itertools.count()


def main() -> None:
    """Measure, and print the ratios."""
    flags = _arguments()
    pictures = [path.read_bytes() for path in flags.pictures]
    model = default_registry().find(str(flags.model), allow_paths=True)
    tagger = Tagger(model, open_backend(model))
    with _server(flags.model, flags.port) as (ask, process), Pipeline(tagger) as pipeline:
        print(f"{model.name} on {tagger.backend.device} ({tagger.backend.library})")
        ask(_body(pictures[0]))
        pipeline.submit(pictures[0]).result()
        with _processor(process, "one client"):
            _one(pictures, flags.rounds, tagger, ask)
        with _processor(process, f"{flags.clients} clients"):
            _many(pictures, flags.rounds, flags.clients, pipeline, ask)


def _one(
    pictures: Sequence[bytes], rounds: int, tagger: Tagger, ask: Callable[[bytes], object]
) -> None:
    """One client that waits for each answer, beside a call of the Tagger."""

    def call(data: bytes) -> None:
        tagger.scores([open_image(data)])

    pairs = [(_straight(call, data), _seconds(ask, _body(data))) for data in pictures * rounds]
    ratios = [served / direct for direct, served in pairs]
    extra = statistics.median(served - direct for direct, served in pairs)
    direct = statistics.median(direct for direct, _ in pairs)
    print(f"one client: {1000 * direct:.0f} ms direct, {1000 * extra:+.1f} ms over the API")
    _tell("one client waits, of a direct call", ratios)


def _many(
    pictures: Sequence[bytes],
    rounds: int,
    clients: int,
    pipeline: Pipeline,
    ask: Callable[[bytes], object],
) -> None:
    """As many clients at once, beside the pipeline fed with the same files."""
    ratios: list[float] = []
    with ThreadPoolExecutor(clients) as threads:
        for _ in range(rounds):
            batch = [_fresh(data) for data in pictures * max(1, 3 * clients // len(pictures))]
            straight = _straight(lambda data: list(pipeline.stream(data, ordered=False)), batch)
            bodies = [_body(data) for data in batch]
            served = _seconds(lambda bodies: list(threads.map(ask, bodies)), bodies)
            ratios.append(straight / served)
            print(f"  {len(batch) / straight:.2f} a second, {len(batch) / served:.2f} served")
    _tell(f"{clients} clients' rate, of the pipeline's", ratios)


_straight_cpu = 0.0
"""Processor's seconds of the work that the served one is compared to."""


@contextlib.contextmanager
def _processor(process: int, what: str) -> Iterator[None]:
    """Compare the processor's seconds of the server with those of the same work here."""
    global _straight_cpu
    _straight_cpu, before = 0.0, _cpu(process)
    yield
    served = _cpu(process) - before
    if served > 0:
        print(f"{what}: {served / _straight_cpu:.3f} of the processor's time, over the API")


def _cpu(process: int) -> float:
    """Seconds that a process has computed, 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _straight(work: Callable[..., object], data: object) -> float:
    """Seconds of the work here, its processor's seconds counted."""
    global _straight_cpu
    start = time.process_time()
    seconds = _seconds(work, data)
    _straight_cpu += time.process_time() - start
    return seconds


def _tell(what: str, ratios: Sequence[float]) -> None:
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"{what}: {middle:.3f} (quartiles {low:.3f} to {high:.3f}, {len(ratios)} pairs)")


def _seconds(work: Callable[..., object], data: object) -> float:
    start = time.perf_counter()
    work(data)
    return time.perf_counter() - start


def _fresh(data: bytes) -> bytes:
    """The same picture as another file: readers stop before what stands behind."""
    return data + b"%12d" % next(_numbers)


@contextlib.contextmanager
def _server(model: Path, port: int) -> Iterator[tuple[Callable[[bytes], object], int]]:
    """A server of its own: how to ask it, and the number of its process."""
    with tempfile.TemporaryDirectory() as home:
        Path(home, "models").mkdir()
        Path(home, "models", model.name).symlink_to(model.resolve())
        command = [sys.executable, "-m", "tagger", "serve", "--no-page", "--model", model.name]
        process = subprocess.Popen(
            [*command, "--port", str(port)], cwd=ROOT, env={**os.environ, "TAGGER_HOME": home}
        )
        try:
            _wait(port)
            yield (lambda body: _post(port, body)), process.pid
        finally:
            process.terminate()
            process.wait()


def _wait(port: int) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError):
            connection = HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/tagger/v1/version")
            connection.getresponse()
            return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def _body(data: bytes) -> bytes:
    """What a client sends for a picture that was not sent before."""
    image = base64.b64encode(_fresh(data)).decode("ascii")
    return json.dumps({"image": image, "format": "flat"}).encode()


def _post(port: int, body: bytes) -> object:
    connection = HTTPConnection("127.0.0.1", port, timeout=600)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/tagger/v1/interrogate", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 200:
        raise SystemExit(said.decode())
    return json.loads(said)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--port", type=int, default=7898)
    return parser.parse_args()


if __name__ == "__main__":
    main()
