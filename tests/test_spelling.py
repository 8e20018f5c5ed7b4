from __future__ import annotations

import csv
import fnmatch
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger import spelling
from tagger.errors import OptionError
from tagger.spelling import KAOMOJI, Pattern, escape, key, match, to_spaces, unescape

LISTED = "0_0 (o)_(o) +_+ +_- ._. <o>_<o> <|>_<|> =_= >_< 3_3 6_9 >_o @_@ ^_^ o_o u_u x_x |_| ||_||"
FACES = LISTED.split()
tags = st.text(alphabet="aAbİß_ \\()[]*^/:\t1", max_size=12) | st.text(max_size=8)


def names_of(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row[0] for row in csv.reader(file)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("long hair", "long_hair"),
        ("long\\_hair", "long_hair"),
        ("Long Hair", "long_hair"),
        ("  long \t hair\n", "long_hair"),
        ("saber \\(fate\\)", "saber_(fate)"),
        ("qan\\[t\\]", "qan[t]"),
        ("\\\\m/", "\\m/"),
        ("0 0", "0_0"),
    ],
)
def test_spellings_of_one_tag_have_one_key(one: str, other: str) -> None:
    assert key(one) == key(other) == other


@pytest.mark.parametrize("tag", ["\\m/", "\\||/", "\\o/", "\\n/", "double_\\m/", ":\\"])
def test_a_backslash_that_is_part_of_a_tag_stays(tag: str) -> None:
    assert key(tag) == tag
    assert key(tag) != key(tag.replace("\\", ""))


@given(tags)
def test_key_does_not_depend_on_how_a_tag_was_written(tag: str) -> None:
    """Any way of writing has the key of the tag itself, and a key is its own key."""
    written = [to_spaces(tag), escape(tag), escape(to_spaces(tag)), to_spaces(escape(tag))]
    assert {key(one) for one in written} == {key(tag)}
    assert key(key(tag)) == key(tag)


@pytest.mark.parametrize("file", ["danbooru_tags_sfw.csv", "e621_tags_sfw.csv"])
def test_no_two_tags_of_a_booru_become_one(test_data: Path, file: str) -> None:
    """Over whole vocabularies keys are unique and independent of the way of writing."""
    names = names_of(test_data / "meta" / file)
    assert len({key(name) for name in names}) == len(names)
    for name in names:
        written = [to_spaces(name), escape(name), escape(to_spaces(name)), key(name)]
        assert {key(one) for one in written} == {key(name)}


def test_a_booru_tag_is_its_own_key(test_data: Path) -> None:
    """Only tags in which a backslash stands before a bracket or another backslash are changed."""
    names = names_of(test_data / "meta" / "danbooru_tags_sfw.csv")
    assert {name for name in names if key(name) != name} == {"\\(^o^)/", "\\\\//"}


def test_the_kaomoji_are_the_nineteen_that_taggers_share() -> None:
    assert len(FACES) == 19
    assert set(FACES) == KAOMOJI


def test_to_spaces_keeps_kaomoji_and_nothing_else() -> None:
    assert [to_spaces(face) for face in FACES] == FACES
    assert to_spaces("long_hair") == "long hair"
    assert to_spaces("o_o_(meme)") == "o o (meme)"


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("saber_(fate)", "saber_\\(fate\\)"),
        ("qan[t]", "qan\\[t\\]"),
        ("\\m/", "\\\\m/"),
        ("\\(^o^)/", "\\\\\\(^o^\\)/"),
        ("long_hair", "long_hair"),
    ],
)
def test_escape_puts_a_backslash_before_what_a_prompt_would_read(tag: str, written: str) -> None:
    assert escape(tag) == written


@given(st.text())
def test_unescape_undoes_escape(text: str) -> None:
    assert unescape(escape(text)) == text


def test_unescape_leaves_a_backslash_before_anything_else() -> None:
    assert unescape("\\m/ \\(a\\)") == "\\m/ (a)"


def meant(pattern: str, *names: str) -> list[str]:
    return [names[index] for index in match([Pattern.parse(pattern)], names).nonzero()[0]]


@pytest.mark.parametrize("pattern", ["saber (fate)", "SABER_(FATE)", "saber \\(fate\\)"])
def test_a_name_means_one_tag_in_any_spelling(pattern: str) -> None:
    names = ["saber_(fate)", "saber", "saber \\(fate\\)", "dark_saber_(fate)"]
    assert meant(pattern, *names) == ["saber_(fate)", "saber \\(fate\\)"]


@given(st.text("ab_*", min_size=1, max_size=8), st.lists(st.text("ab_", max_size=8)))
def test_a_wildcard_means_what_fnmatch_says(pattern: str, names: list[str]) -> None:
    """`*` stands for any run of characters, also for none, and the whole tag counts."""
    if "*" not in key(pattern):
        return
    expected = [bool(key(one)) and fnmatch.fnmatchcase(key(one), key(pattern)) for one in names]
    assert match([Pattern.parse(pattern)], names).tolist() == expected


def test_a_wildcard_with_many_stars_does_not_explode() -> None:
    """Fifty stars over a name that nearly fits: exponential if it were a backtracking regex."""
    assert meant("a*" * 50 + "b", "a" * 5000) == []


def test_a_wildcard_reads_other_signs_literally() -> None:
    assert meant("*_(b?ue*", "hina_(b?ue_archive)", "hina_(blue_archive)") == [
        "hina_(b?ue_archive)"
    ]


def test_a_regex_means_any_part_of_the_keyed_name() -> None:
    names = ["blue_eyes", "Red Hair", "blue \\(hair\\)", "hairband"]
    assert meant("/hair/", *names) == ["Red Hair", "blue \\(hair\\)", "hairband"]
    assert meant("/^(red|blue) .*$/", *names) == ["blue_eyes", "Red Hair", "blue \\(hair\\)"]
    assert meant("/ \\(HAIR\\)$/", *names) == ["blue \\(hair\\)"]


@pytest.mark.parametrize("tag", ["/", "//", ":/", "\\m/", "/lh"])
def test_a_tag_with_a_slash_is_a_name(tag: str) -> None:
    assert meant(tag, tag, "x") == [tag]


def test_no_pattern_means_an_unnamed_slot() -> None:
    assert meant("*", "", "a") == ["a"]
    assert meant("/.*/", "", "a") == ["a"]


def test_several_patterns_mean_what_any_of_them_means() -> None:
    patterns = [Pattern.parse(one) for one in ("solo", "*_hair", "/^1/")]
    hits = match(patterns, ["1girl", "solo", "long_hair", "hairband"])
    assert hits.dtype == np.bool_
    assert hits.tolist() == [True, True, True, False]
    assert match([], ["solo"]).tolist() == [False]
    assert match(patterns, []).tolist() == []


@given(st.sampled_from(["solo", "*_hair", "/^1.*s$/"]), st.lists(tags))
def test_matches_says_for_one_key_what_match_says_for_all(text: str, names: list[str]) -> None:
    pattern = Pattern.parse(text)
    expected = [bool(key(name)) and pattern.matches(key(name)) for name in names]
    assert match([pattern], names).tolist() == expected


@pytest.mark.parametrize("text", ["", "  ", "_", "/[/", "/a{2,1}/", "/(?P<a/"])
def test_a_pattern_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(OptionError, match="expected"):
        Pattern.parse(text)


@pytest.mark.parametrize(
    "source",
    [
        "(a+)+$",
        "(a*)*",
        "(a|a)*b",
        "(a|aa)+$",
        "(a?a)*b",
        "(?:x+x+)+y",
        ".*.*.*.*x",
        "(a{1,9}){1,9}b",
        "a?" * 30 + "b",
        "(((){65535}){65535}){65535}",
        "((?=a*)b)*",
    ],
)
def test_a_regex_that_can_explode_is_refused_unrun(source: str) -> None:
    with pytest.raises(OptionError, match="run for ever"):
        Pattern.parse(f"/{source}/")


@pytest.mark.parametrize(
    "source",
    [
        "^(red|blue|light brown) (hair|eyes)$",
        "\\d+(girl|boy)s?$",
        "^[^(]+\\(.*\\)$",
        "(very )?long .* hair",
        ".*a.*b.*",
        "(foo|bar){2}",
    ],
)
def test_an_ordinary_regex_is_taken(source: str) -> None:
    assert Pattern.parse(f"/{source}/").regex is not None


def test_a_long_regex_is_refused() -> None:
    with pytest.raises(OptionError, match="at most 200 characters, got 201"):
        Pattern.parse("/" + "a" * 201 + "/")


def test_a_regex_is_stopped_when_its_time_is_up() -> None:
    with pytest.raises(OptionError, match="takes too long"):
        match([Pattern.parse("/a.*b.*c/")], ["a" * 60] * 10_000, seconds=0.0)


def test_a_regex_sees_the_beginning_of_a_hostile_name() -> None:
    """What a regex may cost is bounded for LONGEST_NAME characters, so it sees no more."""
    name = "a" * spelling.LONGEST_NAME + "b"
    assert meant("/b/", name) == []
    assert meant("*b", name) == [name]


def test_the_source_of_a_regex_is_kept_as_written() -> None:
    assert Pattern.parse("/long hair/").text == "/long hair/"
    assert Pattern.parse("/long hair/").regex == re.compile("long_hair", re.IGNORECASE)
