"""Changes that overtake each other: the page shows the newest, however late an older one ends."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tagger.settings import Settings
from tagger.webui.tab.acts.picture import Acts
from tagger.webui.tab.form import show
from tagger.webui.tab.turns import PAGES, Turns
from tagger.webui.tab.view import Picture


def test_a_turn_is_old_once_the_same_page_has_a_newer_one() -> None:
    turns = Turns()
    turns.begin("a:2")
    assert turns.is_old("a:1")
    assert not turns.is_old("a:2")
    assert not turns.is_old("b:1")
    for nonsense in (None, "", "a", "a:-1", "<b>:1", "a:" + "9" * 40):
        turns.begin(nonsense)
        assert not turns.is_old(nonsense)


def test_pages_that_are_gone_are_forgotten() -> None:
    turns = Turns()
    for page in range(2 * PAGES):
        turns.begin(f"{page}:5")
    assert not turns.is_old("0:1")
    assert turns.is_old(f"{2 * PAGES - 1}:1")


def test_an_older_change_that_ends_later_shows_nothing(bench: Any, monkeypatch: Any) -> None:
    """The slow one is held back until the newer one has been answered."""
    acts = Acts(bench.shared())
    held, begun = threading.Event(), threading.Event()

    def refresh(picture: Picture, word: str) -> list[str]:
        if word == "old":
            begun.set()
            held.wait(20)
        return [word] * 5

    monkeypatch.setattr(acts, "refresh", refresh)
    monkeypatch.setattr("tagger.webui.tab.acts.picture.update", lambda: "same")
    seen: dict[str, list[Any]] = {}

    def late() -> None:
        seen["old"] = acts.refresh_in_turn("page:1", Picture(), "old")

    thread = threading.Thread(target=late)
    thread.start()
    begun.wait(20)
    seen["new"] = acts.refresh_in_turn("page:2", Picture(), "new")
    held.set()
    thread.join()

    assert seen == {"old": ["same"] * 5, "new": ["new"] * 5}


def test_a_click_that_was_overtaken_asks_the_page_to_ask_again(bench: Any) -> None:
    """What was set meanwhile was read before the click was known."""
    pytest.importorskip("gradio", reason="gradio is not installed: nothing to show here")
    acts = Acts(bench.shared())
    given = (Picture(), "demo", Settings(), *show(Settings()))
    assert acts.hear("{}", "page:1", *given)[1] == ""
    acts._turns.begin("page:3")
    assert 'data-again="1"' in acts.hear("{}", "page:2", *given)[1]
