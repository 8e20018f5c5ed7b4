"""The drawn booru's words: Danbooru's own, closed, all of them in use, and known by their seed."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from tagger.demo.truth import (
    ALIASES,
    CATEGORIES,
    GENERAL,
    IMPLICATIONS,
    character_tags,
    copyright_tags,
    general_tags,
)
from tagger.demo.wardrobe import CAST, CHARACTERS, draw_scene

SCENES = [draw_scene(1, index) for index in range(500)]


def test_every_word_of_the_vocabulary_occurs_in_500_posts() -> None:
    """A training on 500 pictures meets each tag, and no tag is outside of the vocabulary."""
    counts = Counter(
        tag for s in SCENES for tag in general_tags(s) + character_tags(s) + copyright_tags(s)
    )
    assert set(counts) == set(CATEGORIES)
    assert min(counts.values()) >= 5


def test_truth_is_closed_under_the_implications() -> None:
    """Where a tag is true, all that it implies is true."""
    for scene in SCENES:
        tags = set(general_tags(scene))
        for child, parents in IMPLICATIONS.items():
            assert child not in tags or tags.issuperset(parents)


def test_a_picture_depends_on_its_seed_and_index_alone() -> None:
    """Drawing other pictures before it changes nothing; another seed changes it."""
    assert draw_scene(1, 7) == SCENES[7]
    assert [draw_scene(2, k) for k in range(20)] != SCENES[:20]


def test_figures_are_counted() -> None:
    """One count tag for each kind of figure, and `solo` exactly where there is one figure."""
    for scene in SCENES:
        tags = set(general_tags(scene))
        boys = sum(f.boy for f in scene.figures)
        girls = len(scene.figures) - boys
        expected = {0: set(), 1: {"1girl"}, 2: {"2girls", "multiple_girls"}}[girls]
        assert tags & {"1girl", "2girls", "multiple_girls"} == expected
        assert ("1boy" in tags) == (boys == 1)
        assert ("solo" in tags) == (len(scene.figures) == 1)


def test_closed_eyes_have_no_colour() -> None:
    """A colour that nobody can see is not true of the picture."""
    shut = [s for s in SCENES if all(f.lids == "closed" for f in s.figures)]
    assert shut
    for scene in shut:
        assert not [t for t in general_tags(scene) if t.endswith("_eyes") and t != "closed_eyes"]


def test_a_third_of_the_pictures_show_one_of_the_cast() -> None:
    """Twelve names, each with one look; strangers never have it."""
    assert len(CHARACTERS) == len(set(CHARACTERS)) == 12
    shown = sum(bool(character_tags(s)) for s in SCENES) / len(SCENES)
    assert 0.28 <= shown <= 0.45
    looks = {(f.style, f.hair, f.gear, f.ornament, f.outfit): f.name for f in CAST}
    for figure in (f for s in SCENES for f in s.figures):
        look = (figure.style, figure.hair, figure.gear, figure.ornament, figure.outfit)
        assert looks.get(look) == figure.name


def test_the_words_are_danboorus_own(test_data: Path) -> None:
    """Each tag, implication and alias is in the site's lists; no implication is left out."""
    meta = test_data / "meta"
    with (meta / "danbooru_tags_sfw.csv").open(encoding="utf-8", newline="") as file:
        tags = {row[0]: row[3].split(",") for row in csv.reader(file)}
    with (meta / "danbooru_tag_implications_sfw.csv").open(encoding="utf-8", newline="") as file:
        listed = {(row[0], row[1]) for row in csv.reader(file)}
    ours = {(child, parent) for child, row in IMPLICATIONS.items() for parent in row}
    assert set(GENERAL) <= set(tags)
    assert ours == {(a, b) for a, b in listed if a in GENERAL and b in GENERAL}
    for old, word in ALIASES.items():
        assert old in tags[word]


@pytest.mark.parametrize("word", sorted(ALIASES))
def test_aliases_lead_into_the_vocabulary(word: str) -> None:
    """An old word is not itself in use, and the word in use is."""
    assert word not in GENERAL
    assert ALIASES[word] in GENERAL
