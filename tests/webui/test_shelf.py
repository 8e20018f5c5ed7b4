"""Models on a WebUI's device: where they go when it refuses, and whose lock they take."""

from __future__ import annotations

import json
import logging
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tagger.backends import FakeBackend
from tagger.errors import BackendError
from tagger.settings import Runtime
from tagger.webui.app import App
from tagger.webui.host import StandAlone
from tagger.webui.preferences import Preferences


@dataclass(frozen=True)
class Busy(StandAlone):
    """A host with a card, that counts who asks for its lock and for room."""

    card: str = "cuda:1"
    turns: list[str] = field(default_factory=list)

    def device(self) -> str:
        return self.card

    def make_room(self, size: int) -> bool:
        self.turns.append(f"room {size}")
        return True

    @contextmanager
    def turn(self) -> Any:
        self.turns.append("turn")
        yield True


def app_of(host: StandAlone, refuses: str = "") -> tuple[App, list[str]]:
    """An App whose models open on any device but one, and the devices they were opened on."""
    opened: list[str] = []

    def open_(model: Any, runtime: Runtime) -> Any:
        opened.append(runtime.device)
        if runtime.device == refuses:
            raise BackendError("out of memory")
        backend = FakeBackend(len(model.labels), contract=model.contract)
        backend.device = runtime.device
        return backend

    return App(host, open=open_), opened


def picture(tmp_path: Path) -> Path:
    from PIL import Image

    path = tmp_path / "picture.png"
    Image.new("RGB", (32, 32)).save(path)
    return path


def test_a_model_goes_where_the_host_works(tmp_path: Path) -> None:
    """In room that it makes, and in its turn for each batch."""
    host = Busy()
    app, opened = app_of(host)

    app.submit("demo", picture(tmp_path)).result()
    app.close()

    assert opened == ["cuda:1"]
    assert [turn.partition(" ")[0] for turn in host.turns] == ["room", "turn"]
    weights = app.find("demo").weights.stat().st_size
    assert host.turns[0] == f"room {2 * weights}"


def test_a_device_that_refuses_is_replaced_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The user asked for no device, the WebUI did; on the processor nobody's lock is taken."""
    host = Busy()
    app, opened = app_of(host, refuses="cuda:1")

    with caplog.at_level(logging.WARNING):
        app.submit("demo", picture(tmp_path)).result()
    app.close()

    assert opened == ["cuda:1", "cpu"]
    assert [record.getMessage() for record in caplog.records] == [
        "demo: cuda:1 refused (out of memory), running on the processor"
    ]
    assert "turn" not in host.turns


def test_a_device_that_the_user_named_is_not_replaced(tmp_path: Path) -> None:
    """Who names one wants to hear that it refuses."""
    app, opened = app_of(Busy(preferred=Preferences(device="cuda:0")), refuses="cuda:0")

    with pytest.raises(BackendError, match="out of memory"):
        app.submit("demo", picture(tmp_path)).result()
    app.close()

    assert opened == ["cuda:0"]


def test_the_processor_needs_no_room_on_a_card(tmp_path: Path) -> None:
    """`--use-cpu interrogate`: the host's models stay where they are."""
    host = Busy(card="cpu")
    app, _ = app_of(host)

    app.submit("demo", picture(tmp_path)).result()
    app.close()

    assert host.turns == []


def test_loading_asked_during_a_download_loads_when_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The download goes on as it was; asked twice, it is loaded once."""
    home = tmp_path / "home"
    monkeypatch.setenv("TAGGER_HOME", str(home))
    demo = Path(__file__).parents[2] / "tagger" / "demo" / "model"
    told = json.loads((demo / "tagger.json").read_text("utf-8"))
    entry = {name: told[name] for name in told if name != "schema"} | {"repo": "me/tiny"}
    home.mkdir()
    (home / "models.json").write_text(json.dumps({"tiny": entry}))
    begun, go_on = threading.Event(), threading.Event()
    fetched: list[str] = []

    def fetch(self: App, model: Any, job: Any) -> None:
        begun.set()
        go_on.wait(20)
        fetched.append(model.name)
        shutil.copytree(demo, home / "models" / "tiny")

    monkeypatch.setattr(App, "_fetch", fetch)
    app, opened = app_of(StandAlone())
    download = app.download("tiny")
    begun.wait(20)
    load = app.load("tiny")
    again = app.load("tiny")

    assert load is not download
    assert again is load
    assert load.state != "done"
    go_on.set()
    assert load.wait(20)
    app.close()
    assert (download.state, load.state, load.message) == ("done", "done", "")
    assert fetched == ["tiny"]
    assert opened == ["auto"]
