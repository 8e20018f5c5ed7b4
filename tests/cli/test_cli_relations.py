"""`tagger relations update`, and captions that know which tags imply others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tagger.cli import main
from tagger.relationfiles import write_relations
from tagger.relations import Relations


def test_implied_tags_need_relations_and_say_where_to_get_them(
    colour_model: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused before anything runs."""
    argv = ["tag", str(pictures / "red.png"), "--model", str(colour_model), "--implied", "remove"]
    assert main(argv) == 2
    assert "tagger relations update" in capsys.readouterr().err


def test_what_an_update_read_decides_captions(
    colour_model: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """long_hair is left out, since red_theme was told to imply it."""
    export = tmp_path / "tag_implications.csv"
    export.write_text("antecedent_name,consequent_name,status\nred_theme,long_hair,active\n")
    assert main(["relations", "update", str(export)]) == 0
    assert "0 aliases, 1 implications" in capsys.readouterr().out
    argv = ["caption", str(pictures), "--model", str(colour_model)]
    assert main([*argv, "--implied", "remove"]) == 0
    assert (pictures / "red.txt").read_text() == "red theme, saber (fate)"
    assert (pictures / "blue.txt").read_text() == "blue theme, long hair, saber (fate)"


def test_a_model_brings_relations_of_its_own(
    colour_model: Path, pictures: Path, tmp_path: Path
) -> None:
    """Nothing was read from a site."""
    own = tmp_path / "colours"
    shutil.copytree(colour_model, own)
    write_relations(own / "relations.json", Relations({}, {"blue_theme": ("red_theme",)}))
    argv = ["caption", str(pictures), "--model", str(own), "--implied", "inherit"]
    assert main(argv) == 0
    assert (pictures / "blue.txt").read_text().startswith("red theme, blue theme, ")


def test_a_character_brings_its_series(colour_model: Path, pictures: Path) -> None:
    """What stands last in brackets; no relations are needed for it."""
    assert main(["caption", str(pictures), "--model", str(colour_model), "--series"]) == 0
    assert (pictures / "red.txt").read_text() == "red theme, long hair, saber (fate), fate"


@pytest.mark.parametrize("argv", [[], ["update"], ["fetch"]])
def test_what_is_asked_wrongly_is_one_sentence(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the right form in it."""
    assert main(["relations", *argv]) == 2
    assert "relations update" in capsys.readouterr().err
