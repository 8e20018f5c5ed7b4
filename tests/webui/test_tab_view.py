"""One picture as the page shows it: clicks and thresholds are settings like any other."""

from __future__ import annotations

import numpy as np
import pytest

from tagger.captioner import Captioner
from tagger.labels import DANBOORU, Label, LabelSet, category
from tagger.scores import Scores
from tagger.selection import Selection, Thresholds
from tagger.settings import Settings
from tagger.webui.tab import sending, tokens, view
from tagger.webui.tab.view import Picture

NAMES = ["1girl", "long_hair", "hat", "smile", ":*", ":3", "saber_(fate)", "general"]
KINDS = ["general"] * 6 + ["character", "rating"]
LABELS = LabelSet(
    tuple(Label(name, category(DANBOORU, kind)) for name, kind in zip(NAMES, KINDS, strict=True))
)
VALUES = [0.99, 0.8, 0.6, 0.2, 0.1, 0.05, 0.9, 0.7]
SCORES = Scores(np.array(VALUES, np.float32), LABELS, "drawn")
OWN = Thresholds()


def caption(settings: Settings, picture: Picture = Picture()) -> str:  # noqa: B008 - frozen
    made = view.clicked(settings, picture, LABELS)
    return Captioner(made, LABELS, OWN)(SCORES).text


def test_a_click_takes_a_tag_out_and_back_in() -> None:
    settings = Settings()
    assert caption(settings) == "1girl, saber (fate), long hair, hat"
    out = Picture().toggled("long_hair", False)
    assert caption(settings, out) == "1girl, saber (fate), hat"
    assert caption(settings, out.toggled("long_hair", True)) == caption(settings)


def test_a_click_brings_in_a_tag_under_its_threshold() -> None:
    assert caption(Settings(), Picture().toggled("smile", True)).endswith("hat, smile")


def test_a_clicked_tag_wins_over_the_box_of_excluded_ones() -> None:
    """Also where a wildcard excludes it: the others that it means stay out."""
    settings = Settings(Selection(exclude=("*a*",)))
    assert caption(settings) == "1girl"
    assert caption(settings, Picture().toggled("hat", True)) == "1girl, hat"


def test_a_tag_with_a_star_is_no_wildcard_when_clicked() -> None:
    on = Picture().toggled(":*", True)
    assert caption(Settings(), on) == "1girl, saber (fate), long hair, hat, :*"


def test_chips_say_what_became_of_each_tag() -> None:
    """Written, over the threshold and not written, below it; the ratings always."""
    settings = view.clicked(Settings(), Picture().toggled("hat", False), LABELS)
    captioner = Captioner(settings, LABELS, OWN)
    made = view.chips(SCORES, captioner(SCORES), captioner, OWN)
    states = {chip.name: chip.state for chip in made}
    assert states["1girl"] == "on"
    assert states["hat"] == "out"
    assert states["smile"] == "below"
    assert states["general"] == "on"
    assert [chip.score for chip in made] == sorted((chip.score for chip in made), reverse=True)


def test_a_slider_shows_what_holds_for_its_category() -> None:
    """The model's own, unless one was asked for."""
    own = Thresholds(0.3, {"character": 0.85})
    sliders = view.sliders(LABELS, own, Selection(category_thresholds={"general": 0.5}))
    shown = {one.category: (round(one.value, 4), one.own) for one in sliders}
    assert shown == {"character": (0.85, True), "general": (0.5, False)}


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("saber (fate), smile", r"saber \(fate\), smile"),
        ("(smile:1.20), a:b", "(smile:1.20), a:b"),
        (r"saber \(fate\)", r"saber \(fate\)"),
        ("", ""),
    ],
)
def test_an_edited_caption_becomes_a_prompt(text: str, prompt: str) -> None:
    """Brackets of names are escaped, weights and what is escaped stay."""
    assert view.as_prompt(text, Settings().format) == prompt


@pytest.mark.parametrize(
    ("how", "old", "after"),
    [
        ("Replace", "old", "new"),
        ("Append", "(old:1.2), a:b, ", "(old:1.2), a:b, new"),
        ("Append", "", "new"),
        ("Append", None, "new"),
    ],
)
def test_a_prompt_is_replaced_or_added_to(how: str, old: str | None, after: str) -> None:
    assert sending.joined(how, old, "new") == after


def test_tokens_are_guessed_where_clips_vocabulary_is_not_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Words, commas and digits one each; long words more."""
    monkeypatch.setattr(tokens, "_merges", lambda: None)
    assert tokens.count("1girl, solo") == tokens.Count(4, False)
    assert tokens.count("").tokens == 0
    assert tokens.count("kindergartenuniform").tokens > 2


def test_tokens_are_counted_by_the_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte pairs of the lowest rank first, the word's end marked: as CLIP's own code does."""
    merges = {("l", "o"): 0, ("lo", "w</w>"): 1, ("e", "r</w>"): 2}
    monkeypatch.setattr(tokens, "_merges", lambda: merges)
    tokens._length.cache_clear()
    assert tokens.count("low") == tokens.Count(1, True)
    assert tokens.count("lower").tokens == 3  # lo, w, er
    assert tokens.count("Low, low").tokens == 3
    assert tokens.count("é").tokens == 2  # two bytes, and no merge for them
    tokens._length.cache_clear()
