"""Captions: writing tags as one line and reading them back."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.caption import CaptionFormat, format_caption, parse_caption
from tagger.errors import OptionError
from tagger.options import from_dict, to_dict
from tagger.spelling import KAOMOJI, key
from tagger.thresholds import Tag

TAGS = (
    Tag("1girl", "general", 0.98, 4),
    Tag("long_hair", "general", 0.91, 7),
    Tag("saber_(fate)", "character", 0.95, 12),
    Tag("fate_(series)", "copyright", 0.93, 11),
    Tag("^_^", "general", 0.5, 5),
    Tag("solo", "general", 0.97, 6),
    Tag("sensitive", "rating", 0.6, 1),
)
SOURCE = PurePosixPath("/pictures/10_my girl/img (1).png")


def text(*tags: Tag, source: PurePath | None = None, **options: object) -> str:
    return format_caption(tags, CaptionFormat(**options), source).text


# ---------------------------------------------------------------- spelling


def test_the_default_is_spaces_commas_and_descending_score() -> None:
    """No escapes, no weights, no comma or line break at the end."""
    assert text(*TAGS) == "1girl, solo, saber (fate), fate (series), long hair, sensitive, ^_^"


@pytest.mark.parametrize("face", sorted(KAOMOJI))
def test_a_kaomoji_keeps_its_underscore(face: str) -> None:
    """All 19."""
    assert text(Tag(face, "general", 0.9)) == face


def test_there_are_nineteen_kaomoji() -> None:
    """The list that WD's demo page, imgutils and taggui share."""
    assert len(KAOMOJI) == 19


def test_underscores_may_stay() -> None:
    """For trainers that want the booru's spelling."""
    assert text(TAGS[1], spaces=False) == "long_hair"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("saber_(fate)", r"saber \(fate\)"),
        ("^_^", "^_^"),
        ("\\m/", r"\\m/"),
        ("[o]", r"\[o\]"),
        ('don\'t_say_"lazy"', 'don\'t say "lazy"'),
    ],
)
def test_brackets_and_backslashes_are_escaped_for_prompts(name: str, written: str) -> None:
    """What the WebUI's prompt parser would take for emphasis."""
    assert text(Tag(name, "general", 0.9), escape=True) == written


def test_weights_have_two_decimals() -> None:
    """The form that prompts read."""
    assert text(TAGS[2], weights=True, escape=True) == r"(saber \(fate\):0.95)"
    assert text(TAGS[4], weights=True) == "(^_^:0.50)"


def test_the_separator_may_end_the_text() -> None:
    """Without the space after it; an empty text stays empty."""
    assert text(TAGS[0], TAGS[5], trailing_separator=True) == "1girl, solo,"
    assert text(trailing_separator=True) == ""


# ---------------------------------------------------------------- order


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("score", "1girl, solo, saber (fate), fate (series), long hair, sensitive, ^_^"),
        ("alphabetical", "1girl, ^_^, fate (series), long hair, saber (fate), sensitive, solo"),
        ("model", "sensitive, 1girl, ^_^, solo, long hair, fate (series), saber (fate)"),
        ("template", "1girl, solo, saber (fate), fate (series), long hair, sensitive, ^_^"),
    ],
)
def test_the_order_is_chosen(order: str, expected: str) -> None:
    """By score, by name (digits, signs, letters), by the model's labels, by kind."""
    assert text(*TAGS, order=order) == expected


def test_a_template_puts_its_groups_one_after_another() -> None:
    """Rating, counts, characters, all others by score, and what is named after them."""
    template = ("rating", "count", "character", "*", "copyright")

    assert text(*TAGS, order="template", template=template) == (
        "sensitive, 1girl, solo, saber (fate), long hair, ^_^, fate (series)"
    )


def test_what_a_template_does_not_name_comes_last() -> None:
    """A template orders; it never drops."""
    assert text(*TAGS, order="template", template=("copyright", "count")) == (
        "fate (series), 1girl, solo, saber (fate), long hair, sensitive, ^_^"
    )


def test_counts_go_girls_boys_others_solo_whatever_their_scores() -> None:
    """So that training sees them in one order."""
    names = ("solo", "multiple_girls", "1other", "2boys", "6+girls", "no_humans", "group")
    tags = [Tag(name, "general", 0.9 - i / 100, i) for i, name in enumerate(names)]

    assert text(*tags, order="template", template=("count",)) == (
        "6+girls, 2boys, 1other, multiple girls, solo, group, no humans"
    )


@pytest.mark.parametrize("name", ["1girls_shirt", "girl", "solo_focus", "3d", "2024", "boys"])
def test_what_only_looks_like_a_count_is_none(name: str) -> None:
    """It stands with the rest."""
    tags = [Tag(name, "general", 0.99, 0), Tag("1girl", "general", 0.5, 1)]

    assert text(*tags, order="template", template=("count",)).startswith("1girl, ")


# ---------------------------------------------------------------- which are written


def test_at_most_so_many_are_the_highest_whatever_the_order() -> None:
    """Prefix and suffix do not count, nor does the rating."""
    written = text(*TAGS, max=2, order="alphabetical", prefix=("zz",), suffix=("aa",))

    assert written == "zz, 1girl, sensitive, solo, aa"


def test_a_tag_is_written_once_whatever_its_spellings() -> None:
    """Two models, two spellings, one tag: the higher score."""
    tags = [Tag("long hair", "general", 0.4, 0), Tag("long_hair", "general", 0.9, 1)]
    made = format_caption(tags, CaptionFormat())

    assert made.text == "long hair"
    assert made.tags == (tags[1],)


@pytest.mark.parametrize(
    "name",
    ["a,b", "a|||b", "a;;;b", "{a", "a}", "a\nb", "a\rb", "a\u2028b", "a\x0bb", "\ud800", "_", ""],
)
def test_a_tag_that_would_be_read_as_something_else_is_left_out_and_listed(name: str) -> None:
    """By kohya's separators and wildcards, by a line, by UTF-8."""
    made = format_caption([Tag(name, "general", 0.9), TAGS[0]], CaptionFormat())

    assert made.text == "1girl"
    assert made.left_out == (name,)
    assert made.tags == (TAGS[0],)


def test_a_tag_with_the_separator_in_it_is_left_out_too() -> None:
    """`;)` can't stand in a list parted by semicolons, a word of two in one parted by spaces."""
    made = format_caption([Tag(";)", "general", 0.9), *TAGS[:2]], CaptionFormat(separator="; "))
    assert (made.text, made.left_out) == ("1girl; long hair", (";)",))

    made = format_caption(TAGS[:2], CaptionFormat(separator=" "))
    assert (made.text, made.left_out) == ("1girl", ("long_hair",))

    made = format_caption([Tag("x-", "general", 0.9)], CaptionFormat(separator="--"))
    assert (made.text, made.left_out) == ("", ("x-",))


def test_no_tags_give_an_empty_text() -> None:
    """Whether that becomes a file is decided elsewhere."""
    assert text() == ""


# ---------------------------------------------------------------- prefix, suffix


def test_prefix_and_suffix_are_written_as_typed() -> None:
    """A trigger word keeps its underscore, a weight its brackets, also with escapes on."""
    written = text(TAGS[1], escape=True, prefix=("my_trigger", "(best:1.2)"), suffix=("a_b",))

    assert written == "my_trigger, (best:1.2), long hair, a_b"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (PurePosixPath("/x/10_my girl/a b.c.png"), "a b.c, my girl"),
        (PureWindowsPath(r"C:\x\10_my girl\a.png"), "a, my girl"),
        (PurePosixPath("miku/a.png"), "a, miku"),
        (PurePosixPath("10_/a.png"), "a, 10_"),
        (PurePosixPath("x10_y/a.png"), "a, x10_y"),
        (PurePosixPath("2_3_y/a.png"), "a, 3_y"),
        (PurePosixPath("a.png"), "a"),
        (None, ""),
    ],
)
def test_tokens_are_the_pictures_own_words(source: PurePath | None, expected: str) -> None:
    """The name without its extension, the folder's without kohya's repeats; else nothing."""
    assert text(source=source, prefix=("[name]",), suffix=("[parent]",)) == expected


def test_what_a_token_brings_is_escaped_and_may_be_left_out() -> None:
    """A file can be called anything."""
    form = CaptionFormat(prefix=("by [name]",), escape=True)
    assert format_caption((), form, SOURCE).text == r"by img \(1\)"

    made = format_caption(TAGS[:1], form, PurePosixPath("a, {b}.png"))
    assert (made.text, made.left_out) == ("1girl", ("by a, {b}",))

    undecodable = PurePosixPath("caf\udce9.png")
    assert format_caption((), form, undecodable).left_out == ("by caf\udce9",)


def test_a_prefix_wins_over_the_same_tag_and_over_a_suffix() -> None:
    """Once, and where it was asked for."""
    written = text(*TAGS[:2], prefix=("long hair",), suffix=("(long hair:1.1)", "1girl"))

    assert written == "long hair, 1girl"


@pytest.mark.parametrize("field", ["prefix", "suffix"])
@pytest.mark.parametrize("bad", ["a, b", "", "  ", "{a|b}", "a\nb", "|||"])
def test_a_prefix_that_is_not_one_tag_is_refused(field: str, bad: str) -> None:
    """Before the run, rather than dropped from every caption of it."""
    with pytest.raises(OptionError, match=f"^{field}: expected one tag"):
        CaptionFormat(**{field: (bad,)})


# ---------------------------------------------------------------- replace


@pytest.mark.parametrize("spelling", ["long_hair", "long hair", r"long\_hair", "Long Hair"])
def test_replace_finds_a_tag_in_any_spelling(spelling: str) -> None:
    """And writes the new one in the caption's."""
    assert text(TAGS[1], replace=((spelling, "very_long_hair"),)) == "very long hair"


@pytest.mark.parametrize("spelling", ["saber_(fate)", r"saber \(fate\)", "saber*", "/^saber/"])
def test_replace_takes_brackets_wildcards_and_regexes(spelling: str) -> None:
    """As exclude does."""
    assert text(*TAGS[2:4], replace=((spelling, "artoria"),)) == "artoria, fate (series)"


def test_replacing_by_nothing_drops_the_tag() -> None:
    """Without a word about it: that was the wish."""
    made = format_caption(TAGS[:2], CaptionFormat(replace=(("1girl", ""),)))

    assert (made.text, made.left_out) == ("long hair", ())


def test_the_first_rule_that_fits_counts_and_rules_do_not_chain() -> None:
    """a becomes b although b becomes c."""
    pairs = (("a", "b"), ("b", "c"), ("*", "d"))

    written = text(*(Tag(n, "general", 0.9, i) for i, n in enumerate("abx")), replace=pairs)

    assert written == "b, c, d"


def test_ten_thousand_tags_are_a_caption_too() -> None:
    """A threshold of 0 is allowed, and quadratic time is not: the whole suite has seconds."""
    tags = [Tag(f"t{i}", "general", 0.5, i) for i in range(5_000)]

    made = format_caption(tags, CaptionFormat(max=4_800, replace=(("/t1.*9/", "x"),)))

    assert made.text.startswith("t0, t1, ")
    assert len(made.tags) > 4_000


def test_two_tags_replaced_by_one_are_one() -> None:
    """With the higher score, and counted once by the maximum."""
    made = format_caption(
        TAGS[:2] + TAGS[5:6], CaptionFormat(replace=(("1girl", "x"), ("solo", "x")), max=2)
    )

    assert made.text == "x, long hair"
    assert made.tags[0] == Tag("x", "general", 0.98, 4)


def test_a_replacement_that_is_not_one_tag_is_refused() -> None:
    """So is a pattern that does not compile."""
    with pytest.raises(OptionError, match=r"^replace: expected one tag.*give several one by one"):
        CaptionFormat(replace=(("a", "b, c"),))
    with pytest.raises(OptionError, match=r"^replace: /\(/: expected a regular expression"):
        CaptionFormat(replace=(("/(/", "b"),))


# ---------------------------------------------------------------- head


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (0, "me, 1girl, solo"),
        (1, "me ||| 1girl, solo"),
        (2, "me, 1girl ||| solo"),
        (3, "me, 1girl, solo"),
        (9, "me, 1girl, solo"),
    ],
)
def test_the_head_separator_stands_after_the_first_tags(head: int, expected: str) -> None:
    """Prefix included; where nothing follows there is none."""
    assert text(TAGS[0], TAGS[5], prefix=("me",), head=head) == expected


def kohya(caption: str) -> tuple[list[str], list[str]]:
    """How sd-scripts parts a caption by keep_tokens_separator, restated."""
    fixed, _, flexible = caption.partition("|||")
    return [t.strip() for t in fixed.split(",")], [t.strip() for t in flexible.split(",")]


def test_kohya_reads_the_head_as_it_was_meant() -> None:
    """Two fixed tags, the rest to be shuffled."""
    assert kohya(text(*TAGS[:4], head=2)) == (
        ["1girl", "saber (fate)"],
        ["fate (series)", "long hair"],
    )


@pytest.mark.parametrize(
    "options",
    [
        {"separator": ""},
        {"separator": "\n"},
        {"separator": ",\n"},
        {"head_separator": ""},
        {"head_separator": "| |"},
        {"head_separator": ","},
        {"separator": " | "},
        {"head": -1},
        {"max": 0},
        {"order": "random"},
    ],
)
def test_a_format_that_could_not_be_read_back_is_refused(options: dict[str, object]) -> None:
    """One line always, and separators that can't be mistaken for each other."""
    with pytest.raises(OptionError, match="expected"):
        CaptionFormat(**options)


# ---------------------------------------------------------------- reading back

alphabet = st.sampled_from([*"ab_ ()[]\\:.;|-1<>^\"'/", "(", ")", "é", "猫", ",", "{", "\n"])
names = st.one_of(
    st.text(alphabet, max_size=12),
    st.sampled_from([*KAOMOJI, "\\m/", "\\||/", "saber_(fate)", "(a:1.2)", "x:0.5", ":)", ";d"]),
    st.text(max_size=8),
)
tags = st.lists(
    st.builds(
        Tag,
        names,
        st.sampled_from(["general", "character", "rating", "meta"]),
        st.floats(0, 1).map(lambda score: round(score, 6)),
        st.integers(-1, 99),
    ),
    max_size=8,
)
formats = st.builds(
    CaptionFormat,
    order=st.sampled_from(["score", "alphabetical", "model", "template"]),
    separator=st.sampled_from([", ", ",", "; ", " ", "  ", " / ", "--", ":", ".", "\t", " . "]),
    trailing_separator=st.booleans(),
    spaces=st.booleans(),
    escape=st.booleans(),
    weights=st.booleans(),
    max=st.none() | st.integers(1, 5),
    prefix=st.sampled_from([(), ("me",), ("me", "[name]")]),
    suffix=st.sampled_from([(), ("end",), ("[parent]",)]),
    head=st.integers(0, 4),
    head_separator=st.sampled_from(["|||", "BREAK", "§"]),
)


@given(tags, formats)
def test_a_caption_reads_back_as_it_was_written(given_tags: list[Tag], form: CaptionFormat) -> None:
    """The tags, their order, their weights; and every tag is written or listed or double."""
    made = format_caption(given_tags, form, SOURCE)

    items = parse_caption(made.text, form)

    fixed = {"me", "img_(1)", "end", "my_girl"}
    read = [item for item in items if key(item.name) not in fixed]
    written = [tag for tag in made.tags if key(tag.name) not in fixed]
    assert [key(item.name) for item in read] == [key(tag.name) for tag in written]
    if form.weights:
        weights = [item.weight for item in read]
        assert weights == [float(f"{tag.score:.2f}") for tag in written]
    if form.head and len(items) > form.head:
        assert [item.head for item in items] == [i < form.head for i in range(len(items))]
    there = {key(item.name) for item in items} | {key(name) for name in made.left_out}
    if form.max is None:
        assert {key(tag.name) for tag in given_tags} <= there


@given(tags, formats)
def test_a_caption_is_one_line_of_utf8(given_tags: list[Tag], form: CaptionFormat) -> None:
    """Whatever the tags are called."""
    made = format_caption(given_tags, form, SOURCE)

    assert len(made.text.splitlines()) <= 1
    assert made.text.encode() is not None
    assert made.text == made.text.strip()


@given(tags)
def test_escaped_text_reads_back_to_the_very_letters(given_tags: list[Tag]) -> None:
    """Not only to the same tag: `\\m/` with its backslash, every bracket."""
    form = CaptionFormat(spaces=False, escape=True)
    made = format_caption(given_tags, form)

    assert [item.name for item in parse_caption(made.text, form)] == [
        tag.name.strip() for tag in made.tags
    ]


def test_what_others_wrote_is_read_too() -> None:
    """Loose spaces, empty places, a comma at the end."""
    items = parse_caption(" a b ,, (c:1.2) |||d,")

    assert [(item.name, item.head) for item in items] == [
        ("a b", True),
        ("(c:1.2)", True),
        ("d", False),
    ]


def test_a_format_survives_json() -> None:
    """Pairs and all."""
    form = CaptionFormat("template", ("*",), "; ", replace=(("a", "b"),), max=3, prefix=("x",))

    assert from_dict(CaptionFormat, to_dict(form)) == form
