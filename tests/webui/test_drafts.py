"""What was typed and not saved is kept for its pictures."""

from __future__ import annotations

import pytest

from tagger.webui.tab.drafts import MOST, Draft, Drafts, name_of


def typed(of: str, text: str, before: str = "1girl", title: str = "") -> dict[str, str]:
    return {"of": of, "title": title or of, "text": text, "before": before}


def test_what_was_typed_is_kept_until_it_is_as_it_was() -> None:
    """Or saved; each for its own pictures."""
    drafts = Drafts().heard(typed("a", "1girl, hat")).heard(typed("b", "1girl"))
    assert drafts.of("a") == Draft("a", "1girl, hat", "1girl")
    assert drafts.of("b") is None
    assert drafts.heard(typed("a", "1girl")).of("a") is None
    assert drafts.without("a").of("a") is None


def test_what_a_draft_began_with_is_kept_though_its_caption_changes() -> None:
    """So that what was typed is known from what others did meanwhile."""
    drafts = Drafts().heard(typed("a", "1girl, hat"))
    drafts = drafts.heard(typed("a", "1girl, hat, cat", before="trigger, 1girl"))
    assert drafts.of("a") == Draft("a", "1girl, hat, cat", "1girl")


def test_what_the_editor_shows_already_is_known_until_nothing_is_told_of_it() -> None:
    """However its box breaks the line; of no pictures there is nothing to show."""
    drafts = Drafts().heard(typed("a", "1girl,\nhat"))
    assert drafts.stands("a", "1girl, hat")
    assert not drafts.stands("b", "1girl, hat")
    assert not drafts.stands("a", "1girl")
    assert not drafts.heard(None).stands("a", "1girl, hat")
    assert not Drafts().stands("", "")


def test_the_others_are_told_by_their_titles() -> None:
    drafts = Drafts()
    for title in ("a.png", "b.png", "c.png", "d.png"):
        drafts = drafts.heard(typed(title, "x"))
    assert drafts.said("d.png") == "Not saved yet: a.png, b.png, c.png."
    assert drafts.said("") == "Not saved yet: b.png, c.png, d.png and 1 more."
    assert Drafts().said("") == ""


@pytest.mark.parametrize("told", [None, [], "x", {}, {"of": 3}])
def test_a_page_may_tell_anything(told: object) -> None:
    """Nothing is kept of it."""
    assert not Drafts().heard(told).kept


def test_a_page_keeps_so_many() -> None:
    """The oldest go."""
    drafts = Drafts()
    for at in range(MOST + 5):
        drafts = drafts.heard(typed(str(at), "x"))
    assert len(drafts.kept) == MOST
    assert drafts.of("4") is None


def test_pictures_have_a_name_of_their_own() -> None:
    """Whatever bytes their paths are of, and however these lie one behind the other."""
    names = [[], ["a"], ["b"], ["a", "b"], ["ab"], ["a\udcff"]]
    assert len({name_of(some) for some in names}) == len(names)
