"""Statistics of a folder, against a count by hand and one by pandas-free brute force."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tagger.errors import UsageError
from tagger.folder.captions import Captioned
from tagger.folder.editing import Rules
from tagger.folder.matching import Matcher
from tagger.folder.queryreader import parse
from tagger.folder.stats import PairCount, TagCount, folder_stats
from tagger.report.plots import Bar, plot_bars


def captioned(*texts: str | None) -> list[Captioned]:
    root = Path("/x")
    return [
        Captioned((root / f"{n}.png",), root, root / f"{n}.txt", text)
        for n, text in enumerate(texts)
    ]


def test_tags_are_counted_once_a_caption_whatever_their_spelling() -> None:
    stats = folder_stats(
        captioned("Long Hair, long_hair, 1girl", "(long hair:1.2), miku", None, "", "a\nb"),
        Rules(),
        {"miku": "character"},
    )
    assert stats.tags == [
        TagCount("Long Hair", "general", 2),
        TagCount("1girl", "general", 1),
        TagCount("miku", "character", 1),
    ]
    assert list(stats.by_category()) == ["general", "character"]
    assert (stats.captions, stats.without, stats.left) == (2, 2, {"several lines": 1})
    assert stats.lengths == {3: 1, 2: 1}
    assert stats.mean_length == 2.5


def test_a_tag_that_nobody_knows_has_its_namespaces_category() -> None:
    """Kaomoji with a colon have none."""
    texts = captioned("artist:me, Species:red fox, :3, ;d:, unknown:thing, character:")
    kinds = {tag.name: tag.category for tag in folder_stats(texts, Rules()).tags}
    assert kinds.pop("artist:me") == "artist"
    assert kinds.pop("Species:red fox") == "species"
    assert set(kinds.values()) == {"general"}


def test_only_what_is_meant_is_counted() -> None:
    texts = captioned("a, b", "b, c", "c")
    asked = Rules(selected=Matcher(parse("b")))
    assert [(t.name, t.count) for t in folder_stats(texts, asked).tags] == [
        ("b", 2),
        ("a", 1),
        ("c", 1),
    ]
    beside = folder_stats(texts, Rules(), beside="c")
    assert [(t.name, t.count) for t in beside.tags] == [("c", 2), ("b", 1)]


def test_a_tag_that_nothing_has_stands_beside_nothing() -> None:
    stats = folder_stats(captioned("a"), Rules(), beside="nowhere")
    assert (stats.captions, stats.tags, stats.mean_length) == (0, [], 0.0)


def test_a_caption_that_can_not_be_read_is_named() -> None:
    root = Path("/x")
    broken = Captioned((root / "a.png",), root, root / "a.txt", None, "not UTF-8")
    assert folder_stats([broken], Rules()).unread == [(root / "a.txt", "not UTF-8")]


@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5), max_size=12))
def test_counts_are_those_of_a_slow_count(pictures: list[list[str]]) -> None:
    stats = folder_stats(captioned(*map(", ".join, pictures)), Rules(), pairs=100)
    tags = Counter(tag for tags in pictures for tag in set(tags))
    pairs = Counter(
        frozenset(pair) for tags in pictures for pair in itertools.combinations(set(tags), 2)
    )
    assert {tag.name: tag.count for tag in stats.tags} == tags
    assert {frozenset((p.first, p.second)): p.count for p in stats.pairs} == pairs
    assert [tag.count for tag in stats.tags] == sorted(tags.values(), reverse=True)
    assert [pair.count for pair in stats.pairs] == sorted(pairs.values(), reverse=True)


def test_so_many_pairs_are_given_as_are_asked_for() -> None:
    stats = folder_stats(captioned("a, b, c", "a, b"), Rules(), pairs=1)
    assert stats.pairs == [PairCount("a", "b", 2)]


def test_a_chart_is_a_png_whatever_the_tags_are_called(tmp_path: Path) -> None:
    """Kaomoji and dollars are formulas to matplotlib."""
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    path = tmp_path / "chart.png"
    names = ["^_^", "$_$", r"\m/", "a" * 600, "a\nb\x07"]
    groups = ["general", "character", "lore", "general", "general"]
    bars = [Bar(name, 5 - at, groups[at]) for at, name in enumerate(names)]
    plot_bars(path, bars, "$5")
    with image.open(path) as chart:
        assert chart.format == "PNG"
        assert chart.size[0] == 800
    with pytest.raises(UsageError, match="no such file or folder"):
        plot_bars(tmp_path / "nowhere" / "chart.png", [Bar("a", 1)], "")


def test_a_chart_of_nothing_has_no_axis(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot_bars(tmp_path / "chart.png", [], "0 captions")
    with Image.open(tmp_path / "chart.png") as image:
        grey = np.asarray(image.convert("L"))
    assert grey.min() < 128  # it says so
    assert (grey[-grey.shape[0] // 4 :] == 255).all()  # where an axis would have its numbers


def test_without_matplotlib_a_chart_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match=r"pip install .*\[report\]"):
        plot_bars(tmp_path / "chart.png", [Bar("a", 1)], "")
