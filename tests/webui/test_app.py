"""App: what page and routes know of Tagger, when things go wrong around it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tagger.errors import ClosedError, UsageError
from tagger.settings import Folder, Settings
from tagger.webui import app as apps
from tagger.webui.app import FolderRequest, app_of
from tagger.webui.host import StandAlone

from .conftest import PREFERENCES, PREFIX, Bench, encoded


class Busy(StandAlone):
    """A WebUI that generates while `works` is set; `turns` are the batches that had its lock."""

    works: threading.Event
    turns: list[bool]

    def generating(self) -> bool:
        return self.works.is_set()

    @contextmanager
    def turn(self) -> Any:
        self.turns.append(not self.works.is_set())
        yield self.turns[-1]


@pytest.fixture
def busy() -> Busy:
    host = Busy(preferred=PREFERENCES)
    object.__setattr__(host, "works", threading.Event())
    object.__setattr__(host, "turns", [])
    return host


def many(folder: Path, count: int) -> Path:
    """A folder of so many pictures."""
    folder.mkdir()
    for n in range(count):
        (folder / f"{n}.png").write_bytes(encoded(f"#{n % 256:02x}{n // 256:02x}00"))
    return folder


# ---------------------------------------------------------------- paths


@pytest.mark.parametrize("typed", ["{}", '"{}"', "'{}'", "  {}  ", ' "{}" '])
def test_a_path_may_be_pasted_with_quotes(bench: Bench, tmp_path: Path, typed: str) -> None:
    """As file managers copy it."""
    assert bench.app().check_path(typed.format(tmp_path)) == tmp_path


@pytest.mark.skipif(os.name == "nt", reason="there a backslash is what stands between folders")
def test_a_backslash_is_a_slash_where_no_file_has_one(bench: Bench, tmp_path: Path) -> None:
    """Unless a folder is really called so."""
    app = bench.app()
    (tmp_path / "a").mkdir()
    (tmp_path / "b\\c").mkdir()

    assert app.check_path(f"{tmp_path}\\a") == tmp_path / "a"
    assert app.check_path(str(tmp_path / "b\\c")) == tmp_path / "b\\c"


@pytest.mark.parametrize("typed", ["", "  ", '""', "pictures", "./pictures", "../x", "a\0b", "-"])
def test_what_is_no_whole_path_is_refused(bench: Bench, typed: str) -> None:
    """A server's working folder means nothing to who types."""
    with pytest.raises(UsageError):
        bench.app().check_path(typed)


def test_a_path_outside_the_roots_is_closed(bench: Bench, tmp_path: Path) -> None:
    """The root itself and what is below are open, also what is not there yet."""
    (tmp_path / "open").mkdir()
    app = bench.app(open_folders=(tmp_path / "open",))

    assert app.check_path(f"{tmp_path}/open/new") == tmp_path / "open" / "new"
    assert app.check_path(f"{tmp_path}/open/")
    for path in (tmp_path, tmp_path / "open" / "..", tmp_path / "opened"):
        with pytest.raises(ClosedError):
            app.check_path(str(path))


# ---------------------------------------------------------------- a folder under way


def test_unloading_in_the_midst_of_a_folder_costs_no_caption(bench: Bench, tmp_path: Path) -> None:
    """However often somebody presses it; the job is done in the end."""
    app = bench.app()
    folder = many(tmp_path / "many", 300)
    job = app.caption_folder(FolderRequest((folder,), "demo"))

    for _ in range(8):
        app.unload()
        time.sleep(0.02)

    assert job.wait(60)
    assert (job.snapshot().state, job.snapshot().failed) == ("done", 0)
    assert len(list(folder.glob("*.txt"))) == 300


def test_a_folder_waits_while_the_webui_generates(bench: Bench, busy: Busy, tmp_path: Path) -> None:
    """It says so, goes on afterwards, and a single picture is answered meanwhile."""
    bench.device = "cuda:0"
    app = bench.app(busy)
    folder = many(tmp_path / "few", 5)
    busy.works.set()
    job = app.caption_folder(FolderRequest((folder,), "demo"))

    until = time.monotonic() + 20
    while not job.message and time.monotonic() < until:
        time.sleep(0.01)
    assert job.message == "waiting while the WebUI generates"
    assert app.submit("demo", encoded("white")).result(20)
    assert not list(folder.glob("*.txt"))

    busy.works.clear()
    assert job.wait(20)
    assert (job.snapshot().written, job.snapshot().message) == (5, "")
    assert True in busy.turns
    assert False in busy.turns  # the single picture's batch went without


def test_a_folder_that_waits_can_be_cancelled(bench: Bench, busy: Busy, tmp_path: Path) -> None:
    """At once."""
    app = bench.app(busy)
    busy.works.set()
    job = app.caption_folder(FolderRequest((many(tmp_path / "few", 5),), "demo"))
    while not job.message:
        time.sleep(0.01)

    job.cancel()

    assert job.wait(10)
    assert job.snapshot().state == "cancelled"


def test_a_folder_shares_the_device_where_that_is_preferred(
    bench: Bench, busy: Busy, tmp_path: Path
) -> None:
    """No waiting then."""
    shared = replace(PREFERENCES, while_generating="share")
    object.__setattr__(busy, "preferred", shared)
    busy.works.set()

    job = bench.app(busy).caption_folder(FolderRequest((many(tmp_path / "few", 5),), "demo"))

    assert job.wait(20)
    assert job.snapshot().written == 5


def test_a_dead_device_stops_a_folder_and_says_so(bench: Bench, tmp_path: Path) -> None:
    """Once, not for each picture; what is missing is done by the next run."""
    from tagger.errors import BackendError

    def fail(batch: Any) -> None:
        raise BackendError("the device is gone")

    app = bench.app()
    app.load("demo").wait(20)
    bench.opened[0]._on_run = fail
    job = app.caption_folder(FolderRequest((many(tmp_path / "few", 20),), "demo"))

    assert job.wait(20)
    told = job.snapshot()
    assert told.state == "failed"
    assert "the device is gone" in told.message
    assert told.failed <= 1


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such names")
def test_a_name_that_is_no_text_is_told_all_the_same(
    bench: Bench, client_of: Callable[..., Any], tmp_path: Path
) -> None:
    """Linux lets names be any bytes; the answer stays JSON."""
    folder = many(tmp_path / "ünïcödé 日本", 1)
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.png"))
    try:
        odd.write_bytes(b"no picture")
    except OSError:
        pytest.skip("this file system takes no such names")
    app = bench.app()
    client = client_of(app)

    job = client.post(f"{PREFIX}batch", json={"folder": str(folder)}).json()["job"]
    events = client.get(f"{PREFIX}jobs/{job}/events").text
    told = client.get(f"{PREFIX}jobs/{job}").json()

    assert (told["state"], told["written"], told["failed"]) == ("done", 1, 1)
    assert told["errors"][0]["path"].endswith(".png")
    assert events.count("event: outcome") == 2


def test_more_jobs_than_may_wait_are_told_to_come_later(
    bench: Bench, client_of: Callable[..., Any], tmp_path: Path
) -> None:
    """429, and the first ones run."""
    app = bench.app()
    client = client_of(app)
    folder = many(tmp_path / "few", 3)
    bench.gate.clear()

    answers = [client.post(f"{PREFIX}batch", json={"folder": str(folder)}) for _ in range(40)]
    bench.gate.set()

    assert [each.status_code for each in answers] == [202] * 32 + [429] * 8
    assert "at most 32 jobs" in answers[-1].json()["detail"]
    for job in app.jobs.list():
        assert job.wait(20)
    assert len(list(folder.glob("*.txt"))) == 3


# ---------------------------------------------------------------- the rest


def test_pictures_are_tagged_where_nothing_can_be_kept(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Our home is a file: scores are not kept, which the log says; captions are made."""
    (tmp_path / "home").write_text("a file")
    monkeypatch.setenv("TAGGER_HOME", str(tmp_path / "home"))

    caption, scores = bench.app().caption("demo", encoded(), Settings())

    assert caption.text
    assert scores.floor == 0
    assert "going on without kept scores" in caplog.text


def test_a_process_has_one_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after a page is built again; the host is made once."""
    monkeypatch.setattr(apps, "_apps", {})
    made: list[StandAlone] = []

    def make() -> StandAlone:
        made.append(StandAlone())
        return made[-1]

    assert app_of(make) is app_of(make)
    assert len(made) == 1


def test_a_plan_without_its_model_counts_and_says_why_it_shows_nothing(
    bench: Bench, tmp_path: Path
) -> None:
    """Counting needs no model."""
    request = FolderRequest((many(tmp_path / "few", 3),), "wd-vit-tagger-v3", folder=Folder())

    plan = bench.app().plan(request)

    assert (dict(plan.counts), plan.samples) == ({"new": 3}, ())
    assert plan.note == "the model is not on disk"
    assert not bench.opened
