"""The page Picture: a picture in, its tags as chips, its caption out."""

from __future__ import annotations

import base64
import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, features

EXAMPLE = Path(__file__).parents[2] / "examples" / "balloon.png"
MARKUP = "<img src=x onerror=tgPwned=1>"


def test_a_dropped_picture_is_tagged_at_once(tab: Any) -> None:
    """Chips in their categories, a caption, its tags and its tokens counted."""
    tab.drop(EXAMPLE)
    tags = tab.written(tab.caption)
    assert {"1girl", "balloon", "mira (chibi town)"} <= tags
    assert tab.page.locator(".tg-character .tg-chip").first.inner_text().startswith("mira")
    foot = tab.page.locator(".tg-foot").inner_text()
    assert f"{len(tags)} tags" in foot
    assert "of 75 tokens" in foot


def test_a_theme_that_is_dark_without_saying_so_gets_dark_hues(tab: Any) -> None:
    """As SD.Next's: known by its light words."""
    root = tab.page.locator(".tg-root").first
    hue = "e => getComputedStyle(e).getPropertyValue('--tg-general').trim()"
    assert root.evaluate(hue) == "#0969c8"
    root.evaluate("e => e.parentElement.style.setProperty('--body-text-color', '#e0e0e0')")
    tab.drop(EXAMPLE)
    tab.until(lambda: root.evaluate(hue) == "#58b2f4", "hues for a dark page")


def test_twelve_quick_clicks_all_count(tab: Any) -> None:
    """None is lost, in whichever order Python hears them; the tags leave the caption at once."""
    tab.drop(EXAMPLE)
    chips = tab.page.locator(".tg-general button.tg-chip")
    names = [chips.nth(at).get_attribute("data-tag") for at in range(12)]
    tab.page.evaluate(
        "names => names.forEach(n => document.querySelector(`.tg-chip[data-tag='${n}']`).click())",
        names,
    )
    gone = {name.replace("_", " ") for name in names}
    tab.until(lambda: not gone & tab.written(tab.caption), "the twelve tags gone")
    assert chips.first.get_attribute("aria-pressed") == "false"
    chips.first.click()
    tab.until(lambda: names[0].replace("_", " ") in tab.written(tab.caption), "the first back in")


def test_a_tag_below_its_threshold_can_be_clicked_in(tab: Any) -> None:
    tab.drop(EXAMPLE)
    tab.page.locator(".tg-below summary").click()
    chip = tab.page.locator(".tg-below button.tg-chip").first
    name = chip.get_attribute("data-tag").replace("_", " ")
    assert name not in tab.written(tab.caption)
    chip.click()
    tab.until(lambda: name in tab.written(tab.caption), f"{name} in the caption")


def test_arrow_keys_walk_the_chips_and_space_presses_one(tab: Any) -> None:
    tab.drop(EXAMPLE)
    first, second = (tab.page.locator(".tg-general button.tg-chip").nth(at) for at in (0, 1))
    first.focus()
    tab.page.keyboard.press("ArrowRight")
    focused = tab.page.evaluate("document.activeElement.dataset.tag")
    assert focused == second.get_attribute("data-tag")
    tab.page.keyboard.press("Space")
    tab.until(lambda: focused.replace("_", " ") not in tab.written(tab.caption), "it taken out")
    assert tab.page.evaluate("document.activeElement.dataset.tag") == focused


def test_a_threshold_selects_anew_and_the_models_own_come_back(tab: Any) -> None:
    """By keyboard on the slider, by number, and by one button back."""
    tab.drop(EXAMPLE)
    before = tab.caption
    number = tab.page.locator("input[type=number][data-threshold=general]")
    number.fill("0.99")
    number.press("Tab")
    tab.until(lambda: len(tab.written(tab.caption)) < len(tab.written(before)), "fewer tags")
    fewer = tab.caption
    slider = tab.page.locator("input[type=range][data-threshold=general]")
    slider.focus()
    for _ in range(60):
        slider.press("ArrowLeft")
    tab.until(lambda: len(tab.written(tab.caption)) > len(tab.written(fewer)), "more tags")
    back = tab.page.get_by_role("button", name="The model's own")
    back.click()
    tab.until(lambda: tab.caption == before, "the first caption again")
    tab.until(lambda: number.input_value() != "0.99" and back.is_disabled(), "the slider back, too")


def test_what_is_under_the_threshold_stays_unfolded(tab: Any) -> None:
    """While the tags are drawn anew; it is folded again by the one who opened it."""
    tab.drop(EXAMPLE)
    fold, number = tab.page.locator(".tg-below"), "input[type=number][data-threshold=general]"
    for is_open, value in ((True, "0.98"), (False, "0.97")):
        before = tab.caption, tab.page.locator(".tg-below").inner_text()
        fold.locator("summary").click()
        tab.page.locator(number).fill(value)
        tab.page.locator(number).press("Tab")
        tab.until(lambda: (tab.caption, fold.inner_text()) != before, "tags drawn anew")  # noqa: B023
        tab.until(lambda: fold.evaluate("each => each.open") == is_open, "it as it was left")  # noqa: B023


def test_the_filter_shows_some_and_excludes_them(tab: Any) -> None:
    tab.drop(EXAMPLE)
    tab.box("tagger_filter").press_sequentially("hair")
    shown = tab.page.evaluate("taggerVisible()")
    assert shown
    assert all("hair" in name for name in shown)
    tab.page.locator("#tagger_exclude_visible").click()
    tab.until(lambda: not any("hair" in tag for tag in tab.written(tab.caption)), "no hair")
    tab.page.get_by_role("button", name="Caption options").click()
    assert "hair" in tab.box("tagger_selection_exclude").input_value()
    tab.box("tagger_selection_exclude").fill("")
    tab.until(lambda: any("hair" in tag for tag in tab.written(tab.caption)), "hair again")


# somebody who types as soon as the box is seen, just before the browser draws the next frame
HASTE = """() => {
    const drawn = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (then) => drawn((now) => {
        const box = document.querySelector("#tagger_selection_exclude :is(textarea, input)");
        if (!window.typed && box?.checkVisibility({ visibilityProperty: true })) {
            window.typed = true;
            box.value = "";
            box.dispatchEvent(new Event("input", { bubbles: true }));
        }
        then(now);
    });
}"""


def test_what_is_typed_into_a_fold_that_just_opened_stays(tab: Any) -> None:
    """gradio 6 gives its boxes their values twice, some frames apart."""
    tab.drop(EXAMPLE)
    tab.box("tagger_filter").press_sequentially("hair")
    tab.page.locator("#tagger_exclude_visible").click()
    tab.until(lambda: not any("hair" in tag for tag in tab.written(tab.caption)), "no hair")
    tab.page.evaluate(HASTE)
    tab.page.get_by_role("button", name="Caption options").click()
    tab.until(lambda: tab.page.evaluate("window.typed"), "it typed")
    tab.until(lambda: any("hair" in tag for tag in tab.written(tab.caption)), "hair again")
    assert tab.box("tagger_selection_exclude").input_value() == ""


def test_a_tag_is_asked_why_by_key_and_by_click(tab: Any, shots: Path) -> None:
    """The answer lies over the picture; Escape, the same `?` and a new picture take it away."""
    tab.drop(EXAMPLE)
    answer = tab.page.locator(".tg-why")
    chip = tab.page.locator("button.tg-chip[data-tag=balloon]")
    chip.focus()
    tab.page.keyboard.press("?")
    tab.page.locator(".tg-heat img").wait_for()
    assert answer.locator("strong").inner_text() == "balloon"
    assert tab.page.locator(".tg-ask[aria-expanded=true]").get_attribute("data-tag") == "balloon"
    tab.page.screenshot(path=shots / "why.png")
    assert "balloon" in tab.written(tab.caption), "asking takes no tag out"
    hosts = "addEventListener('keydown', event => { window.heard = (window.heard ?? 0) + 1; })"
    tab.page.evaluate(f"document.{hosts}")
    tab.page.keyboard.press("Escape")
    answer.wait_for(state="detached")
    assert tab.page.evaluate("window.heard") is None, "a WebUI would stop its generation"
    tab.page.keyboard.press("Escape")
    assert tab.page.evaluate("window.heard") == 1, "with nothing to close it is the WebUI's"
    assert tab.page.evaluate("document.activeElement.dataset.tag") == "balloon"
    tab.page.locator("button.tg-chip[data-tag=grass]").hover()
    tab.page.locator(".tg-ask[data-tag=grass]").click()
    answer.wait_for()
    tab.page.locator(".tg-ask[data-tag=grass]").click()
    answer.wait_for(state="detached")
    tab.page.locator(".tg-ask[data-tag=balloon]").click(force=True)
    answer.wait_for()
    tab.drop(EXAMPLE.with_name("stargazer.jpg"))
    answer.wait_for(state="detached")


def test_an_option_changes_the_caption_at_once(tab: Any) -> None:
    """Boxes as they are typed in and pasted to, switches, lists; mistakes in a sentence."""
    tab.drop(EXAMPLE)
    tab.page.get_by_role("button", name="Caption options").click()
    tab.page.get_by_label("Additional tags (split by comma)").fill(f"my_trigger, {MARKUP}")
    tab.until(lambda: tab.caption.startswith(f"my_trigger, {MARKUP}"), "the trigger first")
    tab.page.get_by_label("Spaces for underscores").uncheck()
    tab.until(lambda: "open_mouth" in tab.written(tab.caption), "underscores")
    tab.page.get_by_label("Exclude tags (split by comma)").fill("*_mouth")
    tab.until(lambda: "open_mouth" not in tab.written(tab.caption), "open_mouth excluded")
    tab.page.get_by_label("Replace tags").fill("nonsense")
    tab.page.locator("#tagger_note .tg-bad", has_text="expected A = B").wait_for()
    for label in ("Additional tags (split by comma)", "Exclude tags (split by comma)"):
        tab.page.get_by_label(label).fill("")
    tab.page.get_by_label("Replace tags").fill("")
    tab.page.get_by_label("Spaces for underscores").check()
    tab.until(lambda: "open mouth" in tab.written(tab.caption), "as it was")


def test_the_caption_is_copied_as_it_stands_and_for_a_prompt(tab: Any) -> None:
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.drop(EXAMPLE)
    tab.page.get_by_role("button", name="Copy", exact=True).click()
    tab.page.get_by_role("button", name="Copied").wait_for()
    assert tab.page.evaluate("navigator.clipboard.readText()") == tab.caption
    tab.page.get_by_role("button", name="Copy for a prompt").click()
    tab.until(
        lambda: r"mira \(chibi town\)" in tab.page.evaluate("navigator.clipboard.readText()"),
        "brackets escaped",
    )


def test_a_pasted_picture_is_tagged(tab: Any) -> None:
    data = base64.b64encode(EXAMPLE.read_bytes()).decode()
    tab.page.evaluate(
        """data => {
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([bytes], "pasted.png", { type: "image/png" }));
            const pasted = new ClipboardEvent("paste", { clipboardData, bubbles: true });
            document.body.dispatchEvent(pasted);
        }""",
        data,
    )
    tab.page.locator("#tagger_facts", has_text="pasted.png").first.wait_for()
    tab.until(lambda: "balloon" in tab.written(tab.caption), "its tags")


def test_what_is_no_picture_is_told_where_one_looks(tab: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(EXAMPLE.read_bytes()[:500])
    tab.page.set_input_files("#tagger_picture input[type=file]", str(broken))
    tab.page.locator("#tagger_note .tg-bad").wait_for()


# ---------------------------------------------------------------- the same tags everywhere


def _rotated(picture: Image.Image) -> bytes:
    """A JPEG whose EXIF says that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    kept = io.BytesIO()
    picture.transpose(Image.Transpose.ROTATE_90).save(kept, "JPEG", quality=95, exif=exif)
    return kept.getvalue()


def _deep(picture: Image.Image) -> bytes:
    """A PNG of 16 bits a channel with alpha, which Pillow reads and does not write."""
    wide, high = picture.size
    pixels = picture.convert("RGBA").tobytes()
    lines = [
        b"\0" + b"".join(bytes((byte, byte)) for byte in pixels[at : at + 4 * wide])
        for at in range(0, 4 * wide * high, 4 * wide)
    ]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", wide, high, 16, 6, 0, 0, 0)
    body = (
        chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"".join(lines))) + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + body


def _palette(picture: Image.Image) -> bytes:
    """A PNG of 64 colours, one of them transparent."""
    kept = io.BytesIO()
    picture.quantize(64).save(kept, "PNG", transparency=3)
    return kept.getvalue()


def _avif(picture: Image.Image) -> bytes:
    kept = io.BytesIO()
    picture.save(kept, "AVIF", quality=90)
    return kept.getvalue()


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("rotated.jpg", _rotated),
        ("deep.png", _deep),
        ("palette.png", _palette),
        pytest.param(
            "picture.avif",
            _avif,
            marks=pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF"),
        ),
    ],
)
def test_the_page_and_the_command_line_give_the_same_tags(
    tab: Any, tmp_path: Path, name: str, make: Any
) -> None:
    """The original bytes are tagged: orientation, depth and transparency are not lost before."""
    picture = Image.open(EXAMPLE).convert("RGB").resize((256, 256))
    path = tmp_path / name
    path.write_bytes(make(picture))
    command = [sys.executable, "-m", "tagger", "tag", str(path), "--model", "demo", "--json"]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    tab.drop(path)
    tab.until(lambda: tab.caption == said["caption"], f"the caption {said['caption']!r}")
