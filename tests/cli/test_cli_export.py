"""`tagger export`: a folder that other tools read, checked where asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.cli import main


def test_an_exported_model_captions_as_its_source(
    colour_model: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Checked, then used by the folder's path."""
    argv = ["export", str(colour_model), "--to", "wd", "--out", str(tmp_path / "wd"), "--check"]
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert "8 labels in WD's order, 0 others" in said
    assert "model.onnx: largest difference" in said
    for name, folder in (("one", colour_model), ("other", tmp_path / "wd")):
        out = ["--out", str(tmp_path / name)]
        assert main(["caption", str(pictures), "--model", str(folder), *out]) == 0
    captions = [(tmp_path / name / "red.txt").read_text() for name in ("one", "other")]
    assert captions[0] == captions[1] == "red theme, long hair, saber (fate)"


def test_a_difference_is_told_and_is_a_failure(
    colour_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 1, after the figure."""
    pytest.importorskip("onnx")
    monkeypatch.setattr("tagger.export.compare.compare", lambda *_: {"model.onnx": 0.002})
    argv = ["export", str(colour_model), "--out", str(tmp_path / "wd")]
    assert main([*argv, "--check"]) == 1
    assert "model.onnx: largest difference 0.002" in capsys.readouterr().out


def test_a_folder_that_is_there_is_left_alone(
    colour_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused with 2."""
    assert main(["export", str(colour_model), "--out", str(tmp_path)]) == 2
    assert "expected a new folder" in capsys.readouterr().err
