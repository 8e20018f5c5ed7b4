"""Pictures in, Scores out: their order, their priority, what is held, what fails, how it ends."""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tagger.backends import DeviceMemoryError, FakeBackend
from tagger.engine import Tagger
from tagger.errors import BackendError, ImageError
from tagger.models.spec import Contract, Model, ModelSpec
from tagger.pipeline import Outcome, Pipeline
from tagger.preprocess import Preprocess
from tagger.settings import Runtime

SMALL = Contract(preprocess=Preprocess(size=(4, 4)))
LONG_S = 20  # a wait that only a bug makes long

# streams of one picture each, one stream of one picture, batches before a card, two such streams
SHAPES = [(3, 1), (1, 1), (1, 4), (2, 4)]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Whatever a test does, closing ends every thread."""
    yield
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("tagger-")]
    assert left == []


@pytest.fixture(params=SHAPES, ids=lambda shape: f"{shape[0]}x{shape[1]}")
def shape(request: pytest.FixtureRequest) -> tuple[int, int]:
    """How many streams, and of what batch."""
    return request.param


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Studio]]:
    """Make a pipeline over a fake backend; it is closed after the test."""
    text = "tag_id,name,category,count\n1,1girl,0,9\n2,solo,0,8\n3,hat,0,7\n"
    (tmp_path / "selected_tags.csv").write_text(text, encoding="utf-8")
    model = Model("tiny", ModelSpec("tiny", (SMALL,)), tmp_path, (SMALL,))
    made: list[Studio] = []

    def build(shape: tuple[int, int] = (3, 1), threads: int = 2) -> Studio:
        made.append(Studio(model, shape, threads))
        return made[-1]

    yield build
    for studio in made:
        studio.gate.set()
        studio.pipeline.close()


class Studio:
    """A pipeline whose pictures are named p0, p1 ..., each of one colour, and what happened to it.

    Attributes:
        gate: the backend waits for it; open from the beginning.
        began: released at each run.
        on_open, on_run: called with a picture's name, or the names of a batch.
    """

    def __init__(self, model: Model, shape: tuple[int, int], threads: int) -> None:
        streams, batch = shape
        self.backend = FakeBackend(
            3, streams=streams, best_batch=batch, on_run=self._run, contract=SMALL
        )
        self.tagger = Tagger(model, self.backend)
        self.pipeline = Pipeline(self.tagger, Runtime(threads=threads), open=self._open)
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Semaphore(0)
        self.opened: list[str] = []
        self.run: list[str] = []
        self.held = self.most_held = 0
        self.on_open: Callable[[str], object] = lambda name: None
        self.on_run: Callable[[list[str]], object] = lambda names: None
        self._lock = threading.Lock()

    def _open(self, source: Any, claim: Callable[[int], object]) -> Image.Image:
        with self._lock:
            self.opened.append(source)
            self.held += 1
            self.most_held = max(self.most_held, self.held)
        try:
            self.on_open(source)
        except BaseException:
            with self._lock:
                self.held -= 1
            raise
        claim(16)
        return paint(source)

    def _run(self, batch: np.ndarray) -> None:
        names = [f"p{r * 256 + g}" for r, g in batch[:, 0, 0, :2].astype(int)]
        self.began.release()
        assert self.gate.wait(LONG_S)
        with self._lock:
            self.run += names
            self.held -= len(names)
        self.on_run(names)

    def truth(self, source: str) -> list[float]:
        """What the backend says of a picture, rounded by hand."""
        raw = self.backend.score(np.asarray(paint(source)))
        return [float(np.float32(round(float(value), 6))) for value in raw]

    def right(self, outcome: Outcome) -> bool:
        """Whether an outcome has the scores of its own picture."""
        assert isinstance(outcome.source, str)
        return outcome.scores is not None and outcome.scores.values.tolist() == self.truth(
            outcome.source
        )


def paint(source: str) -> Image.Image:
    number = int(source[1:])
    return Image.new("RGB", (4, 4), (number // 256, number % 256, 7))


def names(count: int, first: int = 0) -> list[str]:
    return [f"p{number}" for number in range(first, first + count)]


Make = Callable[..., Studio]
Shape = tuple[int, int]


# scores


def test_every_picture_has_its_own_scores_in_order(make: Make, shape: Shape) -> None:
    """One outcome for each picture, in the order of the pictures."""
    studio = make(shape)
    outcomes = list(studio.pipeline.stream(names(50)))
    assert [outcome.source for outcome in outcomes] == names(50)
    assert all(studio.right(outcome) for outcome in outcomes)
    assert sum(studio.backend.batches) == 50


def test_a_slow_picture_keeps_its_place(make: Make) -> None:
    """In order, all wait for the first; as they are done, the first comes last."""
    studio, others = make((3, 1)), threading.Semaphore(0)

    def slow(batch: list[str]) -> None:
        for _ in range(9 if batch == ["p0"] else 0):
            assert others.acquire(timeout=LONG_S)

    studio.on_run = slow
    seen: list[object] = []
    for outcome in studio.pipeline.stream(names(10), ordered=False):
        seen.append(outcome.source)
        others.release()
    assert sorted(map(str, seen)) == names(10)
    assert seen[-1] == "p0"
    studio.on_run = lambda batch: slow(batch) if batch == ["p0"] else others.release()
    assert [one.source for one in studio.pipeline.stream(names(10))] == names(10)


def test_eight_threads_may_submit(make: Make, shape: Shape) -> None:
    """Each gets the scores of what it handed in, while a stream runs too."""
    studio = make(shape)

    def ask(first: int) -> bool:
        futures = {name: studio.pipeline.submit(name) for name in names(20, first)}
        return all(f.result(LONG_S).values.tolist() == studio.truth(n) for n, f in futures.items())

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, 1000 + 100 * number) for number in range(8)]
        assert all(studio.right(outcome) for outcome in studio.pipeline.stream(names(40)))
        assert all(future.result() for future in asked)


def test_a_picture_may_be_a_file_bytes_or_opened(make: Make, tmp_path: Path) -> None:
    """All three have the scores that the Tagger alone gives."""
    studio = make()
    image = paint("p300")
    path = tmp_path / "p300.png"
    image.save(path)
    wanted = studio.tagger.scores([image])[0].values.tolist()
    with Pipeline(studio.tagger, Runtime()) as pipeline:  # with the real opener
        for source in (
            path,
            str(path),
            path.read_bytes(),
            Image.open(io.BytesIO(path.read_bytes())),
        ):
            assert pipeline.submit(source).result(LONG_S).values.tolist() == wanted


# batches


def test_a_batch_is_formed_of_what_waits(make: Make) -> None:
    """The first picture does not wait for company; those that came meanwhile go together."""
    studio = make((1, 4))
    studio.gate.clear()
    last = threading.Event()
    studio.on_open = lambda name: last.set() if name == "p8" else None
    futures = [studio.pipeline.submit("p0")]
    assert studio.began.acquire(timeout=LONG_S)
    futures += [studio.pipeline.submit(name) for name in names(8, 1)]
    assert last.wait(LONG_S)  # one thread decodes: seven are ready
    studio.gate.set()
    assert all(future.result(LONG_S) for future in futures)
    assert studio.backend.batches[:2] == [1, 4]
    assert sum(studio.backend.batches) == 9


def test_out_of_memory_halves_the_batch_and_goes_on(make: Make) -> None:
    """No picture is lost, and later batches are small from the start."""
    studio = make((1, 8))

    def small(batch: list[str]) -> None:
        if len(batch) > 3:
            raise DeviceMemoryError("12 MB are not to be had")

    studio.on_run = small
    studio.gate.clear()
    stream = studio.pipeline.stream(names(60))
    studio.gate.set()
    assert all(studio.right(outcome) for outcome in stream)
    failed = [size for size in studio.backend.batches if size > 3]
    assert len(failed) <= 3  # 8, 4, and one that was formed before


def test_a_picture_too_large_for_the_device_is_told(make: Make, shape: Shape) -> None:
    """Alone it does not fit either: its outcome says so, the others go on."""
    studio = make(shape)

    def full(batch: list[str]) -> None:
        if "p3" in batch:
            raise DeviceMemoryError("12 MB are not to be had")

    studio.on_run = full
    outcomes = list(studio.pipeline.stream(names(8)))
    assert [studio.right(outcome) for outcome in outcomes] == [n != 3 for n in range(8)]
    assert isinstance(outcomes[3].error, DeviceMemoryError)


# priorities and what is held


def test_interactive_pictures_go_first(make: Make, shape: Shape) -> None:
    """One asked for amid a long run waits for what was prepared before it, and for no more: here
    the others then wait for it."""
    studio, served = make(shape), threading.Event()

    def polite(batch: list[str]) -> None:
        if "p1000" in batch:
            served.set()
        elif len(studio.run) > 2 * studio.pipeline.room:
            assert served.wait(LONG_S)

    studio.on_run = polite
    studio.gate.clear()
    stream = studio.pipeline.stream(names(200), ahead=100)
    with ThreadPoolExecutor(1) as pool:
        outcomes = pool.submit(list, stream)
        assert studio.began.acquire(timeout=LONG_S)
        asked = studio.pipeline.submit("p1000")
        studio.gate.set()
        assert asked.result(LONG_S)
        assert all(studio.right(outcome) for outcome in outcomes.result())


def test_few_pictures_are_held_at_any_time(make: Make, shape: Shape) -> None:
    """Decoded, prepared or running: never more than `room`, however many are handed in."""
    studio = make(shape)
    futures = [studio.pipeline.submit(name, "batch") for name in names(100)]
    assert len(list(studio.pipeline.stream(names(100, 1000)))) == 100
    assert all(future.result(LONG_S) for future in futures)
    assert studio.most_held <= studio.pipeline.room <= 4 * 2 * shape[0] * shape[1]


def test_sources_are_read_only_as_far_as_needed(make: Make, shape: Shape) -> None:
    """A generator without end is read `ahead` of what was asked for, no further."""
    studio, read = make(shape), itertools.count()
    endless = (f"p{next(read)}" for _ in itertools.count())
    stream = studio.pipeline.stream(endless, ahead=5)
    for asked in range(1, 20):
        assert studio.right(next(stream))
        assert next(read) <= 2 * asked + 5  # each look at the counter counts it on by one
    stream.close()


# errors


def test_one_bad_picture_is_its_own_matter(make: Make, shape: Shape) -> None:
    """Its outcome has the ImageError; the others have their scores."""
    studio = make(shape)

    def broken(name: str) -> None:
        if name == "p4":
            raise ImageError(name, "truncated file")
        if name == "p5":
            raise ZeroDivisionError("a decoder's bug")
        if name == "p6":
            raise MemoryError

    studio.on_open = broken
    outcomes = list(studio.pipeline.stream(names(20)))
    bad = {o.source: str(o.error) for o in outcomes if o.error}
    assert bad == {
        "p4": "p4: truncated file",
        "p5": 'p5: ZeroDivisionError("a decoder\'s bug")',
        "p6": "p6: not enough memory",
    }
    assert all(isinstance(o.error, ImageError) for o in outcomes if o.error)
    assert sum(studio.right(outcome) for outcome in outcomes) == 17
    with pytest.raises(ImageError, match="p4: truncated"):
        studio.pipeline.submit("p4").result(LONG_S)


def test_a_failing_device_fails_its_batch_alone(make: Make, shape: Shape) -> None:
    """The pictures of that batch have the error, later ones their scores."""
    studio = make(shape)

    def fail(batch: list[str]) -> None:
        if "p2" in batch:
            raise BackendError("the driver was reset")
        if "p9" in batch:
            raise ValueError("a bug")

    studio.on_run = fail
    outcomes = list(studio.pipeline.stream(names(40)))
    assert [o.source for o in outcomes] == names(40)
    assert str(outcomes[2].error) == "the driver was reset" or shape[1] > 1
    assert all(isinstance(o.error, BackendError) for o in outcomes if not studio.right(o))
    assert 2 <= sum(o.error is not None for o in outcomes) <= 2 * shape[1]


# the end


def test_a_stream_left_early_ends_with_the_pipeline(make: Make, shape: Shape) -> None:
    """No further picture is opened, and no thread is left (see the fixture above)."""
    studio = make(shape)
    for outcome in studio.pipeline.stream(names(1000), ahead=20):
        if outcome.source == "p3":
            break
    studio.pipeline.close()
    assert len(studio.opened) <= 4 + 20
    assert sorted(studio.run) == sorted(studio.opened)


def test_a_stopped_stream_gives_what_is_in_flight(make: Make, shape: Shape) -> None:
    """After Ctrl-C no picture is begun, and none that was begun is lost."""
    studio = make(shape)

    def interrupted() -> Iterator[str]:
        yield from names(30)
        raise KeyboardInterrupt

    stream = studio.pipeline.stream(interrupted())
    got: list[Outcome] = []
    with pytest.raises(KeyboardInterrupt):
        got.extend(stream)
    studio.began.acquire(timeout=LONG_S)
    stream.stop()
    got += list(stream)
    assert list(stream) == []
    studio.pipeline.close()
    assert {outcome.source for outcome in got} == set(studio.opened)
    assert all(studio.right(outcome) for outcome in got)


def test_closing_a_stream_waits_for_what_is_in_flight(make: Make, shape: Shape) -> None:
    """When `close` returns, no thread touches its pictures any more; the pipeline goes on."""
    studio = make(shape)
    with studio.pipeline.stream(names(100)) as stream:
        assert studio.right(next(stream))
    opened = list(studio.opened)
    assert sorted(studio.run) == sorted(opened)
    assert studio.pipeline.submit("p500").result(LONG_S)
    assert studio.opened == [*opened, "p500"]


def test_closing_finishes_what_runs_and_cancels_what_waits(make: Make, shape: Shape) -> None:
    """Every future ends: with scores where a thread had begun, else cancelled."""
    studio = make(shape)
    studio.gate.clear()
    futures = [studio.pipeline.submit(name) for name in names(100)]
    assert studio.began.acquire(timeout=LONG_S)
    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(studio.pipeline.close)
        studio.gate.set()
        closing.result(LONG_S)
    scored = [future for future in futures if not future.cancelled()]
    assert all(future.result(0) for future in scored)
    assert 1 <= len(scored) == len(studio.opened) < 100


def test_a_cancelled_picture_is_not_opened(make: Make, shape: Shape) -> None:
    """While it waits it costs nothing to change one's mind."""
    studio = make(shape)
    studio.gate.clear()
    futures = [studio.pipeline.submit(name) for name in names(100)]
    assert futures[99].cancel()
    studio.gate.set()
    assert all(future.result(LONG_S) for future in futures[:99])
    assert "p99" not in studio.opened
    with pytest.raises(CancelledError):
        futures[99].result()


def test_a_closed_pipeline_takes_nothing(make: Make, shape: Shape) -> None:
    """One sentence; closing again, or without ever having run, is fine."""
    studio = make(shape)
    studio.pipeline.close()
    studio.pipeline.close()
    with pytest.raises(BackendError, match="expected an open pipeline"):
        studio.pipeline.submit("p0")
    assert studio.backend.closed is False


def test_no_thread_before_the_first_picture(make: Make, shape: Shape) -> None:
    """A pipeline that is never used costs nothing."""
    before = threading.active_count()
    make(shape)
    assert threading.active_count() == before


def test_an_empty_run_has_no_outcomes(make: Make, shape: Shape) -> None:
    """And starts no thread."""
    assert list(make(shape).pipeline.stream([])) == []
