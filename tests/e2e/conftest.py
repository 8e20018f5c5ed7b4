"""A browser before `tagger serve`: Debian's Chromium, driven by Playwright, with the demo model.

Screenshots go to the folder that TAGGER_E2E_SHOTS names, else to one of pytest's own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
PATIENCE_MS = 20_000


@dataclass
class Server:
    """A server that runs, and the home it keeps its things in."""

    url: str
    home: Path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`tagger serve` with the demo model and a home of its own."""
    pytest.importorskip("gradio", reason="gradio is not installed: no page to drive")
    pytest.importorskip("uvicorn", reason="uvicorn is not installed: no server")
    home = tmp_path_factory.mktemp("served")
    command = [sys.executable, "-m", "tagger", "serve", "--model", "demo"]
    with serving(command, home, tmp_path_factory.mktemp("log") / "server.txt") as running:
        yield running


class serving:  # noqa: N801 - read as a verb
    """Run a server until the block ends; `--port` and a free one are added to its command.

    `own`: variables of its environment.
    """

    def __init__(
        self, command: list[str], home: Path, log: Path, own: dict[str, str] | None = None
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._command = [*command, "--port", str(port)]
        self._server = Server(f"http://127.0.0.1:{port}/", home)
        self._port, self._log, self._own = port, log, own or {}

    def __enter__(self) -> Server:
        hidden = ("TAGGER_AUTH", "TAGGER_MODELS")
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        home = self._server.home
        own = {
            "TAGGER_HOME": str(home / "tagger"),
            "HF_HOME": str(home / "hf"),
            "HF_HUB_OFFLINE": "1",
        }
        self._file = self._log.open("w")
        self._process = subprocess.Popen(
            self._command,
            env={**kept, **own, **self._own},
            stdout=self._file,
            stderr=self._file,
            cwd=ROOT,
        )
        until = time.monotonic() + 120  # two busy cores
        while time.monotonic() < until and self._process.poll() is None:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", self._port)) == 0:
                    return self._server
            time.sleep(0.1)
        self.__exit__()
        raise AssertionError(f"the server did not start: {self._log.read_text()[-2000:]}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._file.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, without a window."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("Chromium is not installed: nothing to drive")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


class Tab:
    """The page in the browser, and what a person does with it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def open(self, theme: str = "light") -> Tab:
        """Open the page anew, and wait until it knows what to show."""
        self.page.goto(f"{self.url}?__theme={theme}")
        self.page.wait_for_selector("[data-met]", state="attached")
        return self

    def turn(self, name: str) -> None:
        """Go to one of the pages."""
        self.page.get_by_role("tab", name=name, exact=True).click()

    def drop(self, picture: Path) -> None:
        """Give the page Picture a file, and wait until that one is tagged."""
        self.turn("Picture")
        self.page.set_input_files("#tagger_picture input[type=file]", str(picture))
        facts = self.page.locator("#tagger_facts .tg-facts").first
        facts.filter(has_text=picture.name).wait_for()
        self.page.locator(".tg-chip").first.wait_for()

    def clear(self) -> None:
        """Take the picture away."""
        self.page.locator("#tagger_picture button").last.click()

    def box(self, name: str) -> Any:
        """A text box by the id of its component."""
        return self.page.locator(f"#{name} textarea, #{name} input").first

    @property
    def caption(self) -> str:
        """What the page Picture says."""
        return self.box("tagger_caption").input_value()

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE_MS / 1000
        while not holds():
            assert time.monotonic() < end, f"expected {what}"
            self.page.wait_for_timeout(50)

    def written(self, tags: str) -> set[str]:
        """The tags of a caption."""
        return {tag.strip() for tag in tags.split(",")} - {""}


@pytest.fixture
def tab(browser: Any, server: Server) -> Iterator[Tab]:
    """The page, 1400 pixels wide, as at its first visit; in the end it must have raised nothing."""
    (server.home / "tagger" / "presets" / "last.json").unlink(missing_ok=True)
    context = browser.new_context(viewport={"width": 1400, "height": 1150})
    page = Tab(context.new_page(), server.url).open()
    yield page
    assert page.faults == []
    assert page.page.evaluate("window.tgPwned") is None
    context.close()


@pytest.fixture(scope="module")
def webui_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A page that stands in for a WebUI's, with the tab in it."""
    pytest.importorskip("gradio", reason="gradio is not installed: no page to drive")
    home = tmp_path_factory.mktemp("webui")
    command = [sys.executable, str(Path(__file__).with_name("webui.py"))]
    with serving(command, home, home / "server.txt") as running:
        yield running


@pytest.fixture
def webui(browser: Any, webui_server: Server) -> Iterator[Tab]:
    """The tab as a WebUI shows it."""
    context = browser.new_context(viewport={"width": 1400, "height": 1150})
    page = Tab(context.new_page(), webui_server.url).open()
    yield page
    assert page.faults == []
    context.close()


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    named = os.environ.get("TAGGER_E2E_SHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """The drawn examples in a folder of their own."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "my pictures"))
