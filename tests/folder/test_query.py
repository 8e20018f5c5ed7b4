"""`--where`: what is written is what is meant, and an error points at its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.errors import OptionError, UsageError
from tagger.folder.matching import Facts, Matcher, asks_scores
from tagger.folder.query import Both, Either, Has, Length, Lies, Not, Query, Rated, Scored, show
from tagger.folder.queryreader import parse
from tagger.folder.querywords import QueryError
from tagger.labels import DANBOORU, Label, LabelSet, category
from tagger.scores import Scores
from tagger.spelling import Pattern, key


def readable(tag: str) -> bool:
    try:
        Pattern.parse(tag)
    except OptionError:
        return False
    return True


def plain(tag: str) -> bool:
    return readable(tag) and len(Pattern.parse(tag).pieces) == 1


TAGS = st.text(min_size=1, max_size=12).filter(readable) | st.sampled_from(
    ["and", "NOT", "len", "saber_(fate)", ":)", '"', "\\", "\\m/", "a\\", ">_<", "=_=", "*hair", ""]
).filter(readable)
OPS = st.sampled_from(["<", "<=", ">", ">=", "=", "!="])
EQUALS = st.sampled_from(["=", "!="])
LEAVES = (
    st.builds(Has, TAGS)
    | st.builds(Length, OPS, st.integers(0, 999))
    | st.builds(Scored, TAGS.filter(plain), OPS, st.floats(0, 1))
    | st.builds(Rated, EQUALS, st.text(max_size=5))
    | st.builds(Lies, EQUALS, st.text(max_size=5))
)


def grown(inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    several = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return st.builds(Not, inner) | st.builds(Both, several) | st.builds(Either, several)


QUERIES = st.recursive(LEAVES, grown, max_leaves=12)


@given(QUERIES)
def test_a_query_written_and_read_is_the_same(query: Query) -> None:
    assert parse(show(query)) == query


@given(st.text(alphabet='ab ()"\\/<>=!.*nortdlescp19_\n', max_size=60))
def test_any_text_is_a_query_or_an_error_with_its_place(text: str) -> None:
    """Nothing else is raised, and the caret stands inside the text or right behind it."""
    error, query = asked(text)
    assert error is None or 0 <= error.place <= len(text)
    assert error is None or len(error.pointed().splitlines()[-1]) <= 61
    assert query is None or parse(show(query)) == query


def asked(text: str) -> tuple[QueryError | None, Query | None]:
    try:
        return None, parse(text)
    except QueryError as error:
        return error, None


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("1girl and not sword", Both((Has("1girl"), Not(Has("sword"))))),
        ("a and b or c AND d", Either((Both((Has("a"), Has("b"))), Both((Has("c"), Has("d")))))),
        ("a and (b or c)", Both((Has("a"), Either((Has("b"), Has("c")))))),
        ('"long hair" or saber_(fate)', Either((Has("long hair"), Has("saber_(fate)")))),
        ("(saber_(fate))", Has("saber_(fate)")),
        ("score(saber_(fate)) > .5", Scored("saber_(fate)", ">", 0.5)),
        ("len>75", Length(">", 75)),
        ("len == 0", Length("=", 0)),
        ("not not a", Not(Not(Has("a")))),
        ("rating!=explicit", Rated("!=", "explicit")),
        ('path="sub [1]/*.png"', Lies("=", "sub [1]/*.png")),
        ('"and"', Has("and")),
        ("/^blue_(hair|eyes)$/", Has("/^blue_(hair|eyes)$/")),
    ],
)
def test_what_is_written_is_read(text: str, query: Query) -> None:
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("long hair", 5, "put quotes around a tag with spaces"),
        ("a and", 5, "expected a tag"),
        ("a or and b", 5, 'as a tag it is written "and"'),
        ("(a or b", 7, "for the bracket at character 1"),
        ("a)", 1, "a bracket that nothing opens"),
        ("a > 3", 2, "only len, score(TAG), rating and path are compared"),
        ("len", 3, "such as len>75"),
        ("len>many", 4, "a whole number"),
        ("score(a)>1.5", 9, "from 0 to 1"),
        ("score(*hair)>0", 6, "one tag"),
        ("rating>general", 6, "such as rating=general"),
        ('a and "b', 6, "a closing quote"),
        ("/(a+)+/", 0, "can't run for ever"),
        ("", 0, "expected a tag"),
    ],
)
def test_an_error_points_at_its_place(text: str, place: int, why: str) -> None:
    with pytest.raises(QueryError, match=f"^character {place + 1}: ") as caught:
        parse(text)
    assert why in str(caught.value)
    assert caught.value.place == place
    assert caught.value.pointed() == f"{text}\n{' ' * place}^"


@pytest.mark.parametrize("text", ["(" * 9_999, "not " * 2_400, "a( " * 3_000, '"\\' * 4_999])
def test_nasty_text_is_refused_and_overflows_nothing(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text)


def test_many_terms_are_no_trouble() -> None:
    assert len(parse(" or ".join(["a"] * 1_900)).queries) == 1_900  # pyright: ignore


GENERAL, RATING = category(DANBOORU, "general"), category(DANBOORU, "rating")
LABELS = LabelSet((Label("safe_one", RATING), Label("explicit", RATING), Label("smile", GENERAL)))
SCORES = Scores(np.array([0.2, 0.7, 0.95], np.float32), LABELS, "fake")


def facts(*tags: str, place: str = "sub/Red [1].png") -> Facts:
    return Facts(Path("/x") / place, Path("/x"), tuple(map(key, tags)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1GIRL", True),
        ("long_hair", True),
        ('"long hair" and not sword', True),
        (r"saber_\(fate\)", True),
        ("*hair", True),
        ("hair", False),
        ("/^(long|short)_hair$/", True),
        ("sword or len=3", True),
        ("len>3", False),
        ("path=*.PNG", True),
        ("path=sub/*", True),
        ("path=*[1]*", True),
        ("path=red*", False),
        ("path!=*.jpg", True),
        ("rating=explicit", True),
        ("rating!=safe_one", True),
        ("score(smile)>0.9 and score(smile)<=0.95", True),
        ("not (1girl and len<=3)", False),
    ],
)
def test_a_picture_is_meant(text: str, expected: bool) -> None:
    means = Matcher(parse(text), lambda _: SCORES)
    assert means(facts("1girl", "long hair", "saber (fate)")) is expected


def test_what_a_caption_says_of_its_rating_comes_before_the_scores() -> None:
    means = Matcher(parse("rating=general"), lambda _: SCORES)
    assert means(facts("1girl", "general"))
    assert means(facts("1girl", "rating:general"))
    assert not means(facts("1girl"))


@pytest.mark.parametrize(
    ("text", "why"),
    [("score(smile)>0.9", "expected kept scores"), ("rating=general", "expected a rating")],
)
def test_what_is_not_known_is_said(text: str, why: str) -> None:
    """A picture without scores is neither above nor below: the question can't be answered."""
    with pytest.raises(UsageError, match=why):
        Matcher(parse(text), lambda _: None)(facts("1girl"))


def test_a_tag_that_the_model_has_not_is_said() -> None:
    with pytest.raises(UsageError, match="expected a tag that fake knows"):
        Matcher(parse("score(sword)>0.9"), lambda _: SCORES)(facts("1girl"))


def test_only_questions_of_scores_need_scores() -> None:
    assert asks_scores(parse("a and not (b or score(c)>0)"))
    assert not asks_scores(parse("a and not (b or len>3)"))
