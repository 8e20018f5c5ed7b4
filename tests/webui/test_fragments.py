"""The tab's HTML: what is text stays text, wherever it stands."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from tagger.webui.tab.fragments import captions, common, folder, models, picture, why
from tagger.webui.tab.markup import Markup, anew, button, el, join

EVIL = """<img src=x onerror="alert('1')">&lt;"""
"""As a tag, a caption, a file's name, a preset's name, a model's name."""


class Reader(HTMLParser):
    """What a browser finds in HTML: elements, their attributes, text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs
        if tag not in ("img", "input", "br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


CHIP = picture.Chip(EVIL, EVIL, "general", 0.5, "on")
RUN = folder.Progress(
    EVIL, "failed", 1, 2, message=EVIL, errors=((EVIL, EVIL),),
    latest=(folder.Passing(EVIL, "", EVIL),),
)  # fmt: skip
ROW = models.Row(EVIL, EVIL, EVIL, EVIL, EVIL, EVIL, "bad", EVIL, EVIL, "javascript:alert(1)")
EVERYTHING = {
    "chips": picture.groups([CHIP], ["general"]),
    "below": picture.groups([picture.Chip(EVIL, EVIL, EVIL, 0.1, "below")], []),
    "why": why.looking(EVIL, 1, 2, 3.0),
    "why not": why.failed(EVIL, EVIL),
    "no heat": why.found(why.Found(EVIL, EVIL, 0.5, EVIL, "")),
    "foot": picture.foot(1, 2, True, EVIL),
    "facts": picture.facts(EVIL, "PNG", 1, 1, 1),
    "threshold": picture.thresholds([picture.Slider(EVIL, 0.5, False)]),
    "note": common.note(EVIL, "bad"),
    "preview": folder.preview(
        [(1, EVIL)], [(EVIL, EVIL)], [folder.Sample(EVIL, "", EVIL, (EVIL,), (EVIL,))], 1
    ),
    "gone": common.diff([EVIL], []),
    "progress": folder.progress(RUN),
    "tags": captions.tags([captions.TagRow(EVIL, EVIL, 3)], 3, 1),
    "plot": captions.plot([captions.TagRow(EVIL, "general", 3)], {3: 1}),
    "grid": captions.grid([captions.Cell(0, EVIL, "", 3)], captions.Page(0, 1, 1)),
    "editor": captions.editor([""], EVIL, EVIL),
    "batch": captions.batch([EVIL], 1, 1, [(EVIL, [EVIL], [])], [(EVIL, 1)]),
    "twins": captions.duplicates([[("", EVIL)]], 1),
    "models": models.table([ROW]),
    "folders": common.paths(EVIL, [EVIL]),
    "top": models.top("bad", EVIL, EVIL),
}
HARMLESS = {
    "a", "button", "code", "del", "details", "div", "em", "figcaption", "figure", "g", "h3", "h4",
    "i", "input", "ins", "label", "li", "p", "path", "rect", "section", "span", "strong",
    "summary", "svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr", "ul",
}  # fmt: skip


@pytest.mark.parametrize("name", EVERYTHING)
def test_markup_is_shown_as_text(name: str) -> None:
    """Elements are closed, no element or attribute comes from a value, and the value is told."""
    found = Reader(EVERYTHING[name])
    assert found.open == []
    assert set(found.names) <= HARMLESS
    assert not [key for key, _ in found.attributes if key.startswith("on")]
    told = [value for _, value in found.attributes if value and EVIL in value]
    assert EVIL in found.text or told


def test_markup_beside_an_overlay_is_shown_as_text() -> None:
    """One picture, the overlay itself."""
    found = Reader(why.found(why.Found(EVIL, EVIL, 0.5, EVIL, "data:,")))
    assert found.names.count("img") == 1
    assert set(found.names) <= HARMLESS | {"img"}
    assert dict(found.attributes)["src"] == "data:,"
    assert not [key for key, _ in found.attributes if key.startswith("on")]
    assert EVIL in found.text


def test_only_tags_of_the_model_can_be_asked_about() -> None:
    """Not ratings, and not what was typed; no button lies in another."""
    chips = [
        picture.Chip("hat", "hat", "general", 0.5, "on"),
        picture.Chip("my_trigger", "my trigger", "general", 1.0, "on", known=False),
        picture.Chip("safe", "safe", "rating", 1.0, "on"),
    ]
    made = picture.groups(chips, ["rating", "general"])
    assert made.count('data-do="why"') == 1
    assert made.index("</button>") < made.index('data-do="why"')


def test_an_address_that_is_no_web_page_is_no_link() -> None:
    assert "javascript" not in models.table([ROW])


def test_only_markup_is_not_escaped() -> None:
    """A str is text even where it looks like an element; children may be nested and None."""
    assert el("p", "<b>", Markup("<i></i>"), None, ["a", 1]) == "<p>&lt;b&gt;<i></i>a1</p>"
    assert el("p", title='"><b>') == '<p title="&quot;&gt;&lt;b&gt;"></p>'
    assert el("input", disabled=True, hidden=False, value=None) == "<input disabled>"
    assert join(["&", Markup("&amp;")]) == "&amp;&amp;"


def test_a_button_of_ours_never_submits_and_names_its_act() -> None:
    found = Reader(button("Load", "load", data_model="a b"))
    assert found.attributes == [("type", "button"), ("data-do", "load"), ("data-model", "a b")]


def test_chips_stand_in_their_groups_in_order() -> None:
    """Those written, those over their threshold and out, and those below, in a fold."""
    chips = [
        picture.Chip("smile", "smile", "general", 0.9, "on"),
        picture.Chip("hat", "hat", "general", 0.8, "out"),
        picture.Chip("night", "night", "general", 0.2, "below"),
        picture.Chip("general", "general", "rating", 0.7, "on"),
    ]
    html = picture.groups(chips, ["rating", "character", "general"])
    found = Reader(html)
    pressed = [value for key, value in found.attributes if key == "aria-pressed"]
    assert pressed == ["true", "false", "false"]
    assert found.names.count("section") == 2  # nothing of the category that has no tags
    assert html.index("Rating") < html.index("smile") < html.index("hat") < html.index("night")
    assert "details" in found.names


@pytest.mark.parametrize(
    ("tokens", "told"), [(0, "0 of 75"), (75, "75 of 75"), (76, "76 of 150"), (151, "151 of 225")]
)
def test_tokens_are_told_against_whole_windows(tokens: int, told: str) -> None:
    assert told in Reader(picture.foot(1, tokens, True, "")).text
    assert f"about {told}" in Reader(picture.foot(1, tokens, False, "")).text


@pytest.mark.parametrize(
    ("state", "live"), [("running", "1"), ("queued", "1"), ("cancelling", "1"), ("done", "0")]
)
def test_a_run_says_whether_it_lives(state: str, live: str) -> None:
    """By it our script knows whether to ask again."""
    html = folder.progress(folder.Progress("x", state, 1, 2))
    assert ("data-live", live) in Reader(html).attributes


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0:00"), (59.6, "1:00"), (754, "12:34"), (3729, "1:02:09")]
)
def test_a_duration_reads_as_a_clock(seconds: float, told: str) -> None:
    assert common.duration(seconds) == told


def test_what_is_to_be_drawn_anew_never_says_the_same_twice() -> None:
    """Though it shows the same: a gradio leaves alone what it has been given already."""
    shown = el("p", "the same")
    first, second = anew(shown), anew(shown)
    assert first != second
    assert Reader(first).text == Reader(second).text == "the same"
