"""`tagger import`: somebody comes from another tagger, and keeps the results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tagger.cli import main

Tagger = Callable[..., int]
Said = pytest.CaptureFixture[str]


@pytest.fixture
def moved(pictures: Path) -> Path:
    """The folder of a person who switches: red.png in a db.json, blue.jpg with a sidecar."""
    with Image.open(pictures / "red.png") as image:
        pixels = hashlib.sha256(image.tobytes()).hexdigest()
    database = {
        "rating": {"general": [0.9]},
        "tag": {"long_hair": [0.75], "blue_theme": [0.5], "old_tag": [0.4]},
        "query": {f"{pixels}My model": ["D:\\elsewhere\\red.png", 0]},
    }
    (pictures / "db.json").write_text(json.dumps(database, indent=2))
    (pictures / "blue.json").write_text('[{"general": 0.9}, {"red_theme": 0.6, "long_hair": 0.3}]')
    return pictures


def test_results_are_kept_without_inference(
    tagger: Tagger, moved: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old scores, at any threshold; the third picture is the only one the model sees."""
    assert tagger("import", moved) == 0
    said = capsys.readouterr().out
    assert "scores of 2 pictures" in said
    assert "old_tag 1" in said

    assert tagger("caption", moved) == 0
    assert "2 of them from kept scores, 1 inferred" in capsys.readouterr().err
    assert (moved / "red.txt").read_text() == "long hair, blue theme"
    assert (moved / "blue.txt").read_text() == "red theme"

    monkeypatch.setattr("tagger.cli.caption.open_model", None)  # nobody may open it
    assert tagger("caption", moved, "--threshold", "0.25", "--on-existing", "overwrite") == 0
    assert (moved / "blue.txt").read_text() == "red theme, long hair"


def test_a_dry_run_keeps_nothing_and_what_is_forgotten_is_inferred(
    tagger: Tagger, moved: Path, capsys: Said
) -> None:
    assert tagger("import", moved, "--dry-run") == 0
    said = capsys.readouterr().out
    assert "scores of 2 pictures" in said
    assert said.endswith("nothing was kept\n")
    assert tagger("import", moved) == 0
    assert tagger("import", "--forget") == 0
    assert "2 imported results of" in capsys.readouterr().out
    assert tagger("caption", moved) == 0
    assert (moved / "red.txt").read_text() == "red theme, long hair, saber (fate)"


def test_our_own_scores_go_first(tagger: Tagger, moved: Path) -> None:
    """Other programs prepare pictures otherwise."""
    assert tagger("caption", moved) == 0
    before = (moved / "red.txt").read_text()
    assert tagger("import", moved) == 0
    assert tagger("caption", moved, "--on-existing", "overwrite") == 0
    assert (moved / "red.txt").read_text() == before


def test_a_database_may_lie_elsewhere(tagger: Tagger, moved: Path, tmp_path: Path) -> None:
    """In the output folder of that program."""
    (tmp_path / "out").mkdir()
    file = (moved / "db.json").rename(tmp_path / "out" / "db.json")
    (moved / "blue.json").unlink()
    assert tagger("import", file, moved) == 0
    assert tagger("caption", moved) == 0
    assert (moved / "red.txt").read_text() == "long hair, blue theme"


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        ([], "expected a folder of pictures"),
        (["{pictures}"], "name it with --model"),
        (
            ["{pictures}/db.json", "--model", "wd-vit-tagger-v3"],
            "expected wd-vit-tagger-v3 on disk",
        ),
        (["{pictures}/notes.md"], "expected the db.json of picobyte's tagger, got no JSON"),
        (["{pictures}/none.json"], "got no file of that name"),
        (["--forget"], "--forget: expected --model"),
    ],
)
def test_what_cant_be_done_is_refused(
    moved: Path, argv: list[str], sentence: str, capsys: Said
) -> None:
    assert main(["import", *(word.format(pictures=moved) for word in argv)]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
