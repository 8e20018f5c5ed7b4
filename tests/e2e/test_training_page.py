"""The page Training: a training begun, watched, stopped, found again; by a stand-in for torch."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

STAND_IN = Path(__file__).with_name("trainer.py")
MARKUP = "<img src=x onerror=tgPwned=1>"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a script is no program there")


@pytest.fixture
def trainer(tmp_path: Path) -> Path:
    """A Python that trains without torch, in a second or as long as it is let."""
    path = tmp_path / "bin" / "python"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STAND_IN}" "$@"\n')
    path.chmod(0o755)
    return path


def fill(tab: Any, trainer: Path, dataset: Path, name: str, more: str = "") -> None:
    tab.turn("Training")
    for box, text in (
        ("tagger_python_path", str(trainer)),
        ("tagger_train_dataset", str(dataset)),
        ("tagger_train_name", name),
        ("tagger_train_more", more),
    ):
        tab.box(box).fill(text)


FORM = (
    "tagger_python_path", "tagger_train_dataset", "tagger_train_name", "tagger_train_recipe",
    "tagger_train_more",
)  # fmt: skip


def head(tab: Any) -> str:
    return tab.page.locator("#tagger_train_head").first.inner_text()


def press(tab: Any, word: str) -> None:
    tab.page.get_by_role("button", name=word, exact=True).click()


def test_a_training_is_watched_to_its_end_and_its_model_joins_the_others(
    tab: Any, trainer: Path, tmp_path: Path
) -> None:
    """Curves, samples and last words; the model can be chosen at once, without a reload."""
    fill(tab, trainer, tmp_path, "mine")
    press(tab, "Check")
    tab.page.locator("#tagger_train_plan", has_text="3 epochs").first.wait_for()
    press(tab, "Start")
    tab.until(lambda: "Done" in head(tab), "the end")
    assert "0.700" in head(tab)
    assert tab.page.locator("#tagger_train_curves svg").count() == 2
    assert (
        tab.page.locator("img.tg-sheet")
        .get_attribute("alt")
        .startswith("Held-out pictures after epoch 3:")
    )
    tab.page.locator(".tg-logs summary", has_text="What it said").click()
    assert MARKUP in tab.page.locator(".tg-log").last.inner_text()
    tab.turn("Models")
    tab.page.locator('tr[data-tag="mine"]').wait_for()


def test_a_training_survives_a_reload_and_ends_when_it_is_asked(
    tab: Any, trainer: Path, tmp_path: Path
) -> None:
    """With its form. Stop ends it with a model; a second one is refused meanwhile."""
    fill(tab, trainer, tmp_path, "long", "--wait")
    tab.box("tagger_train_recipe").click()
    tab.page.get_by_role("option", name="dafre", exact=True).click()
    press(tab, "Start")
    tab.until(lambda: "Training" in head(tab), "the training")
    tab.open()
    tab.turn("Training")
    assert [tab.box(each).input_value() for each in FORM] == [
        str(trainer), str(tmp_path), "long", "dafre", "--wait",
    ]  # fmt: skip
    fill(tab, trainer, tmp_path, "other")
    assert "long" in head(tab)
    press(tab, "Start")
    tab.page.locator("#tagger_train_note .tg-bad", has_text="no other training").wait_for()
    press(tab, "Stop and keep")
    tab.until(lambda: "Done" in head(tab), "the end")


def test_a_training_that_is_stopped_at_once_can_go_on(
    tab: Any, trainer: Path, tmp_path: Path
) -> None:
    fill(tab, trainer, tmp_path, "deaf", "--wait --deaf")
    press(tab, "Start")
    # it has begun, and listens; curves may be those of a training before
    tab.until(lambda: all(word in head(tab) for word in ("deaf", "epoch 3.0")), "its last epoch")
    press(tab, "Stop and keep")
    press(tab, "Stop at once")
    tab.until(lambda: "Stopped" in head(tab), "it stopped")
    press(tab, "Go on")
    tab.until(lambda: "Done" in head(tab), "the end")


def test_what_a_training_refuses_is_said_in_its_words(
    tab: Any, trainer: Path, tmp_path: Path
) -> None:
    """As is what the form itself refuses; nothing is started."""
    fill(tab, trainer, tmp_path, "bad", f"--wrong '{MARKUP}'")
    press(tab, "Start")
    note = tab.page.locator("#tagger_train_note .tg-bad")
    note.filter(has_text=f"no flag such as --wrong {MARKUP}").wait_for()
    for name, more, said in (
        ("../up", "", "expected letters"),
        (MARKUP, "", "expected letters"),
        ("fine", "--out /elsewhere", "none that the form has"),
        ("fine", "--lr '", "quotes in pairs"),
    ):
        fill(tab, trainer, tmp_path, name, more)
        press(tab, "Start")
        note.filter(has_text=said).wait_for()
    fill(tab, Path(sys.executable), tmp_path, "fine")
    press(tab, "Start")
    note.filter(has_text="another Python than the one that runs this page").wait_for()
