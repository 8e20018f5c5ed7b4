"""A caption sent to a WebUI's prompts: straight into them, escaped, the rest left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[2] / "examples" / "balloon.png"


def test_a_caption_is_sent_escaped_replaced_or_appended(webui: Any) -> None:
    """Weights there are stay, the negative prompt too; the picture goes along to img2img."""
    webui.drop(EXAMPLE)
    prompt = webui.box("txt2img_prompt")
    webui.page.locator("#tagger_send_txt2img").click()
    webui.until(lambda: r"mira \(chibi town\)" in prompt.input_value(), "the caption there")
    webui.until(lambda: webui.page.evaluate("switched") == ["txt2img"], "its page shown")
    prompt.fill("(old:1.2), a:b, c:d")
    webui.page.get_by_label("Append").check()
    webui.page.locator("#tagger_send_txt2img").click()
    webui.until(lambda: prompt.input_value().startswith("(old:1.2), a:b, c:d, "), "it appended")
    assert r"mira \(chibi town\)" in prompt.input_value()
    assert webui.box("txt2img_neg_prompt").input_value() == "keepme"
    webui.page.locator("#tagger_send_img2img").click()
    webui.until(lambda: "balloon" in webui.box("img2img_prompt").input_value(), "img2img's")
    webui.page.locator("#img2img_image img").first.wait_for()
    assert webui.page.evaluate("switched.at(-1)") == "img2img"


def test_an_edited_caption_is_sent_as_it_was_edited(webui: Any) -> None:
    webui.drop(EXAMPLE)
    webui.page.get_by_label("Replace").check()
    webui.box("tagger_caption").fill("saber (fate), (smile:1.30)")
    webui.page.locator("#tagger_send_txt2img").click()
    sent = r"saber \(fate\), (smile:1.30)"
    webui.until(lambda: webui.box("txt2img_prompt").input_value() == sent, "the edited one")
