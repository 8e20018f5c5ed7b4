"""Thresholds that come as files beside published models."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.errors import LabelFileError
from tagger.labels import DANBOORU, UNNAMED, Label, LabelSet
from tagger.models.calibrations import read_calibration
from tagger.selection import Selection
from tagger.thresholds import Selector, Thresholds

KNOWN = Thresholds(0.4, {"general": 0.5, "artist": 0.9})
NAMES = ("wolf", "hat", "", "rare", "tail")
LABELS = LabelSet(tuple(Label(name, DANBOORU[0] if name else UNNAMED) for name in NAMES))


class Touched:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_deepghs_table_is_by_category(tmp_path: Path) -> None:
    """The first row of a category counts; what it leaves out stays."""
    path = tmp_path / "thresholds.csv"
    path.write_text("category,name,threshold\n0,general,0.39\n4,character,0.47\n0,general,0.1\n")

    found = read_calibration(path, KNOWN, LABELS)

    assert found.overall == 0.4
    assert found.categories == {"general": 0.39, "artist": 0.9, "character": 0.47}


def test_camies_balanced_preset_counts(tmp_path: Path) -> None:
    """Of five presets for each category."""
    presets = {"balanced": {"threshold": 0.3, "f1": 0.5}, "high_recall": {"threshold": 0.1}}
    path = tmp_path / "threshold.json"
    path.write_text(json.dumps({"general": presets, "year": presets}))

    found = read_calibration(path, KNOWN, LABELS)

    assert found.categories == {"general": 0.3, "artist": 0.9, "year": 0.3}


def test_jtp3s_calibration_writes_what_it_names_alone(tmp_path: Path) -> None:
    """Probabilities, as its author's `load_calibration`: a tag with none there never comes."""
    path = tmp_path / "calibration.csv"
    path.write_text("tag,threshold\nwolf,0.5\nhat,0.75\nrare,\n")

    found = read_calibration(path, KNOWN, LABELS)
    select = Selector(Selection(), LABELS, found)

    assert found.tags == {"wolf": 0.5, "hat": 0.75}
    assert [tag.name for tag in select.tags([0.6, 0.7, 0.9, 0.999, 0.999])] == ["wolf"]
    assert [tag.name for tag in select.tags([0.4, 0.8, 0.9, 0.1, 0.1])] == ["hat"]


def test_oppaioracles_points_are_overall_and_by_tag(tmp_path: Path) -> None:
    """Of its two overall points the mean tag's, which WD's cards name too; null says nothing."""
    point = {"precision": 0.6, "recall": 0.6, "f1": 0.6}
    told = {
        "checkpoint": "last.pt",
        "micro": {"pr_breakeven": {"threshold": 0.793, **point}},
        "macro_single_threshold": {
            "support_ge_0": {"pr_breakeven": {"threshold": 0.7, **point}},
            "support_ge_1": {"pr_breakeven": {"threshold": 0.753, **point}},
        },
        "per_tag": {
            "min_support": 5,
            "pr_summary": {"mean_threshold": 0.7},
            "per_tag": {
                "wolf": {"support": 9, "pr_threshold": 0.61},
                "hat": {"pr_threshold": None},
            },
        },
    }
    path = tmp_path / "pr_thresholds.json"
    path.write_text(json.dumps(told))

    found = read_calibration(path, KNOWN, LABELS)

    assert (found.overall, found.tags) == (0.753, {"wolf": 0.61})
    path.write_text(json.dumps({**told, "per_tag": {"min_support": 5}}))
    assert read_calibration(path, KNOWN, LABELS).tags == {}


def test_cl_taggers_best_thresholds_are_by_output(tmp_path: Path) -> None:
    """Unnamed outputs, NaN and 0 have none; the histograms beside them are not looked at."""
    path = tmp_path / "model_tag_metrics.npz"
    best = np.array([0.5, 0.25, 0.125, np.nan, 0], np.float16)
    np.savez(path, best_thr=best, pos_hist=np.zeros((5, 100)), n_bins=100)

    assert read_calibration(path, KNOWN, LABELS).tags == {"wolf": 0.5, "hat": 0.25}


def test_nothing_in_an_archive_is_unpickled(tmp_path: Path) -> None:
    """An array of objects is refused before any of them exists."""
    path, trap = tmp_path / "model_tag_metrics.npz", tmp_path / "trap"
    np.savez(path, best_thr=np.array([Touched(trap)] * 5, object))

    with pytest.raises(LabelFileError, match=r"expected an archive of NumPy's with best_thr"):
        read_calibration(path, KNOWN, LABELS)

    assert not trap.exists()


def test_a_huge_array_is_not_unpacked(tmp_path: Path) -> None:
    """Zeros pack well: 17 MB in a few kB."""
    path = tmp_path / "model_tag_metrics.npz"
    np.savez_compressed(path, best_thr=np.zeros(17 << 18, np.float32))

    with pytest.raises(LabelFileError, match=r"got another or a truncated file \(17,8"):
        read_calibration(path, KNOWN, LABELS)


def archive(**arrays: Any) -> bytes:
    """The bytes of an .npz."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (archive(best_thr=np.zeros(4)), "expected 5 thresholds for as many labels, got shape"),
        (archive(best_thr=np.zeros((5, 1))), "expected 5 thresholds for as many labels"),
        (archive(best_thr=np.full(5, 2.0)), "expected a number from 0 to 1"),
        (archive(best_thr=np.array(["a"] * 5)), "expected numbers in best_thr, got <U1"),
        (archive(best_f1=np.zeros(5)), "expected an archive of NumPy's with best_thr"),
        (archive(best_thr=np.zeros(5))[:-30], "expected an archive of NumPy's with best_thr"),
        (b"PK\x03\x04", "expected an archive of NumPy's with best_thr"),
    ],
)
def test_a_wrong_archive_is_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    """Of another model, of no numbers, truncated: it names the file."""
    path = tmp_path / "model_tag_metrics.npz"
    path.write_bytes(content)

    with pytest.raises(LabelFileError, match=sentence) as caught:
        read_calibration(path, KNOWN, LABELS)

    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_an_archive_that_lies_about_its_bytes_is_refused(tmp_path: Path) -> None:
    """An entry that is no array of NumPy's, or has fewer numbers than its header says."""
    path = tmp_path / "model_tag_metrics.npz"
    whole = io.BytesIO()
    np.save(whole, np.zeros(5, np.float32))
    for content in (b"no array", whole.getvalue()[:-4]):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("best_thr.npy", content)
        with pytest.raises(LabelFileError, match=r"expected an archive of NumPy's with best_thr"):
            read_calibration(path, KNOWN, LABELS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("thresholds.csv", "category,threshold\n0,0.5\n"),
        ("thresholds.csv", "category,name,threshold\n0,general,high\n"),
        ("thresholds.csv", "category,name,threshold\n0,general,1.5\n"),
        ("calibration.csv", "tag,threshold\nwolf,2\n"),
        ("threshold.json", "[]"),
        ("pr_thresholds.json", '{"micro": {}}'),
        ("pr_thresholds.json", '{"micro": {}, "macro_single_threshold": {}}'),
        ("threshold.json", '{"general": {"balanced": {}}}'),
        ("threshold.json", '{"general": {"balanced": {"threshold": 7}}}'),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, name: str, text: str) -> None:
    """It names the file."""
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(LabelFileError, match=r"expected") as caught:
        read_calibration(path, KNOWN, LABELS)

    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
