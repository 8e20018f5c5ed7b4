"""Settings in groups, every name flat."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tagger.argv import parse
from tagger.errors import OptionError
from tagger.groups import build, changed, members, plain, settings
from tagger.options import check, option


@dataclass(frozen=True)
class Oven:
    """How it is baked."""

    heat: int = option(180, help="Degrees.", ge=50, le=300)
    minutes: int = option(40, help="How long.", ge=1)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Cake:
    """Bake a cake."""

    name: str = option(help="What it is called.")
    oven: Oven = option(factory=Oven, help="How it is baked.")

    def __post_init__(self) -> None:
        check(self)


def test_flat_names_find_their_group() -> None:
    """Built, changed and written out again; what is not named keeps its value."""
    cake = build(Cake, {"name": "plum", "heat": 200})
    assert cake == Cake("plum", Oven(heat=200))
    assert changed(cake, {"minutes": 10, "name": "nut"}) == Cake("nut", Oven(200, 10))
    assert plain(cake) == {"name": "plum", "heat": 200, "minutes": 40}
    assert [each.name for each in settings(Cake)] == ["name", "heat", "minutes"]


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    """In whichever group the nearest is."""
    with pytest.raises(OptionError, match="did you mean 'minutes'"):
        build(Cake, {"name": "plum", "minute": 3})
    with pytest.raises(OptionError, match="heat: expected a whole number from 50 to 300"):
        changed(Cake("plum"), {"heat": 3})


def test_a_name_is_used_once() -> None:
    """Two groups that share one could not both be a flag."""

    @dataclass(frozen=True)
    class Twice:
        heat: int = option(1, help="Here.")
        oven: Oven = option(factory=Oven, help="And there.")

    with pytest.raises(TypeError, match="heat"):
        members(Twice)


def test_groups_are_flags_under_their_own_names(capsys: pytest.CaptureFixture[str]) -> None:
    """The help lists common ones first, then each group under its sentence."""
    pytest.importorskip("tyro")
    read = {"positional": ["name"], "common": ["minutes"]}
    assert parse(Cake, ["plum", "--heat", "99"], "bake", **read) == Cake("plum", Oven(99))
    replaced = parse(Cake, ["plum"], "bake", defaults={"heat": 70}, **read)
    assert replaced.oven.heat == 70
    with pytest.raises(OptionError, match="--heat: expected a whole number from 50"):
        parse(Cake, ["plum", "--heat", "1"], "bake", **read)
    with pytest.raises(SystemExit):
        parse(Cake, ["--help"], "bake", **read)
    shown = capsys.readouterr().out
    assert shown.index("--minutes") < shown.index("How it is baked.") < shown.rindex("--heat")
