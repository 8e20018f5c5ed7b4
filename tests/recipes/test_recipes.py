"""Recipes are found by name or path and are two sections of settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.errors import OptionError
from tagger.recipes import read_recipe, recipes

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

    with pytest.raises(OptionError, match="'epochs' twice"):
        read_recipe(path)
