"""Recipes are found by name or path and are two sections of settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagger.errors import OptionError
from tagger.recipes import as_yaml, read_recipe, recipes
from tagger.recipes.yamlfile import read

pytest.importorskip("yaml")


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_of_ours_has_both_sections(name: str) -> None:
    """They are what `--recipe NAME` reads."""
    assert list(read_recipe(name)) == ["dataset", "train"]


def test_a_recipe_is_read_by_path(tmp_path: Path) -> None:
    """A section that is not there is empty."""
    path = tmp_path / "own.yaml"
    path.write_text("dataset:\n  minimum_count: 3\n")
    assert read_recipe(path) == {"dataset": {"minimum_count": 3}, "train": {}}
    path.write_text("dataset:\ntrain: {}\n")
    assert read_recipe(str(path)) == {"dataset": {}, "train": {}}


def test_an_unknown_name_says_the_nearest() -> None:
    """A slip of the finger costs one look."""
    with pytest.raises(OptionError, match=r"dmo: expected the name or file.*did you mean 'demo'"):
        read_recipe("dmo")
    with pytest.raises(OptionError, match=r"there are anime-art-tagger, .*dafre, demo"):
        read_recipe("../../secret")


@pytest.mark.parametrize(
    "text",
    [
        "dataset: [1, 2]",
        "datasets: {}",
        "- a",
        "",
        "a: [",
        "x: !!python/object/apply:os.getcwd []",
        "train: {3: 4}",
        "train: {[a]: 4}",
        "train: &a {heads: *a}",
        "\x00",
    ],
)
def test_what_is_no_recipe_is_refused(text: str, tmp_path: Path) -> None:
    """One sentence naming the file; tags that would run code are no YAML to us."""
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(OptionError, match=r"own\.yaml: .*expected"):
        read_recipe(path)


def test_a_name_written_twice_is_refused(tmp_path: Path) -> None:
    """YAML would take the last in silence, and a training would not be what somebody read."""
    path = tmp_path / "twice.yaml"
    path.write_text("train:\n  epochs: 3\n  lr: 0.1\n  epochs: 4\n")

    with pytest.raises(OptionError, match="line 4: expected each name once, got 'epochs' twice"):
        read_recipe(path)
    path.write_text('train:\n  plateau:\n  - {"lr": 1, "lr": 2}\n')
    with pytest.raises(OptionError, match="line 3: expected each name once, got 'lr' twice"):
        read_recipe(path)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1e-3", 0.001),
        ("2.5E+2", 250.0),
        (".5", 0.5),
        ("-1.", -1.0),
        ("12", 12),
        ("true", True),
        ("off", "off"),
        ("on", "on"),
        ("no", "no"),
        ("2024-01-31", "2024-01-31"),
        ("1e-3x", "1e-3x"),
        ("'1e-3'", "1e-3"),
        ("null", None),
    ],
)
def test_words_are_what_the_newer_yaml_takes_them_for(
    written: str, meant: object, tmp_path: Path
) -> None:
    """Of version 1.2, chapter 10.3: `lr: 1e-3` is a number and `cache: off` is a word."""
    path = tmp_path / "own.yaml"
    path.write_text(f"train: {{a: {written}}}")
    found = read_recipe(path)["train"]["a"]
    assert found == meant
    assert type(found) is type(meant)


WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(WORDS, VALUES, max_size=4))
@example({"a": "1e-3", "b": "off", "c": "2024-01-31", "d": 1e-05, "e": "0x1F", "f": "1_000"})
def test_settings_that_are_written_are_read_back(section: dict[str, Any]) -> None:
    """Whatever a text looks like."""
    assert read(as_yaml("train", section).encode()) == {"train": section}


def test_a_file_that_is_not_there_is_no_recipe(tmp_path: Path) -> None:
    """It is told apart from a recipe's name."""
    with pytest.raises(OptionError, match=r"own\.yaml: expected a file of YAML, got none there"):
        read_recipe(tmp_path / "own.yaml")
    with pytest.raises(OptionError, match="expected a file of YAML, got a folder"):
        read_recipe(tmp_path)
