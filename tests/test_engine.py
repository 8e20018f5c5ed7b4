"""A loaded model and the loaded ones: one loading, whoever asks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tagger.backends import FakeBackend
from tagger.captioner import Captioner
from tagger.engine import Keep, Tagger, Taggers
from tagger.errors import BackendError, ModelError
from tagger.models.spec import Contract, Model, ModelSpec
from tagger.preprocess import Preprocess, fit
from tagger.settings import Runtime, Settings

SMALL = Contract(preprocess=Preprocess(size=(16, 16), channels="bgr"))
LABELS = ["general,9", "1girl,0", "solo,0", "hat,0", "smile,0", "hatsune_miku,4"]


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """Labels of six outputs, no weights."""
    rows = [f"{number},{row},1" for number, row in enumerate(LABELS)]
    text = "\n".join(["tag_id,name,category,count", *rows, ""])
    (tmp_path / "selected_tags.csv").write_text(text, encoding="utf-8")
    return Model("tiny", ModelSpec("tiny", (SMALL,)), tmp_path, (SMALL,))


def fake(**options: object) -> FakeBackend:
    return FakeBackend(6, contract=SMALL, **options)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def images() -> list[Image.Image]:
    """Five pictures of five sizes."""
    rng = np.random.default_rng(1)
    sizes = [(20, 30), (16, 16), (50, 9), (1, 1), (9, 80)]
    return [Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)) for size in sizes]


class Shelf:
    """A registry of models that share their files."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def find(self, name: str) -> Model:
        """Any name but `gone`; `alias` is another name of `a`."""
        if name == "gone":
            raise ModelError("gone: no such model")
        return replace(self.model, name="a" if name == "alias" else name)


class Clock:
    """A clock that stands until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Opened:
    """Stands in for open_backend and counts."""

    def __init__(
        self, on_open: Callable[[str], object] = lambda name: None, device: str = "cpu"
    ) -> None:
        self.device = device
        self.names: list[str] = []
        self.backends: dict[str, FakeBackend] = {}
        self.on_open = on_open

    def __call__(self, model: Model, runtime: Runtime) -> FakeBackend:
        self.names.append(model.name)
        self.on_open(model.name)
        self.backends[model.name] = fake()
        self.backends[model.name].memory = 1000
        self.backends[model.name].device = self.device
        return self.backends[model.name]


# one model


def test_scores_belong_to_their_picture(model: Model, images: list[Image.Image]) -> None:
    """Whatever the batch, each picture has the scores of its own pixels, rounded to 6 decimals."""
    backend = fake(best_batch=2)
    tagger = Tagger(model, backend)
    for image, scores in zip(images, tagger.scores(images), strict=True):
        raw = backend.score(fit(image, SMALL.preprocess, by="auto"))
        assert scores.values.tolist() == [pytest.approx(round(float(v), 6)) for v in raw]
        assert (scores.model, scores.labels) == ("tiny", model.labels)
    assert backend.batches == [2, 2, 1]


def test_pictures_are_fitted_for_the_way_that_runs(model: Model) -> None:
    """The backend's contract counts: the model may have another, for another library."""
    other = Contract(preprocess=Preprocess(size=(8, 24)))
    tagger = Tagger(model, FakeBackend(6, contract=other))
    assert tagger.fit(Image.new("RGB", (50, 50))).shape == (24, 8, 3)


def test_no_pictures_have_no_scores(model: Model) -> None:
    """An empty list is not run."""
    backend = fake()
    assert Tagger(model, backend).scores([]) == []
    assert backend.batches == []


def test_a_caption_is_the_captioners(model: Model, images: list[Image.Image]) -> None:
    """The one road from scores to tags, kept while the settings stay."""
    tagger = Tagger(model, fake())
    settings = Settings()
    (scores,) = tagger.scores(images[:1])
    wanted = Captioner(settings, model.labels, model.thresholds)(scores)
    assert tagger.caption(images[0], settings) == wanted
    assert tagger.captioner(settings) is tagger.captioner(Settings())


def test_labels_of_another_model_are_refused(model: Model) -> None:
    """Seven outputs, six labels."""
    with pytest.raises(ModelError, match="tiny: expected 6 outputs for as many labels, got 7"):
        Tagger(model, FakeBackend(7))


def test_closing_waits_for_what_runs(model: Model, images: list[Image.Image]) -> None:
    """Both running batches finish; what comes later is refused in a sentence."""
    running, go_on = threading.Semaphore(0), threading.Event()

    def wait(batch: np.ndarray) -> None:
        running.release()
        assert go_on.wait(20)

    backend = fake(streams=2, on_run=wait)
    backend.memory = 7
    tagger = Tagger(model, backend)
    with ThreadPoolExecutor(4) as pool:
        under_way = [pool.submit(tagger.scores, images[:1]) for _ in range(2)]
        running.acquire()
        running.acquire()
        closing = pool.submit(tagger.close)
        assert not closing.done()
        assert not backend.closed
        go_on.set()
        assert closing.result() == 7
        assert [len(scores.result()) for scores in under_way] == [1, 1]
    assert backend.closed
    assert tagger.close() == 0
    with pytest.raises(BackendError, match="tiny: expected a loaded model"):
        tagger.scores(images)


def test_no_more_threads_run_than_there_are_streams(
    model: Model, images: list[Image.Image]
) -> None:
    """Eight threads through two streams: never three at once."""
    lock, inside, most = threading.Lock(), 0, 0

    def count(batch: np.ndarray) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.002)
        with lock:
            inside -= 1

    tagger = Tagger(model, fake(streams=2, on_run=count))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda image: tagger.scores([image]), images * 4))
    assert most <= 2


def test_parking_waits_for_what_runs_and_the_next_run_wakes(
    model: Model, images: list[Image.Image]
) -> None:
    """The weights leave the device between two batches, never under one."""
    running, go_on = threading.Event(), threading.Event()

    def wait(batch: np.ndarray) -> None:
        running.set()
        assert go_on.wait(20)

    backend = fake(on_run=wait)
    backend.device, backend.memory = "cuda:0", 7
    tagger = Tagger(model, backend)
    with ThreadPoolExecutor(2) as pool:
        under_way = pool.submit(tagger.scores, images[:1])
        assert running.wait(20)
        parking = pool.submit(tagger.park)
        assert not parking.done()
        go_on.set()
        assert parking.result() == 7
        assert len(under_way.result()) == 1
    assert backend.parked
    assert tagger.park() == 0
    assert len(tagger.scores(images)) == len(images)
    assert not backend.parked


def test_a_run_that_is_overtaken_by_parking_wakes_again(
    model: Model, images: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parked after it looked and before it ran: the weights come back once more."""
    backend = fake()
    backend.device = "cuda:0"
    tagger = Tagger(model, backend)
    wake, overtaken = tagger.wake, [True]

    def overtake() -> None:
        wake()
        if overtaken.pop() if overtaken else False:
            tagger.park()

    monkeypatch.setattr(tagger, "wake", overtake)
    assert len(tagger.scores(images[:1])) == 1
    assert backend.batches == [1]
    assert not overtaken


def test_weights_of_a_processor_are_in_main_memory_anyway(model: Model) -> None:
    """Nothing is moved, nothing is freed."""
    backend = fake()
    backend.memory = 7
    assert Tagger(model, backend).park() == 0
    assert not backend.parked


def test_closing_by_several_threads_closes_once(model: Model) -> None:
    """Two that take a stream each would wait for one another for ever."""
    backend = fake(streams=2)
    backend.memory = 7
    tagger = Tagger(model, backend)
    with ThreadPoolExecutor(8) as pool:
        freed = list(pool.map(lambda _: tagger.close(), range(40)))
    assert sorted(freed) == [0] * 39 + [7]


# the loaded ones


def test_threads_that_ask_at_once_load_once(model: Model) -> None:
    """Eight threads, one loading, one Tagger; an alias is the same model."""
    asked = threading.Barrier(8)
    opened = Opened()
    taggers = Taggers(Shelf(model), open=opened)

    def ask(number: int) -> Tagger:
        asked.wait(20)
        return taggers.get("alias" if number % 2 else "a")

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(ask, range(8)))
    assert len(set(map(id, got))) == 1
    assert opened.names == ["a"]
    assert taggers.loaded() == (got[0],)


def test_different_models_load_side_by_side(model: Model) -> None:
    """Each loading waits for the other to have begun: one after the other would never end."""
    both = threading.Barrier(2)
    taggers = Taggers(Shelf(model), open=Opened(lambda name: both.wait(20)))
    with ThreadPoolExecutor(2) as pool:
        names = [tagger.name for tagger in pool.map(taggers.get, ("a", "b"))]
    assert names == ["a", "b"]


def test_a_failed_loading_is_told_to_all_and_may_be_retried(model: Model) -> None:
    """Those who waited for it get the same error; the next to ask tries again."""
    waiting, broken = threading.Event(), True

    def fail(name: str) -> None:
        assert waiting.wait(20)
        if broken:
            raise BackendError("no memory on the card")

    opened = Opened(fail)
    taggers = Taggers(Shelf(model), open=opened)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(taggers.get, "a") for _ in range(3)]
        waiting.set()
        assert {str(future.exception()) for future in asked} == {"no memory on the card"}
    assert taggers.loaded() == ()
    broken = False
    assert taggers.get("a").name == "a"


def test_an_unknown_model_is_the_registrys_matter(model: Model) -> None:
    """Nothing is opened for it."""
    opened = Opened()
    with pytest.raises(ModelError, match="gone: no such model"):
        Taggers(Shelf(model), open=opened).get("gone")
    assert opened.names == []


def test_the_host_makes_room_before_each_loading(model: Model) -> None:
    """It is told which model comes, once for each loading."""
    order: list[str] = []
    taggers = Taggers(
        Shelf(model),
        before_load=lambda coming: order.append(f"room for {coming.name}"),
        open=Opened(lambda name: order.append(f"load {name}")),
    )
    taggers.get("a")
    taggers.get("a")
    assert order == ["room for a", "load a"]


def test_unloading_frees_and_says_how_much(model: Model) -> None:
    """The bytes of the weights; nothing for what is not loaded; loading again is possible."""
    opened = Opened()
    taggers = Taggers(Shelf(model), open=opened)
    first = taggers.get("a")
    taggers.get("b")
    assert taggers.unload("a") == 1000
    assert taggers.unload("a") == 0
    assert opened.backends["a"].closed
    assert not opened.backends["b"].closed
    assert taggers.get("a") is not first
    assert taggers.unload_all() == 2000
    assert taggers.loaded() == ()


def test_idle_models_go(model: Model, images: list[Image.Image]) -> None:
    """Asking for one and running it both count as use."""
    clock = Clock()
    taggers = Taggers(Shelf(model), keep=Keep(idle_s=60, clock=clock), open=Opened())
    for name in "abc":
        taggers.get(name)
    clock.now += 40
    taggers.get("a").scores(images)
    taggers.get("b")
    clock.now += 30
    assert taggers.unload_idle() == ("c",)
    clock.now += 60
    assert taggers.unload_idle() == ("a", "b")
    taggers.close()


def test_a_model_in_use_is_never_idle(model: Model) -> None:
    """However long the block takes."""
    clock = Clock()
    taggers = Taggers(Shelf(model), keep=Keep(idle_s=60, clock=clock), open=Opened())
    with taggers.use("a") as tagger:
        clock.now += 1000
        assert taggers.unload_idle() == ()
        assert taggers.loaded() == (tagger,)
    assert taggers.unload_idle() == ("a",)
    taggers.close()


def test_the_least_recently_used_makes_room(model: Model) -> None:
    """At most two; one in use stays, even over the limit."""
    clock = Clock()
    taggers = Taggers(Shelf(model), keep=Keep(models=2, clock=clock), open=Opened())
    for name in ("a", "b", "a", "c"):
        clock.now += 1
        taggers.get(name)
    assert [tagger.name for tagger in taggers.loaded()] == ["a", "c"]
    with taggers.use("a"), taggers.use("c"), taggers.use("d"):
        assert [tagger.name for tagger in taggers.loaded()] == ["a", "c", "d"]
    taggers.get("e")
    assert len(taggers.loaded()) == 2


def resting(model: Model, keep: str, opened: Opened, told: list[str]) -> tuple[Taggers, Clock]:
    """Loaded models that rest after two seconds, with no timer that would do so by itself."""
    clock = Clock()
    taggers = Taggers(
        Shelf(model),
        Runtime(keep=keep),  # pyright: ignore[reportArgumentType]
        Keep(rest_s=2, idle_s=600, clock=clock),
        lambda coming: told.append(coming.name),
        opened,
    )
    return taggers, clock


def test_a_model_that_rests_in_main_memory_comes_back(model: Model) -> None:
    """Off the device once its work is over; the host makes room before it goes back."""
    opened, told = Opened(device="cuda:0"), list[str]()
    taggers, clock = resting(model, "ram", opened, told)
    tagger = taggers.get("a")
    clock.now += 1
    assert taggers.park_idle() == 0
    clock.now += 2
    assert taggers.park_idle() == 1000
    assert taggers.park_idle() == 0
    assert taggers.loaded() == (tagger,)
    assert told == ["a"]

    assert taggers.get("a") is tagger
    assert told == ["a", "a"]
    assert not opened.backends["a"].parked
    assert opened.names == ["a"]

    clock.now += 600
    assert taggers.unload_idle() == ("a",)
    taggers.close()


def test_a_model_in_use_stays_on_the_device(model: Model) -> None:
    """However long a picture takes to come."""
    opened = Opened(device="cuda:0")
    taggers, clock = resting(model, "ram", opened, [])
    with taggers.use("a"):
        clock.now += 100
        assert taggers.park_idle() == 0
    assert taggers.park_idle() == 1000
    with taggers.use("a"):
        assert not opened.backends["a"].parked
    taggers.close()


def test_a_model_that_is_asked_for_meanwhile_is_not_parked(model: Model) -> None:
    """A request between the look at the clock and the move comes first."""
    opened = Opened(device="cuda:0")
    taggers, clock = resting(model, "ram", opened, [])
    tagger = taggers.get("a")
    clock.now += 10
    park, found = tagger.park, list[int]()

    def late(unless: Callable[[], bool]) -> int:
        taggers.get("a")
        found.append(park(unless))
        return found[0]

    tagger.park = late  # pyright: ignore[reportAttributeAccessIssue]
    assert taggers.park_idle() == 0
    assert found == [0]
    assert not opened.backends["a"].parked
    taggers.close()


@pytest.mark.parametrize(("keep", "gone"), [("device", ()), ("ram", ()), ("none", ("a",))])
def test_where_a_model_waits_is_a_setting(model: Model, keep: str, gone: tuple[str, ...]) -> None:
    """On the device, in main memory, or nowhere, once its work is over."""
    opened = Opened(device="cuda:0")
    taggers, clock = resting(model, keep, opened, [])
    taggers.get("a")
    clock.now += 1
    assert taggers.unload_idle() == ()
    clock.now += 1
    assert taggers.unload_idle() == gone
    taggers.park_idle()
    assert opened.backends["a"].closed == (keep == "none")
    assert opened.backends["a"].parked == (keep == "ram")
    taggers.close()


def test_a_device_that_has_no_room_any_more_says_so(model: Model) -> None:
    """Whoever asks gets the sentence; the model is still there for the next."""
    opened = Opened(device="cuda:0")
    taggers, clock = resting(model, "ram", opened, [])
    tagger = taggers.get("a")
    clock.now += 10
    taggers.park_idle()
    backend = opened.backends["a"]

    def full() -> None:
        raise BackendError("cuda:0: no memory")

    wake, backend.wake = backend.wake, full  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(BackendError, match="no memory"), taggers.use("a"):
        pass
    backend.wake = wake  # pyright: ignore[reportAttributeAccessIssue]
    assert taggers.get("a") is tagger
    clock.now += 10
    assert taggers.park_idle() == 1000
    taggers.close()


@pytest.fixture
def idle_threads() -> Iterator[Callable[[], int]]:
    """How many idle timers run; none may be left."""

    def count() -> int:
        return sum(thread.name == "tagger-idle" for thread in threading.enumerate())

    assert count() == 0
    yield count
    assert count() == 0


def test_the_idle_timer_runs_only_when_it_is_needed(
    model: Model, idle_threads: Callable[[], int]
) -> None:
    """Not without a limit, not before a model is loaded, not after closing; one for all models."""
    plain = Taggers(Shelf(model), open=Opened())
    plain.get("a")
    timed = Taggers(Shelf(model), keep=Keep(idle_s=3600), open=Opened())
    assert idle_threads() == 0
    timed.get("a")
    timed.get("b")
    assert idle_threads() == 1
    timed.close()


def test_the_idle_timer_unloads_and_ends(
    model: Model, idle_threads: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    """With the last model it goes too; the next loading starts another."""
    caplog.set_level(logging.INFO)
    opened = Opened()
    taggers = Taggers(Shelf(model), keep=Keep(idle_s=0.01), open=opened)
    for _ in range(2):
        taggers.get("a")
        for thread in threading.enumerate():
            if thread.name == "tagger-idle":
                thread.join(20)
        assert taggers.loaded() == ()
        assert opened.backends["a"].closed
    assert "a: unloaded after 0.01 s without use" in caplog.messages
