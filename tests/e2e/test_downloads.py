"""A model fetched from the page: how far it is, cancelled, gone on with; a picture waits for it."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from .conftest import EXAMPLES, ROOT, Tab, serving

MODEL = ROOT / "tagger" / "demo" / "model"
STAND_IN = ROOT / "tests" / "models" / "conftest.py"


class Tap:
    """Lets through what is written: as much as it gets, or while it is shut a little at a time."""

    def __init__(self, inner: Any, is_open: threading.Event) -> None:
        self._inner, self._is_open = inner, is_open

    def write(self, data: bytes) -> int:
        for at in range(0, len(data), 1 << 15):
            if len(data) > 1 << 15:
                self._is_open.wait(0.05)
            self._inner.write(data[at : at + (1 << 15)])
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.fixture
def tap() -> threading.Event:
    """Set: the hub sends as fast as it can."""
    return threading.Event()


@pytest.fixture
def fetching(browser: Any, tap: threading.Event, tmp_path: Path) -> Iterator[Tab]:
    """A page whose server knows one more model, on a hub of this machine."""
    pytest.importorskip("gradio", reason="gradio is not installed: no page to drive")
    spec = importlib.util.spec_from_file_location("hub_stand_in", STAND_IN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look it up
    spec.loader.exec_module(module)
    files = {f"me/tiny/{name}": (MODEL / name).read_bytes() for name in _names()}
    hub = module.Hub(files=files)

    class Handler(module.Handler):
        def setup(self) -> None:
            super().setup()
            self.wfile = Tap(self.wfile, tap)

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told = json.loads((MODEL / "tagger.json").read_text("utf-8"))
    entry = {name: told[name] for name in told if name != "schema"} | {"repo": "me/tiny"}
    (tmp_path / "tagger").mkdir()
    (tmp_path / "tagger" / "models.json").write_text(json.dumps({"tiny": entry}))
    command = [sys.executable, "-m", "tagger", "serve", "--model", "tiny"]
    own = {"HF_ENDPOINT": hub.endpoint, "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1,localhost"}
    with serving(command, tmp_path, tmp_path / "server.txt", own) as running:
        context = browser.new_context(viewport={"width": 1400, "height": 1150})
        page = Tab(context.new_page(), running.url).open()
        yield page
        assert page.faults == []
        context.close()
    server.shutdown()
    server.server_close()


def _names() -> list[str]:
    return [path.name for path in MODEL.iterdir() if path.is_file() and path.name != "tagger.json"]


def row(tab: Any) -> Any:
    return tab.page.locator('tr[data-tag="tiny"]').first


def has_begun(tab: Any) -> bool:
    """Whether it says how much of how much is there."""
    return bool(re.search(r"\d \w+ of 5\.\d+ MB", row(tab).inner_text()))


def test_a_model_is_fetched_and_the_picture_that_waited_is_tagged(
    fetching: Any, tap: threading.Event
) -> None:
    """Cancelled once on the way; what had come by then is kept."""
    tab = fetching
    tab.page.set_input_files("#tagger_picture input[type=file]", str(EXAMPLES / "balloon.png"))
    tab.page.locator("#tagger_note", has_text="the picture waits").wait_for()
    tab.turn("Models")
    row(tab).get_by_role("button", name="Download").click()
    tab.until(lambda: has_begun(tab), "how far it is")
    tab.until(lambda: "Downloading" in tab.page.locator("#tagger_top").first.inner_text(), "a word")
    bar = row(tab).get_by_role("progressbar")
    tab.until(lambda: int(bar.get_attribute("aria-valuenow")) > 3, "some of it")
    row(tab).get_by_role("button", name="Cancel").click()
    tab.until(lambda: "not downloaded" in row(tab).inner_text(), "it cancelled")
    tab.page.wait_for_timeout(300)
    assert row(tab).get_by_role("button", name="Download").count() == 1

    row(tab).get_by_role("button", name="Download").click()
    tab.until(lambda: has_begun(tab), "it going on")
    tap.set()
    tab.until(lambda: "on disk" in row(tab).inner_text() or "loaded" in row(tab).inner_text(), "it")
    tab.turn("Picture")
    tab.until(lambda: "balloon" in tab.written(tab.caption), "the picture that waited")
