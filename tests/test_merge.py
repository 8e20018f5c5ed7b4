"""Merge: adding to a caption that somebody wrote."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagger.caption import Caption, CaptionFormat, format_caption, parse_caption
from tagger.merge import Merge, merge
from tagger.spelling import key
from tagger.thresholds import Tag
from tagger.wording import unweigh

NEW = Caption("1girl, solo")
WAYS = ("append", "prepend")


@pytest.mark.parametrize(
    ("old", "appended", "prepended"),
    [
        ("me", "me, 1girl, solo", "1girl, solo, me"),
        ("1girl, me", "1girl, me, solo", "solo, 1girl, me"),
        ("1girl,me, ^_^", "1girl,me, ^_^, solo", "solo, 1girl,me, ^_^"),
        ("", "1girl, solo", "1girl, solo"),
        ("solo, me,", "solo, me, 1girl", "1girl, solo, me,"),
        ("solo, me, ", "solo, me, 1girl", "1girl, solo, me, "),
        (", solo", ", solo, 1girl", "1girl, solo"),
        ("me ||| 1girl", "me ||| 1girl, solo", "solo, me ||| 1girl"),
        ("solo |||", "solo ||| 1girl", "1girl, solo |||"),
        ("||| solo", "||| solo, 1girl", "1girl ||| solo"),
        ("a ||| b ||| c", "a ||| b ||| c, 1girl, solo", "1girl, solo, a ||| b ||| c"),
        # a line break at the end, as kohya's own tagger writes one, stays at the end
        ("solo\n", "solo, 1girl\n", "1girl, solo\n"),
        ("solo\r\n", "solo, 1girl\r\n", "1girl, solo\r\n"),
        ("\n", "1girl, solo\n", "1girl, solo\n"),
    ],
)
def test_new_tags_are_added_and_the_old_text_stays(old: str, appended: str, prepended: str) -> None:
    """Byte for byte, its head separator, loose commas and spaces included."""
    assert merge(old, NEW).text == appended
    assert merge(old, NEW, "prepend").text == prepended


@pytest.mark.parametrize(
    "there",
    [
        "saber (fate)",
        "saber_(fate)",
        r"saber \(fate\)",
        r"saber\_\(fate\)",
        "Saber (Fate)",
        "(saber (fate):1.2)",
        r"(saber \(fate\):0.95)",
        r"(saber_\(fate\):.9)",
        "((saber (fate)))",
        "[saber (fate)]",
        r"(((saber \(fate\):1.3)))",
        "  saber (fate)  ",
        "me;;;saber (fate);;;you",
        "me ||| saber (fate)",
        "me|||saber (fate)",
    ],
)
def test_a_tag_that_is_there_in_any_spelling_is_not_added(there: str) -> None:
    """Underscores, escapes, capitals, emphasis, weights, kohya's groups."""
    assert merge(there, Caption("saber (fate)")) == Merge(there)


@pytest.mark.parametrize("old", ["(smile, long hair:1.2)", "((smile, long hair, hat))"])
@pytest.mark.parametrize("new", ["smile", "long hair"])
def test_a_tag_in_a_weighted_group_is_there(old: str, new: str) -> None:
    """A prompt's group spans commas."""
    assert merge(old, Caption(new)).added == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [(":]", ":)"), ("long hairs", "long hair"), ("saber", "saber (fate)"), ("m/", "\\m/")],
)
def test_a_tag_that_only_looks_alike_is_added(old: str, new: str) -> None:
    """No part of a word, no other face."""
    assert merge(old, Caption(new)).added == (new,)


def test_what_is_added_is_written_as_the_format_has_it() -> None:
    """Weights, escapes, separator, and the separator at the end if it ends there."""
    form = CaptionFormat(
        separator="; ", escape=True, weights=True, trailing_separator=True, prefix=("me",)
    )
    made = format_caption([Tag("saber_(fate)", "character", 0.9)], form)

    assert merge("x", made, "append", form).text == r"x; me; (saber \(fate\):0.90);"
    assert merge("x", made, "prepend", form).text == r"me; (saber \(fate\):0.90); x"
    assert merge("saber_(fate)", made, "append", form).added == ("me",)


def test_no_head_separator_is_added() -> None:
    """Where the old head ends is for the old text to say."""
    made = format_caption(
        [Tag(n, "general", 0.9, i) for i, n in enumerate("abc")], form := CaptionFormat(head=1)
    )

    assert made.text == "a ||| b, c"
    assert merge("x ||| y", made, "append", form).text == "x ||| y, a, b, c"
    assert merge("x", made, "prepend", form).text == "a, b, c, x"


@pytest.mark.parametrize(
    ("old", "reason"),
    [
        ("a, b\nc, d", "several lines"),
        ("a, b\n\nc, d\n", "several lines"),
        ("\na", "several lines"),
        ("a\u2028b", "several lines"),
        ("{red|blue} hair", "braces"),
        ("a, {{b}}", "braces"),
        ("a girl with long hair standing in the rain", "sentences"),
        ("A girl stands in the rain.", "sentences"),
        ("A girl, smiling, in a red dress.", "sentences"),
        ("Rain. A girl", "sentences"),
        ("1girl, solo, she looks at the viewer and smiles at them", "sentences"),
    ],
)
@pytest.mark.parametrize("how", WAYS)
def test_text_that_tags_would_spoil_is_left_as_it_is(old: str, reason: str, how: str) -> None:
    """With the reason, for the report."""
    assert merge(old, NEW, how) == Merge(old, (), reason)


@pytest.mark.parametrize(
    "old",
    [
        "dr. stone, 1girl",
        "...",
        "k-on!, love live!, what?",
        "kimi no na wa, a b c d e f",
        "yahari_ore_no_seishun_lovecome_wa_machigatteiru.",
        "<lora:x:0.8>, a",
        "hatsune miku",
    ],
)
def test_tags_are_not_taken_for_sentences(old: str) -> None:
    """Up to six words, with dots and exclamation marks where tags have them."""
    assert merge(old, Caption("zzz")).added == ("zzz",)


def test_a_long_tag_that_is_known_is_no_sentence() -> None:
    """A second run over what the first one wrote."""
    title = "the legend of zelda: breath of the wild"

    assert merge(title, Caption(title + ", zelda")).text == f"{title}, zelda"


# ---------------------------------------------------------------- whatever stands there

pieces = [*"ab ,;|()[]:.\\_1\n\r\t{}^", "long hair", ", ", "|||", ";;;"]
loose = st.lists(st.sampled_from(pieces), max_size=12).map("".join)
old_texts = st.one_of(
    loose, st.text(), st.lists(st.sampled_from(["a", "b_c", "(a:1.2)", "x"])).map(", ".join)
)
new_tags = st.lists(
    st.builds(
        Tag,
        st.sampled_from(
            ["a", "b_c", "long_hair", "saber_(fate)", "^_^", ":)", "\\m/", "(a)", "a:1"]
        ),
        st.just("general"),
        st.floats(0, 1),
        st.integers(0, 9),
    ),
    max_size=6,
)
forms = st.builds(
    CaptionFormat,
    separator=st.sampled_from([", ", ",", "; ", " ", " / "]),
    trailing_separator=st.booleans(),
    spaces=st.booleans(),
    escape=st.booleans(),
    weights=st.booleans(),
    head=st.integers(0, 2),
    prefix=st.sampled_from([(), ("me_too",), ("(best:1.2)",)]),
)


@given(old_texts, new_tags, forms)
@example("a ", [Tag("b", "general", 0.9)], CaptionFormat())
@example("a |||", [Tag("b", "general", 0.9)], CaptionFormat())
@example(" ", [Tag("b", "general", 0.9)], CaptionFormat())
@example("\x1e", [Tag("b", "general", 0.9)], CaptionFormat())
def test_the_old_text_is_there_byte_for_byte(
    old: str, tags: list[Tag], form: CaptionFormat
) -> None:
    """At the beginning, its last line break aside, or at the end; and it stays one line."""
    caption = format_caption(tags, form)
    body = old.rstrip("\r\n")

    appended = merge(old, caption, "append", form).text
    prepended = merge(old, caption, "prepend", form).text

    assert appended.startswith(body)
    assert appended.endswith(old[len(body) :])
    assert prepended.endswith(old)
    if len(body.splitlines()) <= 1:
        assert len(appended.rstrip("\r\n").splitlines()) <= 1


@given(old_texts, new_tags, forms, st.sampled_from(WAYS))
def test_merging_twice_is_merging_once(
    old: str, tags: list[Tag], form: CaptionFormat, how: str
) -> None:
    """Nothing is added that is there."""
    caption = format_caption(tags, form)
    once = merge(old, caption, how, form)

    twice = merge(once.text, caption, how, form)

    assert twice.text == once.text
    assert twice.added == ()


@given(old_texts, new_tags, forms, st.sampled_from(WAYS))
def test_after_a_merge_every_new_tag_is_there(
    old: str, tags: list[Tag], form: CaptionFormat, how: str
) -> None:
    """Added, or there before, unless there is a reason."""
    caption = format_caption(tags, form)
    made = merge(old, caption, how, form)

    if made.reason is not None:
        assert made == Merge(old, (), made.reason)
        return
    for item in parse_caption(caption.text, form):
        if item.text in made.added:
            assert item.text in made.text
        else:
            assert key(unweigh(item.name)[0]) in key(old)
