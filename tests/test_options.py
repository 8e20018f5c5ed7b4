"""Settings as data: ranges, JSON and descriptions from one field."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagger.errors import OptionError
from tagger.options import check, describe, from_dict, option, to_dict


@dataclass(frozen=True)
class Inner:
    ratio: float | None = option(None, help="A ratio.", ge=0, le=1)
    by_name: Mapping[str, float] = option(factory=dict, help="By name.", ge=0, le=1)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Outer:
    name: str = option(help="A name.")
    inner: Inner = option(factory=Inner, help="An inner.")
    count: int = option(3, help="A count.", ge=1, metavar="N")
    share: float = option(0.5, help="A share.", le=9)
    flag: bool = option(False, help="A flag.")
    mode: Literal["on", "off"] = option("off", help="A mode.")
    maybe: Literal["a", "b"] | None = option(None, help="Perhaps a mode.")
    size: str = option("s", help="A size.", choices=("s", "m"))
    words: tuple[str, ...] = option((), help="Words.")
    pairs: tuple[tuple[str, str], ...] = option((), help="Pairs.")
    box: tuple[int, int] = option((4, 4), help="Width and height.", ge=1)
    where: Path | None = option(None, help="A path.")

    def __post_init__(self) -> None:
        check(self)
        if self.name == "bad":
            raise OptionError("name: expected a good one, got 'bad'")


text = st.text(max_size=8)
unit = st.floats(0, 1)
inners = st.builds(Inner, ratio=st.none() | unit, by_name=st.dictionaries(text, unit, max_size=3))
outers = st.builds(
    Outer,
    name=text.filter(lambda name: name != "bad"),
    inner=inners,
    count=st.integers(1),
    share=st.floats(max_value=9, allow_nan=False, allow_infinity=False),
    flag=st.booleans(),
    mode=st.sampled_from(["on", "off"]),
    maybe=st.sampled_from(["a", "b", None]),
    size=st.sampled_from("sm"),
    words=st.lists(text, max_size=3).map(tuple),
    pairs=st.lists(st.tuples(text, text), max_size=3).map(tuple),
    box=st.tuples(st.integers(1, 99), st.integers(1, 99)),
    where=st.none() | st.sampled_from([Path("a/b"), Path("c")]),
)


@given(outers)
def test_settings_survive_json(settings: Outer) -> None:
    """Written, sent, read: the same, to the last bit of a float."""
    data = json.loads(json.dumps(to_dict(settings)))

    assert from_dict(Outer, data) == settings
    assert to_dict(from_dict(Outer, data)) == data


def test_what_is_not_named_keeps_its_default() -> None:
    """A preset holds what its maker changed."""
    assert from_dict(Outer, {"name": "x", "inner": {"ratio": 1}}) == Outer(
        name="x", inner=Inner(ratio=1.0)
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "x", "cuont": 3}, "cuont: expected the name of a setting: did you mean 'count'?"),
        (
            {"name": "x", "inner": {"zzz": 1}},
            "inner.zzz: expected the name of a setting: there are ratio, by_name",
        ),
        ({}, "name: expected text, got nothing"),
        ({"name": 5}, "name: expected text, got 5"),
        ({"name": "x", "count": 0}, "count: expected a whole number of at least 1, got 0"),
        ({"name": "x", "count": 1.5}, "count: expected a whole number of at least 1, got 1.5"),
        ({"name": "x", "count": True}, "count: expected a whole number of at least 1, got True"),
        ({"name": "x", "share": 10}, "share: expected a number of at most 9, got 10"),
        ({"name": "x", "share": "1"}, "share: expected a number of at most 9, got '1'"),
        ({"name": "x", "flag": 1}, "flag: expected true or false, got 1"),
        ({"name": "x", "mode": "of"}, "mode: expected one of on, off, got 'of'"),
        ({"name": "x", "maybe": 1}, "maybe: expected one of a, b, got 1"),
        ({"name": "x", "size": "l"}, "size: expected one of s, m, got 'l'"),
        ({"name": "x", "words": "abc"}, "words: expected a list, each text, got 'abc'"),
        ({"name": "x", "words": [1]}, "words: expected text, got 1"),
        ({"name": "x", "pairs": [["a"]]}, "pairs: expected a list of 2: text, text, got ['a']"),
        ({"name": "x", "box": [4, 0]}, "box: expected a whole number of at least 1, got 0"),
        ({"name": "x", "where": 4}, "where: expected a path, got 4"),
        ({"name": "x", "inner": 4}, "inner: expected names and values, got 4"),
        (
            {"name": "x", "inner": {"ratio": 1.5}},
            "inner.ratio: expected a number from 0 to 1, got 1.5",
        ),
        (
            {"name": "x", "inner": {"by_name": {"general": -1}}},
            "inner.by_name[general]: expected a number from 0 to 1, got -1",
        ),
        (
            {"name": "x", "inner": {"by_name": [1]}},
            "inner.by_name: expected names, each with a number from 0 to 1, got [1]",
        ),
        ({"name": "bad"}, "name: expected a good one, got 'bad'"),
        ([1], "expected names and values, got [1]"),
        (None, "expected names and values, got nothing"),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence(data: object, sentence: str) -> None:
    """Naming the file, the setting, what was expected and what came."""
    with pytest.raises(OptionError) as caught:
        from_dict(Outer, data, "preset.json")

    assert str(caught.value) == f"preset.json: {sentence}"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_refused(value: float) -> None:
    """JSON has no spelling for it, and no setting means it."""
    with pytest.raises(OptionError, match="share: expected a number"):
        Outer(name="x", share=value)


def test_a_long_value_is_shown_short() -> None:
    """One sentence stays one."""
    with pytest.raises(OptionError) as caught:
        from_dict(Outer, {"name": "x", "flag": "y" * 1000})

    assert len(str(caught.value)) < 120


def test_check_holds_for_code_too() -> None:
    """The same sentence without a file."""
    with pytest.raises(OptionError) as caught:
        Inner(ratio=1.5)

    assert str(caught.value) == "ratio: expected a number from 0 to 1, got 1.5"


def test_check_settles_what_means_the_same() -> None:
    """Lists become tuples, numbers of numpy Python's, whole numbers floats where one is meant."""
    made = Outer(name="x", words=["a"], pairs=[["a", "b"]], share=1, count=np.int64(7), where="a/b")

    assert (made.words, made.pairs, made.where) == (("a",), (("a", "b"),), Path("a/b"))
    assert (type(made.share), type(made.count)) == (float, int)


def test_a_mapping_is_copied() -> None:
    """What is changed later outside does not reach the settings."""
    mine = {"a": 0.5}
    made = Inner(by_name=mine)

    mine["a"] = 7.0

    assert made.by_name == {"a": 0.5}


def test_settings_are_described_for_forms_and_command_lines() -> None:
    """Name, type, default, sentence, range, choices, placeholder; in the order written."""
    fields = {field.name: field for field in describe(Outer)}

    assert list(fields) == [field.name for field in dataclasses.fields(Outer)]
    count = fields["count"]
    assert (count.type, count.default, count.help) == (int, 3, "A count.")
    assert (count.ge, count.le, count.metavar) == (1, None, "N")
    assert fields["mode"].choices == ("on", "off")
    assert fields["maybe"].choices == ("a", "b")
    assert fields["size"].choices == ("s", "m")
    assert fields["name"].required
    assert not fields["inner"].required
    assert fields["inner"].nested
    assert fields["inner"].default == Inner()
    assert fields["words"].type == tuple[str, ...]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("count", "a whole number of at least 1"),
        ("maybe", "one of a, b or nothing"),
        ("box", "a list of 2: a whole number of at least 1, a whole number of at least 1"),
        ("where", "a path or nothing"),
        ("inner", "names and values"),
    ],
)
def test_a_description_says_what_may_be_given(name: str, expected: str) -> None:
    """In the words of the errors."""
    assert {f.name: f.expected for f in describe(Outer)}[name] == expected


def test_a_plain_field_is_a_setting_too() -> None:
    """Without a sentence, but with its type."""

    @dataclass(frozen=True)
    class Plain:
        n: int = 3

    assert describe(Plain)[0].help == ""
    assert from_dict(Plain, {"n": 4}) == Plain(4)


def test_a_union_that_no_form_can_show_is_a_mistake_of_the_author() -> None:
    """Not of the person who sets it."""

    @dataclass(frozen=True)
    class Wrong:
        n: int | str | None = option(None, help="Both.")

    with pytest.raises(TypeError, match=r"X \| None"):
        from_dict(Wrong, {"n": 4})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner) | st.dictionaries(text, inner),
    max_leaves=8,
)


@given(json_values)
@example({"by_name": {"a\nb": 5}})
@example({"a\nb": 5})
@example(10**400)
def test_any_json_is_either_settings_or_one_sentence(data: Any) -> None:
    """No other error reaches a person."""
    for name in ("inner", "words", "box", "share", "pairs", "where"):
        said = sentence_of({"name": "x", name: data})
        assert "\n" not in said


def sentence_of(data: object) -> str:
    try:
        from_dict(Outer, data)
    except OptionError as error:
        return str(error)
    return ""
