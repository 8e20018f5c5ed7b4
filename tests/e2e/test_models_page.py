"""The page Models, the line at the top, presets, and how all of it looks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "stargazer.jpg"
MARKUP = "<img src=x onerror=tgPwned=1>"


def row(tab: Any, name: str) -> Any:
    return tab.page.locator(f'tr[data-tag="{name}"]').first


def test_models_are_listed_loaded_and_freed(tab: Any) -> None:
    tab.turn("Models")
    demo = row(tab, "demo")
    assert "309" in demo.inner_text()
    assert "not downloaded" in row(tab, "wd-swinv2-tagger-v3").inner_text()
    if "loaded" in demo.inner_text():
        demo.get_by_role("button").click()
        demo.get_by_role("button", name="Load").wait_for()
    demo.get_by_role("button", name="Load").click()
    tab.page.locator(".tg-state", has_text="Ready").wait_for()
    tab.page.locator("#tagger_unload").click()
    tab.page.locator(".tg-state", has_text="freed").wait_for()


def test_a_bad_folder_says_why(tab: Any, server: Any) -> None:
    folder = server.home / "tagger" / "models" / "my-model"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(b"no model")
    tab.turn("Models")
    tab.page.locator("#tagger_look").click()
    tab.page.locator(".tg-why", has_text="my-model").wait_for()
    assert "cannot be used" in row(tab, "my-model").inner_text()


def test_a_picture_whose_model_is_absent_waits(tab: Any) -> None:
    """It is said where the model can be had; another model tags the picture at once."""
    tab.box("tagger_model").click()
    tab.page.get_by_role("option", name="wd-vit-tagger-v3").first.click()
    tab.page.locator(".tg-state", has_text="Not on this machine").wait_for()
    tab.page.set_input_files("#tagger_picture input[type=file]", str(EXAMPLE))
    tab.page.locator("#tagger_note", has_text="Fetch it on the page Models").wait_for()
    tab.box("tagger_model").click()
    tab.page.get_by_role("option", name="demo", exact=True).first.click()
    tab.page.locator(".tg-chip").first.wait_for()


def test_presets_are_saved_loaded_and_the_last_comes_back(tab: Any, tmp_path: Path) -> None:
    """A predecessor's file is imported; a name of markup is refused."""
    tab.drop(EXAMPLE)
    tab.page.get_by_role("button", name="Caption options").click()
    box = tab.page.get_by_label("Additional tags (split by comma)")
    box.fill("mine")
    tab.until(lambda: tab.caption.startswith("mine, "), "it in front")
    tab.box("tagger_preset").fill("for my lora")
    tab.box("tagger_preset").press("Enter")
    tab.page.locator("#tagger_preset_save").click()
    tab.page.locator("#tagger_preset_note .tg-good", has_text="for my lora").wait_for()
    tab.open()
    tab.page.get_by_role("button", name="Caption options").click()
    tab.until(lambda: box.input_value() == "mine", "what the last page ended with")
    old = {"Single process/Exclude tags (split by comma)": {"value": "solo", "visible": True}}
    file = tmp_path / "from before.json"
    file.write_text(json.dumps(old))
    with tab.page.expect_file_chooser() as chooser:
        tab.page.get_by_role("button", name="Import").click()
    chooser.value.set_files(str(file))
    tab.page.locator("#tagger_preset_note .tg-good", has_text="from before").wait_for()
    exclude = tab.page.get_by_label("Exclude tags (split by comma)")
    tab.until(lambda: exclude.input_value() == "solo", "the old preset")
    assert box.input_value() == ""
    tab.box("tagger_preset").fill(MARKUP)
    tab.box("tagger_preset").press("Enter")
    tab.page.locator("#tagger_preset_save").click()
    tab.page.locator("#tagger_preset_note .tg-bad", has_text="expected a name").wait_for()
    exclude.fill("")


CUT = """[...document.querySelectorAll("#tagger_options input")]
    .filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.value)"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1000, 1400])
def test_every_page_fits_its_window(tab: Any, shots: Path, theme: str, width: int) -> None:
    """No sideways scroll from 1000 pixels on; a picture of each page is kept."""
    tab.page.set_viewport_size({"width": width, "height": 1150})
    tab.open(theme)
    tab.drop(EXAMPLE)
    tab.page.get_by_text("Caption options", exact=True).click()
    tab.page.locator("#tagger_options input").first.wait_for()
    assert tab.page.evaluate(CUT) == [], "the words of an option"
    tab.page.screenshot(path=shots / f"options-{theme}-{width}.png")
    tab.page.get_by_text("Caption options", exact=True).click()
    tab.page.mouse.move(0, 0)
    for name in ("Picture", "Folder", "Captions", "Models"):
        tab.turn(name)
        tab.page.wait_for_timeout(300)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, name
        tab.page.screenshot(path=shots / f"{name.lower()}-{theme}-{width}.png")
