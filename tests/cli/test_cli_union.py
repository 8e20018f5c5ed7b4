"""Several models on the command line: their scores joined, in captions and in JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tagger.cli import main


@pytest.fixture
def models(colour_model: Path, tmp_path: Path) -> list[str]:
    """The colour model, and one that calls its long hair blue and its blue theme long hair."""
    other = tmp_path / "other"
    shutil.copytree(colour_model, other)
    path = other / "selected_tags.csv"
    text = path.read_text().replace("blue_theme", "X").replace("long_hair", "blue_theme")
    path.write_text(text.replace("X", "long_hair"))
    return ["--model", str(colour_model), "--model", str(other)]


def scores(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, float]:
    assert main(["tag", *argv, "--json", "--threshold", "0.02"]) == 0
    row = json.loads(capsys.readouterr().out)
    return {tag["name"]: tag["score"] for tag in row["tags"]}


@pytest.mark.parametrize(
    ("flags", "share"),
    [
        ([], 0.5),
        (["--union", "max"], 1.0),
        (["--union", "weighted", "--model-weight", "1", "--model-weight", "3"], 0.25),
    ],
)
def test_scores_of_two_models_are_joined(
    models: list[str],
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    share: float,
) -> None:
    """A red picture: one says long hair 0.9 and blue almost 0, the other the reverse."""
    found = scores(capsys, str(pictures / "red.png"), *models, *flags)
    assert found["long_hair"] == pytest.approx(0.9 * share, abs=0.01)
    assert found["saber_(fate)"] == pytest.approx(0.6, abs=1e-5)


def test_captions_and_kept_scores_are_joined(
    models: list[str], pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Written once from inference and once from what was kept: the same."""
    flags = [str(pictures), *models, "--union", "max", "--threshold", "0.5"]
    texts: list[str] = []
    for more in ([], ["--on-existing", "overwrite"]):
        assert main(["caption", *flags, *more]) == 0
        texts.append((pictures / "red.txt").read_text())
    assert texts[0] == texts[1]
    assert set(texts[0].split(", ")) == {"red theme", "blue theme", "long hair", "saber (fate)"}
    capsys.readouterr()


@pytest.mark.parametrize("flags", [["--threshold", "0.001"], ["--select", "mcut"]])
def test_what_needs_scores_below_the_floor_is_inferred_again(
    models: list[str], pictures: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    """Scores of 0.0001 are not kept; the captions are those of the first time."""
    argv = [str(pictures), *models, *flags]
    written: list[dict[str, str]] = []
    for more in ([], ["--on-existing", "overwrite"]):
        assert main(["caption", *argv, *more]) == 0
        written.append({path.name: path.read_text() for path in pictures.glob("*.txt")})
    assert written[0] == written[1]
    assert written[0]
    assert main(["tag", str(pictures / "red.png"), *models, *flags]) == 0
    assert "infer" not in capsys.readouterr().err.replace("inferred", "")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--model-weight", "1"], "expected 0 weights above 0 for 2 models joined by mean"),
        (["--union", "weighted"], "expected 2 weights above 0 for 2 models"),
    ],
)
def test_weights_that_do_not_fit_are_told(
    models: list[str],
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    sentence: str,
) -> None:
    """Before anything is loaded."""
    assert main(["tag", str(pictures / "red.png"), *models, *flags]) == 2
    assert sentence in capsys.readouterr().err


def test_a_model_is_named_once(
    colour_model: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twice the same one is a mistake."""
    argv = ["tag", str(pictures / "red.png"), *(["--model", str(colour_model)] * 2)]
    assert main(argv) == 2
    assert "--model: expected each model once" in capsys.readouterr().err
