"""An App whose models answer at once, and a client of its routes."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tagger.backends import FakeBackend
from tagger.models.spec import Model
from tagger.webui.app import App
from tagger.webui.host import StandAlone
from tagger.webui.preferences import Preferences
from tagger.webui.tab.shared import Shared

PREFIX = "/tagger/v1/"
PREFERENCES = Preferences(default_model="demo", download_when_asked=False)


@dataclass
class Bench:
    """Apps over stand-ins of models: answers come from a digest of the picture, at once.

    Attributes:
        opened: every backend that was opened, in order.
        gate: while it is not set, no batch comes back.
        device: what the models say they run on.
    """

    opened: list[FakeBackend] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    apps: list[App] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    device: str = "cpu"

    def app(self, host: Any = None, **changed: Any) -> App:
        """An App on a host, by default one of its own with `demo` as the default model."""
        host = host or replace(StandAlone(preferred=PREFERENCES), **changed)
        self.apps.append(App(host, open=self._open))
        return self.apps[-1]

    def shared(self, app: App | None = None, **changed: Any) -> Shared:
        """What a page's listeners share, without a page: an App alone, by default one as above."""
        app = app or self.app(**changed)
        return Shared(lambda: app, None, None, None, ())

    def _open(self, model: Model, runtime: Any) -> FakeBackend:
        backend = FakeBackend(
            len(model.labels),
            contract=model.contract,
            on_run=lambda batch: self.gate.wait(20),
            **self.options,
        )
        backend.memory, backend.device = 1_000_000, self.device
        self.opened.append(backend)
        return backend


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Apps over stand-ins; closed in the end."""
    made = Bench()
    made.gate.set()
    yield made
    made.gate.set()
    for app in made.apps:
        app.close()


@pytest.fixture
def client_of() -> Iterator[Callable[..., Any]]:
    """Make a client of an App's routes; `limits` and `fetcher` as `mount` takes them."""
    fastapi = pytest.importorskip("fastapi", reason="fastapi is not installed: no routes here")
    pytest.importorskip("httpx", reason="httpx is not installed: no client for the routes here")
    from fastapi.testclient import TestClient

    from tagger.webui.api import mount

    clients: list[Any] = []

    def make(app: App, **how: Any) -> Any:
        web = fastapi.FastAPI()
        mount(app, web, **how)
        clients.append(TestClient(web, raise_server_exceptions=False).__enter__())
        return clients[-1]

    yield make
    for client in clients:
        client.__exit__(None, None, None)


def encoded(colour: str = "red", size: tuple[int, int] = (40, 30), kind: str = "PNG") -> bytes:
    """A picture's file."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def red() -> str:
    """A red picture as base64."""
    return base64.b64encode(encoded()).decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of four pictures, one of them no picture at all, one in a sub-folder."""
    place = tmp_path / "pictures"
    (place / "sub").mkdir(parents=True)
    for name, colour in (("a.png", "red"), ("b.png", "green"), ("sub/c.png", "blue")):
        (place / name).write_bytes(encoded(colour))
    (place / "broken.png").write_bytes(b"no picture")
    return place
