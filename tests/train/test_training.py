"""A training from a DATASET to a model folder."""

from __future__ import annotations

import csv
import io
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("pyarrow")

import torch

from tagger.errors import DatasetError, OptionError, UsageError
from tagger.train import loop
from tagger.train.config import TrainConfig
from tagger.train.learner import Learner
from tagger.train.loop import train
from tagger.train.schedule import Clock, learning_rate

MakeDataset = Callable[..., Path]
SMALL = '{"channels": [8, 16, 24, 32], "stem_width": 8}'


def settings(dataset: Path, out: Path, **changes: Any) -> TrainConfig:
    """A training of seconds: 28 x 28 pixels, 10 layers."""
    own = TrainConfig.of(
        dataset,
        out,
        architecture="resnet10t",
        model_args=SMALL,
        pool=16,
        epochs=2,
        batch_size=16,
        lr=4e-3,
        shift=0.02,
        flip=0.5,
        threads=1,
        track=("none",),
        samples=0,
    )
    return own.but(**changes)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_training_learns_what_can_be_seen(make_dataset: MakeDataset, tmp_path: Path) -> None:
    """After a few hundred steps, squares, backgrounds and frames of new pictures are named."""
    config = settings(make_dataset(72), tmp_path / "run", epochs=24, ema=0.9, batch_size=8)
    train(config, io.StringIO())
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["all"]["mean_average_precision"] > 0.9
    losses = [float(row["loss"]) for row in rows(tmp_path / "run" / "metrics.csv")]
    assert len(losses) == 24
    assert losses[-1] < losses[0] / 2


def test_a_run_leaves_its_files(make_dataset: MakeDataset, tmp_path: Path) -> None:
    """run.json, progress.jsonl, metrics.csv, three checkpoints and the universal folder."""
    folder = train(settings(make_dataset(), tmp_path / "run"), io.StringIO())
    run = tmp_path / "run"
    assert folder == run / "model"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "config.json",
        "labels",
        "model.onnx",
        "model.safetensors",
        "selected_tags.csv",
        "tagger.json",
    ]
    assert {path.name for path in (run / "checkpoints").iterdir()} == {
        "before.safetensors",
        "best.safetensors",
        "last.safetensors",
    }
    about = json.loads((run / "run.json").read_text())
    assert about["pictures"] == {"train": 48, "calibration": 16, "validation": 16, "broken": 0}
    assert about["network"]["labels"] == 4 + 8
    assert about["network"]["learned"] == 8
    kinds = [json.loads(line)["kind"] for line in (run / "progress.jsonl").open()]
    assert kinds == ["epoch", "epoch", "report"]
    with pytest.raises(UsageError, match="finished"):
        train(settings(tmp_path / "dataset", run, resume=True), io.StringIO())


def test_a_broken_off_training_resumes_bit_for_bit(
    make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in its third epoch and resumed, it has the losses and weights of one that ran on."""
    dataset = make_dataset()
    changes = {"cutout": 0.3, "colour": 0.1, "zoom": 0.1, "mixup": 0.4}
    own = {"epochs": 4, "save_every": 2, "log_every": 1}
    whole = settings(dataset, tmp_path / "whole", **changes, **own)
    train(whole, io.StringIO())
    broken = replace(whole, out=tmp_path / "broken")
    step, seen = Learner.step, []

    def killed(*arguments: Any) -> Any:
        seen.append(0)
        if len(seen) > 8:  # three steps make an epoch
            raise MemoryError
        return step(*arguments)

    monkeypatch.setattr(Learner, "step", killed)
    with pytest.raises(MemoryError):
        train(broken, io.StringIO())
    monkeypatch.setattr(Learner, "step", step)
    train(replace(broken, resume=True), io.StringIO())
    first, second = (rows(tmp_path / name / "metrics.csv") for name in ("whole", "broken"))
    for own, other in zip(first, second, strict=True):
        assert {**own, "seconds": ""} == {**other, "seconds": ""}
    last = "checkpoints/last.safetensors"
    from safetensors.torch import load_file

    one, two = (load_file(tmp_path / name / last) for name in ("whole", "broken"))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_stop_file_ends_the_training_as_if_it_were_done(
    make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes RUN/stop gets the model of the epoch under way."""
    config = settings(make_dataset(), tmp_path / "run", epochs=50)
    epoch = loop.run_epoch

    def stopping(*arguments: Any) -> float:
        (config.out / "stop").touch()
        return epoch(*arguments)

    monkeypatch.setattr(loop, "run_epoch", stopping)
    folder = train(config, io.StringIO())
    assert len(rows(config.out / "metrics.csv")) == 1
    assert (folder / "model.onnx").is_file()


def test_a_time_limit_ends_the_training_with_the_rate_at_its_end(
    make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few of its epochs it came to; the clock goes on by a hundredth at every look."""
    looks, start = itertools.count(), time.monotonic()
    clock = SimpleNamespace(monotonic=lambda: start + next(looks) / 100)
    monkeypatch.setattr("tagger.train.underway.time", clock)
    config = settings(make_dataset(), tmp_path / "run", epochs=10_000, time_limit=1 / 60)
    train(config, io.StringIO())
    last = rows(config.out / "metrics.csv")[-1]
    assert int(last["epoch"]) < 10_000
    assert float(last["lr"]) < config.optim.lr / 2


def test_a_run_is_not_written_over(make_dataset: MakeDataset, tmp_path: Path) -> None:
    """A folder with something in it is refused before anything is written."""
    out = tmp_path / "run"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="expected a new or empty folder"):
        train(settings(make_dataset(), out), io.StringIO())
    assert [path.name for path in out.iterdir()] == ["mine.txt"]
    with pytest.raises(UsageError, match=r"run\.json"):
        train(settings(tmp_path / "dataset", out, resume=True), io.StringIO())


def test_pictures_that_cannot_be_read_are_left_out_and_named(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """One truncated file costs one picture; most of them gone is refused."""
    dataset = make_dataset()
    broken = tmp_path / "images" / "5.png"
    broken.write_bytes(broken.read_bytes()[:40])
    train(settings(dataset, tmp_path / "run", epochs=1), io.StringIO())
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert about["pictures"]["broken"] == 1
    assert about["pictures"]["train"] == 47
    assert "5.png" in (tmp_path / "run" / "progress.jsonl").read_text()


def test_a_dataset_without_its_pictures_is_refused(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """One sentence, not a training on white squares."""
    dataset = make_dataset()
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match="can't be read"):
        train(settings(dataset, tmp_path / "run"), io.StringIO())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"architecture": "resnet10x"}, "architecture: expected one of timm's"),
        ({"model_args": '{"depth": "deep"}'}, "model_args: expected settings of resnet10t"),
        ({"device": "gpu"}, "device: expected auto, cpu"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(
    changes: dict[str, Any], sentence: str, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """Wherever torch or timm would raise something of its own."""
    with pytest.raises(OptionError, match=sentence):
        train(settings(make_dataset(), tmp_path / "run", **changes), io.StringIO())


def test_the_learning_rate_rises_and_falls(tmp_path: Path) -> None:
    """Linearly up to the highest, then half a cosine down to nothing."""
    config = settings(tmp_path, tmp_path, lr=1.0, warmup=0.2)
    rates = [learning_rate(config.optim, Clock(done)) for done in (0.0, 0.1, 0.2, 0.6, 1.0)]
    np.testing.assert_allclose(rates, [0, 0.5, 1, 0.5, 0], atol=1e-12)
