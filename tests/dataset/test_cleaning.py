"""Plainer names of tags, by the rules that Animesion states for DAF:re."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.dataset.build import build
from tagger.dataset.buildoptions import BuildOptions
from tagger.dataset.cleaning import clean
from tagger.dataset.index import Dataset

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("1girl", "1_girl"),
        ("6+girls", "6_girls"),
        ("long_hair", "long_hair"),
        ("half-closed_eyes", "half_closed_eyes"),
        ("no.7_(doll)", "no_7_(doll)"),
        ("re:creators", "re_creators"),
        ("!!", ""),
        (":d", ""),
        ("^_^", ""),
        ("", ""),
        ("cat", "cat"),
        ("ok", ""),
    ],
)
def test_signs_become_gaps_and_short_names_nothing(name: str, plain: str) -> None:
    """And a clean name stays as it is."""
    assert clean(name) == plain
    assert clean(plain) == plain


def test_names_that_become_one_are_one_label(
    tmp_path: Path, write_dump: Callable[..., Path]
) -> None:
    """Of the categories asked for; the source's own aliases go first, and signs are no labels."""
    dump = write_dump(
        "drawn",
        {1: "1girl half-closed_eyes :d d.va", 2: "half_closed_eyes old.name", 3: "1girl"},
        {"1girl": 0, "half-closed_eyes": 0, "half_closed_eyes": 0, ":d": 0, "d.va": 4, "new": 0},
        aliases={"old.name": "new"},
    )
    summary = build(
        BuildOptions(
            sources=(dump,), out=tmp_path / "out", maximum_share=1.0, clean_names=("general",)
        )
    )
    dataset = Dataset.open(tmp_path / "out")
    assert dataset.vocabulary.names == ("1_girl", "half_closed_eyes", "new", "d.va")
    assert [label.count for label in dataset.vocabulary] == [2, 2, 1, 1]
    assert summary.left_out == {"signs alone": (":d",)}
    assert dataset.index["tags"].to_pylist() == [[0, 1, 3], [1, 2], [0]]
