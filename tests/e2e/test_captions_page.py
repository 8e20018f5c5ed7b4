"""The page Captions: look through, filter, edit, by mouse and by keyboard."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

MARKUP = "<img src=x onerror=tgPwned=1>"


@pytest.fixture
def captioned(pictures: Path) -> Path:
    """The examples with captions of our own making; one has none."""
    for at, path in enumerate(sorted(pictures.glob("*.*"))):
        tags = ["1girl", "solo", f"number {at}", *(["hat"] if at % 2 else [])]
        path.with_suffix(".txt").write_text(", ".join(tags))
    (pictures / "balloon.txt").unlink()
    (pictures / "music.txt").write_text(f"1girl, {MARKUP}")
    return pictures


def show(tab: Any, folder: Path) -> Any:
    """Open the folder; gives the cells of its grid."""
    tab.turn("Captions")
    tab.box("tagger_captions_path").fill(str(folder))
    tab.page.locator("#tagger_captions_show").click()
    tab.page.locator(".tg-cell").first.wait_for()
    return tab.page.locator(".tg-cell")


def cell(tab: Any, name: str) -> Any:
    return tab.page.locator(".tg-cell", has_text=name).first


def pick(tab: Any, name: str, *others: str) -> None:
    """Select pictures by their names."""
    cell(tab, name).click()
    for other in others:
        cell(tab, other).click(modifiers=["Control"])
    title = f"{1 + len(others)} pictures" if others else name
    tab.page.locator("#tagger_editor strong", has_text=title).wait_for()


def test_tags_are_counted_and_filter_the_grid(tab: Any, captioned: Path) -> None:
    """By a click, and by a query; markup in a caption is text."""
    cells = show(tab, captioned)
    assert cells.count() == 12
    tags = tab.page.locator(".tg-tag")
    assert tags.first.inner_text().split() == ["1girl", "7"]
    assert tab.page.locator(".tg-tag", has_text=MARKUP).count() == 1
    assert tab.page.locator(".tg-plot svg").count() == 2
    tab.page.locator(".tg-tag", has_text="hat").click()
    tab.until(lambda: cells.count() == 3, "the pictures with a hat")
    tab.page.locator(".tg-tag", has_text="number 3").click(modifiers=["Shift"])
    tab.until(lambda: cells.count() == 2, "one of them without")
    assert tab.box("tagger_captions_query").input_value() == 'hat and not "number 3"'
    tab.box("tagger_captions_query").fill("hat and (")
    tab.box("tagger_captions_query").press("Enter")
    tab.page.locator("#tagger_captions_note .tg-bad", has_text="Filter, character 10").wait_for()
    tab.box("tagger_captions_query").fill("not 1girl")
    tab.box("tagger_captions_query").press("Enter")
    tab.until(lambda: cells.count() == 5, "those without 1girl")


def test_one_caption_is_edited_and_undone(tab: Any, captioned: Path) -> None:
    """A new one where there was none, too."""
    show(tab, captioned)
    pick(tab, "black-cat.png")
    path = captioned / "black-cat.txt"
    before = path.read_text()
    box = tab.box("tagger_caption_edit")
    assert box.input_value() == before
    box.fill(f"{before}, drawn")
    box.press("Control+Enter")
    tab.until(lambda: path.read_text() == f"{before}, drawn", "it saved")
    tab.page.locator("#tagger_captions_note .tg-good").wait_for()
    tab.page.locator("#tagger_caption_undo").click()
    tab.until(lambda: path.read_text() == before, "it undone")
    pick(tab, "balloon.png")
    box.fill("balloon, 1girl")
    tab.page.locator("#tagger_caption_save").click()
    tab.until(lambda: (captioned / "balloon.txt").exists(), "a new caption")
    assert (captioned / "balloon.txt").read_text() == "balloon, 1girl"


def test_what_was_typed_and_not_saved_is_kept(tab: Any, captioned: Path) -> None:
    """For its picture, while others are shown; nothing is written, and its name is told."""
    cells = show(tab, captioned)
    pick(tab, "black-cat.png")
    before = (captioned / "black-cat.txt").read_text()
    box = tab.box("tagger_caption_edit")
    box.fill(f"{before}, typed")
    pick(tab, "balloon.png")
    tab.page.locator("#tagger_captions_note", has_text="Not saved yet: black-cat.png.").wait_for()
    tab.until(lambda: box.input_value() == "", "the other's caption")
    pick(tab, "black-cat.png")
    tab.page.locator("#tagger_editor", has_text="Not saved yet").wait_for()
    assert box.input_value() == f"{before}, typed"
    assert tab.page.locator("#tagger_captions_note .tg-note").count() == 0
    assert (captioned / "black-cat.txt").read_text() == before
    box.press("Control+Enter")
    tab.page.locator("#tagger_captions_note", has_text="1 caption changed.").wait_for()
    assert (captioned / "black-cat.txt").read_text() == f"{before}, typed"
    assert "Not saved" not in tab.page.locator("#tagger_editor").inner_text()
    names = [each.get_attribute("title") for each in cells.all()]
    after = names[names.index("black-cat.png") + 1]
    box.press("PageDown")
    tab.page.locator("#tagger_editor strong", has_text=after).wait_for()
    box.press("PageUp")
    tab.page.locator("#tagger_editor strong", has_text="black-cat").wait_for()
    box.press("Escape")
    assert "black-cat.png" in tab.page.evaluate("document.activeElement.title")


def test_what_was_typed_stays_whatever_is_pressed(tab: Any, captioned: Path) -> None:
    """Undo, Apply and Show leave it, and nothing of it is written; so does Save a filter."""
    show(tab, captioned)
    pick(tab, "black-cat.png")
    path = captioned / "black-cat.txt"
    before, box = path.read_text(), tab.box("tagger_caption_edit")
    tab.box("tagger_captions_query").fill("solo")
    box.fill(f"{before}, drawn")
    tab.page.locator("#tagger_caption_save").click()
    tab.page.locator("#tagger_captions_note", has_text="1 caption changed.").wait_for()
    assert tab.box("tagger_captions_query").input_value() == "solo"
    box.fill("typed")
    tab.page.locator("#tagger_caption_undo").click()
    tab.page.locator("#tagger_captions_note", has_text="as it was").wait_for()
    assert (path.read_text(), box.input_value()) == (before, "typed")
    tab.page.get_by_role("button", name="Batch edit").click()
    tab.box("tagger_batch_first").fill("my_trigger")
    tab.page.locator("#tagger_batch_preview").click()
    tab.page.locator("#tagger_batch_diff strong", has_text="would change").wait_for()
    tab.page.locator("#tagger_batch_apply").click()
    tab.page.locator("#tagger_captions_note", has_text="captions changed.").wait_for()
    assert "has changed since" in tab.page.locator("#tagger_editor").inner_text()
    assert (path.read_text(), box.input_value()) == (f"my_trigger, {before}", "typed")
    tab.page.locator("#tagger_captions_show").click()
    tab.page.locator("#tagger_captions_note", has_text="Not saved yet: black-cat.png.").wait_for()
    pick(tab, "black-cat.png")
    assert box.input_value() == "typed"
    box.press("Control+Enter")
    tab.until(lambda: path.read_text() == "typed", "it saved")


def test_keys_pressed_while_a_caption_is_saved_are_not_lost(tab: Any, captioned: Path) -> None:
    """What is typed on stays; the next picture waits until the answer is there."""
    show(tab, captioned)
    pick(tab, "black-cat.png")
    path, box = captioned / "black-cat.txt", tab.box("tagger_caption_edit")
    box.fill("one")

    def late(route: Any) -> None:
        answer = route.fetch()
        tab.page.wait_for_timeout(400)
        route.fulfill(response=answer)

    tab.page.route(lambda url: "/run/" in url, late)
    box.press("Control+Enter")
    box.press("End")
    box.press_sequentially(", two")
    note = tab.page.locator("#tagger_captions_note", has_text="1 caption changed.")
    note.wait_for()
    assert (path.read_text(), box.input_value()) == ("one", "one, two")
    box.press("Control+Enter")
    box.press("PageDown")
    title = tab.page.locator("#tagger_editor strong")
    tab.until(lambda: title.inner_text() != "black-cat.png", "the next picture")
    other = captioned / title.inner_text()
    tab.until(lambda: box.input_value() == other.with_suffix(".txt").read_text(), "its caption")
    assert path.read_text() == "one, two"
    tab.page.wait_for_timeout(600)
    tab.page.unroute_all(behavior="wait")
    assert title.inner_text() == other.name, "it is left alone"
    assert "Not saved" not in tab.page.locator("#tagger_captions_note").inner_text()


def test_a_selection_is_edited_by_what_its_captions_share(tab: Any, captioned: Path) -> None:
    show(tab, captioned)
    pick(tab, "at-home.webp", "black-cat.png")
    box = tab.box("tagger_caption_edit")
    assert box.input_value() == "1girl, solo"
    box.fill("1girl, together")
    tab.page.locator("#tagger_caption_save").click()
    tab.until(lambda: "together" in (captioned / "black-cat.txt").read_text(), "both edited")
    assert (captioned / "at-home.txt").read_text() == "1girl, number 0, together"


def test_the_keyboard_selects_edits_and_asks_before_it_deletes(tab: Any, captioned: Path) -> None:
    """Arrows, Shift, Ctrl+A, Enter, Delete; a deleted picture comes back by Undo."""
    cells = show(tab, captioned)
    cells.first.click()
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("Shift+ArrowRight")
    selected = tab.page.locator(".tg-cell[aria-selected=true]")
    tab.until(lambda: selected.count() == 2, "two selected")
    tab.page.locator("#tagger_editor strong", has_text="2 pictures").wait_for()
    tab.page.keyboard.press("Control+a")
    tab.page.locator("#tagger_editor strong", has_text="12 pictures").wait_for()
    name = cells.first.get_attribute("title")
    cells.first.click()
    tab.page.locator("#tagger_editor strong", has_text=name).wait_for()
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("document.activeElement.closest('#tagger_caption_edit') !== null")
    cells.first.focus()
    tab.page.keyboard.press("Delete")
    tab.page.locator("#tagger_delete_yes").click()
    tab.until(lambda: not (captioned / name).exists(), "it gone")
    tab.until(lambda: cells.count() == 11, "eleven left")
    tab.page.locator("#tagger_caption_undo").click()
    tab.until(lambda: (captioned / name).exists(), "it back")


def test_a_batch_is_previewed_applied_and_undone(tab: Any, captioned: Path) -> None:
    show(tab, captioned)
    tab.page.get_by_role("button", name="Batch edit").click()
    tab.box("tagger_batch_replace").fill("hat = top hat")
    tab.box("tagger_batch_first").fill("my_trigger")
    tab.page.locator("#tagger_batch_preview").click()
    told = tab.page.locator("#tagger_batch_diff")
    told.locator("strong", has_text="7 of 7 captions would change").wait_for()
    assert told.locator(".tg-added").count() > 0
    editor, fold = (tab.page.locator(f"#{name}").bounding_box() for name in
                    ("tagger_editor", "tagger_batch_diff"))  # fmt: skip
    assert fold["y"] > editor["y"] + editor["height"], "it stands under the editor"
    assert abs(fold["x"] - editor["x"]) < 40, "and not beside it"
    assert "top hat" not in (captioned / "black-cat.txt").read_text()
    tab.page.locator("#tagger_batch_apply").click()
    tab.until(lambda: "my_trigger" in (captioned / "flower.txt").read_text(), "it applied")
    tab.page.locator("#tagger_caption_undo").click()
    tab.until(lambda: "my_trigger" not in (captioned / "flower.txt").read_text(), "it undone")


def test_pages_turn_and_twins_are_found(tab: Any, captioned: Path) -> None:
    """Sixty pictures are two pages; the same picture under fifty names is told once."""
    for number in range(50):
        shutil.copyfile(captioned / "balloon.png", captioned / f"z{number:02}.png")
    cells = show(tab, captioned)
    assert cells.count() == 48
    cells.first.focus()
    tab.page.keyboard.press("PageDown")
    tab.until(lambda: cells.count() == 14, "the second page")
    assert tab.page.locator(".tg-where").inner_text() == "49–62"
    tab.page.get_by_role("button", name="Duplicates").click()
    tab.page.locator("#tagger_twins").click()
    tab.page.locator("#tagger_doubles strong", has_text="1 picture").wait_for()
