"""Settings read from a command line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

pytest.importorskip("tyro")

from tagger.argv import flagged, parse
from tagger.errors import OptionError
from tagger.options import check, option


@dataclass(frozen=True)
class Wanted:
    """Do something with pictures.

    Not part of the help.
    """

    images: tuple[Path, ...] = option(help="Pictures.", metavar="IMAGE")
    threshold: tuple[str, ...] = option((), help="From here on.", metavar="N|CATEGORY=N")
    top: int | None = option(None, help="At most.", ge=1, metavar="K")
    weight: float = option(0.5, help="How much.", ge=0, le=1)
    select: str = option("fixed", help="How.", choices=("fixed", "mcut"))
    colour: Literal["red", "blue"] | None = option(None, help="Which.")
    recursive: bool = option(True, help="Go into subfolders.")
    out: Path | None = option(None, help="Where to.")
    shares: tuple[float, ...] = option((), help="Numbers.", ge=0)
    lists: tuple[Path, ...] = option((), help="Files.")
    least: Mapping[str, int] = option(factory=dict, help="Of each.", ge=1, metavar="CATEGORY=N")

    def __post_init__(self) -> None:
        check(self)


def read(*argv: str) -> Wanted:
    return parse(Wanted, argv, "tagger do", positional=("images",))


def test_positional_words_and_repeated_options_become_lists() -> None:
    """Words are pictures; an option written twice gives both values, in order."""
    wanted = read("a b.png", "c.png", "--threshold", "0.3", "--threshold", "character=0.8")

    assert wanted.images == (Path("a b.png"), Path("c.png"))
    assert wanted.threshold == ("0.3", "character=0.8")
    assert read("a", "--out", "b").out == Path("b")
    assert read("a", "--shares", "1", "--shares", ".5").shares == (1.0, 0.5)
    assert read("a", "--lists", "b").lists == (Path("b"),)


def test_pairs_become_a_mapping() -> None:
    """One each time the option is written, and in place of a recipe's."""
    wanted = read("a.png", "--least", "general=10", "--least", "character=1")
    recipe = {"least": {"copyright": 2}}
    left = parse(Wanted, ["a"], "tagger do", positional=("images",), defaults=recipe)
    given = parse(
        Wanted, ["a", "--least", "meta=3"], "tagger do", positional=("images",), defaults=recipe
    )

    assert wanted.least == {"general": 10, "character": 1}
    assert read("a").least == {}
    assert (left.least, given.least) == ({"copyright": 2}, {"meta": 3})


def test_a_list_that_is_written_stands_in_for_its_default() -> None:
    """It is not added to it: what a recipe or the program would take can be left out."""
    recipe = {"threshold": ["0.5", "rating=1"]}

    def asked(*argv: str) -> Wanted:
        return parse(Wanted, ["a", *argv], "tagger do", positional=("images",), defaults=recipe)

    assert asked().threshold == ("0.5", "rating=1")
    assert asked("--threshold", "0.2").threshold == ("0.2",)
    assert asked("--threshold", "1", "--threshold", "2", "--top", "3").threshold == ("1", "2")


def test_defaults_are_the_dataclass_own_unless_replaced() -> None:
    """A recipe's value stands in for the default, and the command line goes over both."""
    recipe = {"weight": 0.25, "top": 7}

    replaced = parse(
        Wanted, ["a", "--top", "9"], "tagger do", positional=["images"], defaults=recipe
    )

    assert read("a") == Wanted((Path("a"),))
    assert (replaced.weight, replaced.top) == (0.25, 9)


def test_a_boolean_that_is_on_is_turned_off_by_its_no() -> None:
    """`--no-recursive` is the one spelling."""
    assert not read("a", "--no-recursive").recursive


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["a", "--selct", "mcut"], "--selct"),
        (["a", "--select", "best"], "best"),
        (["a", "--top", "many"], "can.t read .many."),
        (["a", "--weight", "3"], "from 0 to 1"),
        (["a", "--least", "general"], "expected CATEGORY=N, got 'general'"),
        (["a", "--least", "general=few"], "expected CATEGORY=N, got 'general=few'"),
        (["a", "--least", "general=0"], "at least 1, got 0"),
        (["a", "--top"], "--top"),
        (["a", "--shares", "few"], "--shares: expected a number, got 'few'"),
        (["a", "--shares", "-1"], "--shares: .*at least 0, got -1"),
        (["a", "--lists", ""], "--lists: expected a path, got an empty word"),
        (["a", ""], "images: expected a path, got an empty word"),
        (["a", "--out", ""], "out: expected a path, got an empty word"),
        (["a", "--out="], "out: expected a path, got an empty word"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(argv: list[str], sentence: str) -> None:
    """An error names the argument and stays on one line, with nothing printed beside it.

    An empty word is no path: the working folder is `.`, never a variable that was not set.
    """
    with pytest.raises(OptionError) as caught:
        read(*argv)

    assert re.search(sentence, str(caught.value))
    assert "\n" not in str(caught.value)
    assert "│" not in str(caught.value)


def test_an_unknown_option_brings_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of the finger is answered with the option that was meant."""
    with pytest.raises(OptionError, match=r"did you mean --select\?"):
        read("a", "--selct", "mcut")

    assert capsys.readouterr().err == ""


def test_help_shows_each_sentence_and_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` prints every option with its sentence and range, and exits with 0."""
    with pytest.raises(SystemExit) as ended:
        read("--help")

    shown = capsys.readouterr().out
    assert ended.value.code in (0, None)
    assert "Do something with pictures." in shown
    assert "Not part of the help" not in shown
    assert "From 0 to 1" in shown


def test_what_leaving_it_out_stands_for_is_no_choice() -> None:
    """Nobody can type nothing."""
    assert (read("a").colour, read("a", "--colour", "red").colour) == (None, "red")
    with pytest.raises(OptionError) as refused:
        read("a", "--colour", "green")
    assert "None" not in str(refused.value)


def test_a_setting_is_refused_under_the_name_that_was_typed() -> None:
    """Also where the flag has another name than the field; other sentences stay as they are."""
    with pytest.raises(OptionError, match=r"^--weight: expected a number from 0 to 1, got 2"):
        read("a", "--weight", "2")
    with pytest.raises(OptionError, match=r"^--best: expected"), flagged(Wanted, top="best"):
        Wanted((Path("a"),), top=0)
    with pytest.raises(OptionError, match=r"^a\.png: expected"), flagged(Wanted):
        raise OptionError("a.png: expected another")


def test_lists_and_what_may_be_left_out_cost_no_import_of_typeguard() -> None:
    """tyro asks it about types that it does not know itself, and it takes a tenth of a second."""
    code = """if 1:
        import sys, tyro
        before = "typeguard" in sys.modules
        from tagger.cli.tag import TagFlags, parse
        parse(TagFlags, ["a.png", "--model", "x", "--max", "3"], "tagger", positional=["images"])
        assert ("typeguard" in sys.modules) == before
    """

    subprocess.run([sys.executable, "-c", code], check=True)
