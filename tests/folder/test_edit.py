"""Edits of one caption: what they change, what they leave, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.caption import CaptionFormat, parse_caption
from tagger.errors import OptionError
from tagger.folder.edit import EMPTY_CAPTION, Edit, edit_caption
from tagger.folder.edits import (
    Add,
    Dedupe,
    Drop,
    KeepFirst,
    PruneImplied,
    Rank,
    Remove,
    Replace,
    Sort,
    Trigger,
)
from tagger.folder.search import Search
from tagger.folder.words import read_words
from tagger.relations import Relations
from tagger.spelling import key
from tagger.wording import unweigh

FORM = CaptionFormat()
CATS = Relations.from_rows([("kitty_ears", "cat_ears")], [("cat_ears", "animal_ears")])


def edited(text: str, *edits: Edit) -> str:
    return edit_caption(text, edits, FORM).text


@pytest.mark.parametrize(
    ("edit", "before", "after"),
    [
        (Add(("smile", "Long_Hair")), "1girl, long hair", "1girl, long hair, smile"),
        (Add(("smile",), "front"), "1girl", "smile, 1girl"),
        (Add(("x",), "front"), "a ||| b", "x, a ||| b"),
        (Add(("x",)), "a ||| b", "a ||| b, x"),
        (Add(("smile",)), "1girl, (smile:1.2)", "1girl, (smile:1.2)"),
        (Remove(("long_hair",)), r"1girl, Long Hair, long\_hair, hair", "1girl, hair"),
        (Remove(("*_hair", "/^blue/")), "1girl, long hair, blue sky", "1girl"),
        (Remove(("a",)), "a ||| b", "b"),
        (Remove(("b",)), "a,b ,c,", "a, c,"),
        (Remove(("b",)), "a, b\n", "a\n"),
        (Replace("grey hair", "silver hair"), "1girl, grey_hair", "1girl, silver hair"),
        (Replace("b", "c"), "a, b, C", "a, C"),
        (Replace("b*", "c"), "b1, a, b2", "c, a"),
        (Replace("b", ""), "a, b", "a"),
        (Replace("smile", "grin"), "(smile:1.25), a", "(grin:1.25), a"),
        (Dedupe(), "a, Long Hair, b, long_hair, a", "a, Long Hair, b"),
        (Dedupe(), "a,  b,c", "a,  b,c"),
        (Sort(), "1girl, b, A, c d", "1girl, A, b, c d"),
        (Sort(), "z ||| b, a", "z ||| a, b"),
        (
            Sort("template", categories={"miku": "character", "c": "artist"}),
            "b, c, a, miku, solo, 1girl",
            "1girl, solo, miku, c, b, a",
        ),
        (Trigger("sks"), "1girl, solo", "sks, 1girl, solo"),
        (Trigger("sks"), "1girl, SKS", "SKS, 1girl"),
        (KeepFirst(2), "a, b, c", "a, b"),
        (PruneImplied(CATS), "animal ears, kitty ears, cat ears", "kitty ears, cat ears"),
        (Drop(frozenset({"b"}), ""), "a, b", "a"),
        (Drop(frozenset({"b"}), "", beside="c"), "a, b", "a, b"),
        (Rank({"b": 0, "a": 1}, ""), "x, a, b", "b, a, x"),
        (Search("hair", "fur"), "long hair, Hair", "long fur, Hair"),
        (Search("/hai(r)/", r"fu\1"), "long hair, Hair", "long fur, fur"),
    ],
)
def test_an_edit_changes_what_it_says(edit: Edit, before: str, after: str) -> None:
    assert edited(before, edit) == after
    assert edit.said is not None


def test_edits_are_applied_in_their_order() -> None:
    assert (
        edited("a, b", Replace("a", "c"), Remove(("c",)), Search("b", "d"), Add(("b",))) == "d, b"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\nb", "several lines"),
        ("a, {b|c}", "braces"),
        ("a, b;;;c", "groups of tags (;;;)"),
        ("a ||| b ||| c", "several |||"),
        ("A girl stands in the rain and looks at us, a", "sentences"),
        ("(a, b:1.2), c", "brackets around a comma"),
        ("x, hatsune miku (vocaloid, append), c", "brackets around a comma"),
        (r"x, hatsune miku \(vocaloid, append\), c", "brackets around a comma"),
        ("x, hair BREAK sky, c", "BREAK"),
        ("x, BREAK, c", "BREAK"),
    ],
)
def test_what_is_no_list_of_tags_is_left_with_the_reason(text: str, reason: str) -> None:
    done = edit_caption(text, [Remove(("a",))], FORM)
    assert (done.text, done.reason) == (text, reason)


def test_a_long_tag_that_is_known_is_no_sentence() -> None:
    text = "the legend of zelda: breath of the wild, a"
    known = {"the_legend_of_zelda:_breath_of_the_wild"}
    assert edit_caption(text, [Remove(("a",))], FORM).reason == "sentences"
    assert edit_caption(text, [Remove(("a",))], FORM, known).text == text[:-3]


def test_a_caption_that_is_too_long_for_a_regex_says_so() -> None:
    text = ", ".join(["abc"] * 1000)
    done = edit_caption(text, [Search("/b/", "x")], FORM)
    assert (done.text, done.reason) == (text, "too long for a /regex/")
    assert edit_caption(text, [Search("b", "x")], FORM).text == text.replace("b", "x")


def test_sentences_are_searched_all_the_same() -> None:
    text = "A girl stands in the rain and looks at us"
    assert edited(text, Search("girl", "boy"), Remove(("a",))) == text.replace("girl", "boy")


@pytest.mark.parametrize("edit", [Remove(("*",)), Search("a", ""), Search("/./", " ")])
def test_a_caption_that_would_be_empty_stays_and_says_so(edit: Edit) -> None:
    done = edit_caption("a\n", [edit], FORM)
    assert (done.text, done.reason) == ("a\n", EMPTY_CAPTION)


CAPTIONS = st.lists(
    st.sampled_from(["a", "A", "long hair", "long_hair", ":)", "(smile:1.2)", "x y z", "1girl"])
).map(", ".join)
TAG_EDITS: list[Edit] = [
    Dedupe(),
    Sort(),
    Add(("long_hair",)),
    Trigger("a"),
    Remove(("*hair",)),
    KeepFirst(3),
]


@given(CAPTIONS, st.sampled_from(TAG_EDITS))
def test_an_edit_done_twice_is_done_once(text: str, edit: Edit) -> None:
    once = edited(text, edit)
    assert edited(once, edit) == once


@given(st.text(max_size=40), st.sampled_from(TAG_EDITS))
def test_no_edit_of_any_text_leaves_nothing(text: str, edit: Edit) -> None:
    done = edit_caption(text, [edit], FORM)
    assert done.text.strip(" ,|") or not text.strip() or done.text == text


@given(st.text(alphabet="ab _|,;(:1.2)\\\n", max_size=30), st.sampled_from([", ", " ", "; "]))
def test_the_words_of_a_caption_are_those_that_it_parses_to(text: str, separator: str) -> None:
    form = CaptionFormat(separator=separator)
    items = [(i.text, i.head) for i in parse_caption(text, form) if key(unweigh(i.text)[0])]
    assert [(word.text, word.head) for word in read_words(text, form)] == items


@given(CAPTIONS)
def test_no_spelling_is_left_twice(text: str) -> None:
    names = [key(part) for part in edited(text, Dedupe()).split(",")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Add(("a, b",)), "expected one tag"),
        (lambda: Trigger(""), "expected one tag"),
        (lambda: KeepFirst(0), "1 or more"),
        (lambda: Remove(("/(a+)+/",)), "run for ever"),
        (lambda: Replace("a", "b,c"), "expected one tag"),
        (lambda: Search(""), "got nothing"),
        (lambda: Search("a", "b\n"), "one line"),
        (lambda: Search("a", "\udcff"), "got bytes"),
        (lambda: Search("/.*a.*/", ""), "one \\* or \\+ at most"),
        (lambda: Search("/(/", ""), "regular expression"),
        (lambda: Search("/a/", r"\7"), "expected a text to put"),
    ],
)
def test_an_edit_that_can_not_be_is_refused(make: object, why: str) -> None:
    with pytest.raises(OptionError, match=why):
        make()  # pyright: ignore
