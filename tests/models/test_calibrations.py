"""Thresholds that come as files beside published models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tagger.errors import LabelFileError
from tagger.models.calibrations import read_calibration
from tagger.thresholds import Thresholds

KNOWN = Thresholds(0.4, {"general": 0.5, "artist": 0.9})


def test_deepghs_table_is_by_category(tmp_path: Path) -> None:
    """The first row of a category counts; what it leaves out stays."""
    path = tmp_path / "thresholds.csv"
    path.write_text("category,name,threshold\n0,general,0.39\n4,character,0.47\n0,general,0.1\n")

    found = read_calibration(path, KNOWN)

    assert found.overall == 0.4
    assert found.categories == {"general": 0.39, "artist": 0.9, "character": 0.47}


def test_camies_balanced_preset_counts(tmp_path: Path) -> None:
    """Of five presets for each category."""
    presets = {"balanced": {"threshold": 0.3, "f1": 0.5}, "high_recall": {"threshold": 0.1}}
    path = tmp_path / "threshold.json"
    path.write_text(json.dumps({"general": presets, "year": presets}))

    assert read_calibration(path, KNOWN).categories == {"general": 0.3, "artist": 0.9, "year": 0.3}


def test_jtp3s_calibration_is_by_tag_and_from_minus_one(tmp_path: Path) -> None:
    """Its author shows 2p - 1: 0 is a probability of a half."""
    path = tmp_path / "calibration.csv"
    path.write_text("tag,threshold\nwolf,0\nhat,0.5\nrare,-1\n")

    assert read_calibration(path, KNOWN).tags == {"wolf": 0.5, "hat": 0.75, "rare": 0.0}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("thresholds.csv", "category,threshold\n0,0.5\n"),
        ("thresholds.csv", "category,name,threshold\n0,general,high\n"),
        ("thresholds.csv", "category,name,threshold\n0,general,1.5\n"),
        ("calibration.csv", "tag,threshold\nwolf,2\n"),
        ("threshold.json", "[]"),
        ("threshold.json", '{"general": {"balanced": {}}}'),
        ("threshold.json", '{"general": {"balanced": {"threshold": 7}}}'),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, name: str, text: str) -> None:
    """It names the file."""
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(LabelFileError, match=r"expected") as caught:
        read_calibration(path, KNOWN)

    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
