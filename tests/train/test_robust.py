"""What a training does when something goes wrong, and what it writes for others."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("pyarrow")
pytest.importorskip("accelerate")

import torch

from tagger.dataset.index import Dataset
from tagger.dataset.shards import ShardOptions, write_shards
from tagger.errors import DatasetError, OptionError, TaggerError, UsageError
from tagger.evaluate.metrics import Predictions
from tagger.images import open_quickly
from tagger.train import checkpoint, data, loop, tracking, unreadable
from tagger.train import estimate as estimates
from tagger.train.__main__ import run
from tagger.train.arguments import read_arguments
from tagger.train.before import look
from tagger.train.config import TrainConfig
from tagger.train.judge import Judged, judge
from tagger.train.learner import Learner
from tagger.train.loop import train
from tagger.train.run import alone
from tagger.train.stopping import Stopped

MakeDataset = Callable[..., Path]
SMALL = '{"channels": [8, 16, 24, 32], "stem_width": 8}'


@pytest.fixture(autouse=True)
def without_a_model_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes longer than all the steps here, and has tests of its own."""
    monkeypatch.setattr(loop, "finish", lambda material, *_: material.config.out / "model")


def settings(dataset: Path, out: Path, **changes: Any) -> TrainConfig:
    own = TrainConfig.of(
        dataset,
        out,
        architecture="resnet10t",
        model_args=SMALL,
        pool=16,
        epochs=2,
        batch_size=16,
        log_every=1,
        threads=1,
        track=("none",),
        samples=0,
    )
    return own.but(**changes)


def losses(out: Path) -> list[float]:
    records = [json.loads(line) for line in (out / "progress.jsonl").open()]
    return [each["loss"] for each in records if each["kind"] == "step"]


def test_asked_to_stop_it_saves_and_goes_on_bit_for_bit(
    make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM amid an epoch: no loss is missing or another, dropout and fp16's scaler included."""
    more = {"model_args": SMALL[:-1] + ', "drop_rate": 0.2}', "sampling": "rare"}
    more |= {"optimizer": "lamb", "flip": 0.5, "crop": 0.8, "rotate": 5.0, "accumulate": 2}
    more |= {"batch_size": 8}
    whole = settings(make_dataset(), tmp_path / "whole", **more)
    train(whole, io.StringIO())
    step, seen = Learner.step, []

    def stopped(*arguments: Any) -> Any:
        seen.append(0)
        if len(seen) == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(*arguments)

    monkeypatch.setattr(Learner, "step", stopped)
    broken = replace(whole, out=tmp_path / "broken")
    with pytest.raises(KeyboardInterrupt, match="stopped after step 5: --resume") as told:
        train(broken, io.StringIO())
    assert told.value.code == 143  # type: ignore[attr-defined]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    train(replace(broken, resume=True), io.StringIO())
    assert losses(whole.out) == losses(broken.out)
    assert len(losses(whole.out)) >= 6
    one, two = (checkpoint.read(each.out / "checkpoints" / "last.safetensors")[1]
                for each in (whole, broken))  # fmt: skip
    assert [name for name in one if not torch.equal(one[name], two[name])] == []


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_before_the_first_step_it_leaves_nothing(
    sent: signal.Signals, make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, amid pictures that are prepared: hours may be left."""
    asked = iter(range(1000))

    def open_slowly(source: Any) -> Any:
        if next(asked) == 3:
            os.kill(os.getpid(), sent)
        return open_quickly(source)

    monkeypatch.setattr(data, "open_quickly", open_slowly)
    monkeypatch.setattr(loop, "run_epoch", lambda _: pytest.fail("a step was taken"))
    config = settings(make_dataset(24), tmp_path / "runs" / "run", cache="on")
    with pytest.raises(Stopped, match="no step was taken") as stopped:
        train(config, io.StringIO())
    assert stopped.value.code == 128 + sent
    assert not config.out.parent.exists()
    assert not [*data.kept_at(Dataset.open(config.dataset), config.network).parent.iterdir()]


def test_asked_to_stop_while_the_last_epoch_is_judged_it_does_not_go_on_to_the_model(
    make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is saved; gone on with, it is finished."""

    def judge_and_ask(*given: Any) -> Judged:
        os.kill(os.getpid(), signal.SIGTERM)
        return judge(*given)

    config = settings(make_dataset(24), tmp_path / "run", epochs=1)
    with monkeypatch.context() as patched:
        patched.setattr(loop, "judge", judge_and_ask)
        patched.setattr(loop, "finish", lambda *_: pytest.fail("it went on"))
        with pytest.raises(Stopped, match="stopped after step 1: --resume"):
            train(config, io.StringIO())
    assert train(config.but(resume=True), io.StringIO()) == config.out / "model"
    assert len(losses(config.out)) == 1


@pytest.mark.parametrize("resume", [True, False])
def test_two_trainings_do_not_write_one_folder(
    resume: bool, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """The second is refused, whether it begins or goes on, and harms nothing of the first."""
    config = settings(make_dataset(24), tmp_path / "run", epochs=1)
    if resume:
        train(config, io.StringIO())
    before = sorted(config.out.glob("*"))
    with alone(config.out):
        for _ in range(2):
            with pytest.raises(UsageError, match="got one of a training under way"):
                train(config.but(resume=resume, epochs=2), io.StringIO())
    assert sorted(config.out.glob("*")) == before
    assert config.out.exists() is resume


def test_a_run_goes_on_with_its_own_settings(make_dataset: MakeDataset, tmp_path: Path) -> None:
    """`--resume --out RUN` needs no more; a flag goes over what the run had."""
    config = settings(make_dataset(), tmp_path / "run", epochs=1)
    train(config, io.StringIO())
    found = read_arguments(["--resume", "--out", str(config.out), "--epochs", "2"], "tagger train")
    assert found.plain() == {**config.plain(), "resume": True, "epochs": 2}
    train(found, io.StringIO())
    assert len(losses(config.out)) == 6


def test_a_full_disk_leaves_the_last_checkpoint(make_dataset: MakeDataset, tmp_path: Path) -> None:
    """One sentence with what was needed; what was there before is whole, and is gone on from."""
    resource = pytest.importorskip("resource")
    config = settings(make_dataset(), tmp_path / "run", epochs=1)
    train(config, io.StringIO())
    last = config.out / "checkpoints" / "last.safetensors"
    before = last.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))  # no file may be larger
    try:
        with pytest.raises(TaggerError, match=r"expected room for a checkpoint of [1-9]\d\d kB"):
            train(config.but(epochs=2, resume=True), io.StringIO())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert last.read_bytes() == before
    assert not [path for path in last.parent.iterdir() if "new" in path.name]
    train(config.but(epochs=2, resume=True), io.StringIO())
    assert len(losses(config.out)) == 6


def test_between_two_checkpoints_the_one_before_is_found(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """Cut off when the old one is moved and the new one not yet in its place, or half on disk."""
    config = settings(make_dataset(), tmp_path / "run")
    train(config, io.StringIO())
    folder = config.out / "checkpoints"
    last = folder / "last.safetensors"
    last.write_bytes(last.read_bytes()[:-9])
    assert checkpoint.find(folder) == folder / "before.safetensors"
    screen = io.StringIO()
    train(config.but(resume=True), screen)
    assert "last.safetensors is broken: going on from before.safetensors\n" in screen.getvalue()
    assert checkpoint.read(last)[0].epoch == 2
    last.unlink()
    found = checkpoint.find(folder)
    assert found is not None
    assert found == folder / "before.safetensors"
    assert checkpoint.read(found)[0].epoch == 1


def test_files_of_a_run_that_somebody_changed_are_written_anew(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """What is no record of ours goes; the checkpoint is what counts."""
    config = settings(make_dataset(24), tmp_path / "run", epochs=1)
    train(config, io.StringIO())
    (config.out / "progress.jsonl").write_text('5\n[]\n{"kind": "step"}\n{"kind": "epoch"}\n{"ki')
    (config.out / "metrics.csv").write_text("epoch,loss\nx,y\n")
    (config.out / "unreadable.csv").write_text("a,b\n1,2\n")
    train(config.but(resume=True, epochs=2), io.StringIO())
    records = [json.loads(line) for line in (config.out / "progress.jsonl").open()]
    assert [each["kind"] for each in records] == ["step", "epoch"]
    assert len((config.out / "metrics.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize("text", [None, "{", "3", '{"config": 3}'])
def test_a_run_that_is_none_is_not_gone_on_with(text: str | None, tmp_path: Path) -> None:
    """Where no DATASET is named it can't be begun either."""
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(UsageError, match=r"run\.json: expected the run to --resume, got"):
        read_arguments(["--resume", "--out", str(tmp_path)], "tagger train")


def test_what_is_no_number_stops_it_and_names_the_batch(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """The checkpoint before is kept."""
    config = settings(make_dataset(), tmp_path / "run", lr=1e30, clip=0.0, optimizer="sgd")
    with pytest.raises(TaggerError, match=r"expected a loss, got (nan|inf) .*batch of .*\.png"):
        train(config, io.StringIO())


def test_pictures_decoded_each_time_give_the_losses_of_prepared_ones(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """From folders and from shards; a broken one is counted and teaches nothing."""
    dataset = make_dataset()
    train(settings(dataset, tmp_path / "on", cache="on", epochs=1), io.StringIO())
    train(settings(dataset, tmp_path / "off", cache="off", epochs=1, workers=2), io.StringIO())
    write_shards(ShardOptions(dataset=dataset, out=tmp_path / "shards", megabytes=1))
    shards = {"shards": tmp_path / "shards", "cache": "off"}
    train(settings(dataset, tmp_path / "tars", epochs=1, **shards), io.StringIO())
    assert losses(tmp_path / "on") == losses(tmp_path / "off") == losses(tmp_path / "tars")


def test_pictures_that_break_on_the_fly_are_named_once(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """Ten on the screen, all in a file; a run that goes on names none again."""
    dataset = make_dataset(96)
    for row in range(1, 60, 2):
        (tmp_path / "images" / f"{row}.png").write_bytes(b"\x89PNG")
    config, said = settings(dataset, tmp_path / "run", cache="off", epochs=1), io.StringIO()
    train(config, said)
    train(config.but(epochs=2, resume=True), said)
    shown = said.getvalue()
    with (config.out / "unreadable.csv").open(newline="") as file:
        named = [(int(line["row"]), Path(line["path"]).name) for line in csv.DictReader(file)]
    assert sorted(named) == [(row, f"{row}.png") for row in range(1, 60, 2)]
    records = [json.loads(line) for line in (config.out / "progress.jsonl").open()]
    assert sorted(each["row"] for each in records if each["kind"] == "left out") == sorted(
        row for row, _ in named
    )
    assert shown.count("that can't be read, all named in") == shown.count("left out")
    assert re.search(r"\n  and \d+ more\n", shown)


@pytest.mark.parametrize("watched", [16, 256])
def test_pictures_that_go_away_amid_a_training_end_it(
    watched: int, make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk they are on, say: it learned nothing from white squares, for hours."""
    monkeypatch.setattr(unreadable, "WATCHED", watched)
    step, seen = Learner.step, []

    def go_away(*given: Any) -> Any:
        seen.append(0)
        if len(seen) == 4:  # the second epoch's first step
            (tmp_path / "images").rename(tmp_path / "elsewhere")
        return step(*given)

    monkeypatch.setattr(Learner, "step", go_away)
    config = settings(make_dataset(), tmp_path / "run", cache="off", epochs=9)
    with pytest.raises(DatasetError, match=r"that can't be read .* see that their disk is there"):
        train(config, io.StringIO())
    assert len(seen) < 12
    (tmp_path / "elsewhere").rename(tmp_path / "images")
    train(config.but(resume=True, epochs=2), io.StringIO())
    assert len(losses(config.out)) == 6


@pytest.mark.parametrize("there", [True, False])
def test_a_refusal_leaves_no_half_made_run(
    make_dataset: MakeDataset, tmp_path: Path, there: bool
) -> None:
    """What is refused once the run's folder is open: the next try needs no other name."""
    config = settings(make_dataset(), tmp_path / "runs" / "mine", epochs=1)
    if there:
        config.out.mkdir(parents=True)
    with pytest.raises(TaggerError, match=r"shards\.json"):
        train(config.but(shards=tmp_path), io.StringIO())
    assert list(config.out.parent.iterdir() if there else tmp_path.glob("runs")) == (
        [config.out] if there else []
    )
    assert not there or not list(config.out.iterdir())
    train(config, io.StringIO())
    kept = sorted(config.out.rglob("*"))
    with pytest.raises(TaggerError, match=r"shards\.json"):
        train(config.but(shards=tmp_path, epochs=2, resume=True), io.StringIO())
    assert sorted(config.out.rglob("*")) == kept


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"optimizer": "adamv"}, "did you mean"),
        ({"architecture": "resnet19"}, "did you mean"),
        ({"train_heads": ("nobody",)}, "train_heads: expected one of all"),
        ({"heads": '{"who": {"labels": ["species"]}}'}, "who: expected categories of this"),
        ({"heads": '{"who": {"kind": "ordinal", "labels": ["character"]}}'}, "the four ratings"),
        ({"head_per": "dataset"}, "head_per: expected a DATASET that names heads"),
        ({"flip_pairs": Path("/nowhere")}, "flip_pairs: expected a CSV of two tags a line"),
        ({"teacher": Path("/nowhere")}, "/nowhere"),
    ],
)
def test_what_needs_no_picture_is_refused_before_they_are_prepared(
    changes: dict[str, Any],
    sentence: str,
    make_dataset: MakeDataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which may take hours; a dry run refuses it too."""
    monkeypatch.setattr(loop, "gather", lambda *_: pytest.fail("pictures were prepared"))
    monkeypatch.setattr(estimates, "assemble", lambda *_: pytest.fail("pictures were looked at"))
    config = settings(make_dataset(24), tmp_path / "run", **changes)
    with pytest.raises(TaggerError, match=sentence):
        train(config, io.StringIO())
    with pytest.raises(TaggerError, match=sentence):
        look(config.but(dry_run=True), io.StringIO())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cache": "off"}, "40 of 40 that can't be read"),
        ({"cache": "auto"}, "40 of 40 that can't be read"),
        ({"kernels": ("area",), "cache": "on"}, "kernels: expected --cache off"),
        ({"shards": Path("/nowhere")}, "expected shards with shards.json"),
    ],
)
def test_pictures_that_cannot_be_trained_on_are_refused_by_a_dry_run_too(
    changes: dict[str, Any], sentence: str, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """It took white squares for them, and said how long they would take."""
    config = settings(make_dataset(24), tmp_path / "run", **changes)
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    with pytest.raises(TaggerError, match=sentence):
        train(config, io.StringIO())
    with pytest.raises(TaggerError, match=sentence):
        look(config.but(dry_run=True), io.StringIO())


def test_a_dry_run_knows_of_pictures_that_are_prepared(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """They are there although their files have gone; and it prepares none itself."""
    config, screen = settings(make_dataset(24), tmp_path / "run", dry_run=True), io.StringIO()
    look(config, screen)
    assert "to prepare pictures once" in screen.getvalue()
    look(config, screen)
    assert "pictures are prepared" not in screen.getvalue()
    train(config.but(epochs=1), io.StringIO())
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    look(config, screen)
    assert "pictures are prepared" in screen.getvalue()


def test_a_dataset_that_was_moved_is_found_where_one_says(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """Otherwise it is one sentence, with the way out."""
    dataset = make_dataset()
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match="--moved SOURCE=FOLDER"):
        train(settings(dataset, tmp_path / "run", cache="off"), io.StringIO())
    moved = {"moved": (f"squares={tmp_path / 'elsewhere'}",), "cache": "off"}
    train(settings(dataset, tmp_path / "again", epochs=1, **moved), io.StringIO())
    with pytest.raises(OptionError, match="moved: expected SOURCE=FOLDER"):
        settings(dataset, tmp_path / "run", moved=("elsewhere",))


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 5000},
        {"limit": 3, "batch_size": 2},
        {"overfit": 4, "resolutions": ("16@0.5",)},
        {"schedule": "plateau", "plateau": '[{"lr": 0.1, "threshold": 0.9, "patience": 0,'
         ' "min": 0.02, "factor": 0.2}]', "epochs": 9},
        {"patience": 1, "min_delta": 1.0, "epochs": 9},
        {"mixup": 0.5, "schedule": "onecycle", "optimizer": "sgd", "precision": "bf16"},
        {"optimizer": "sgd", "momentum": 0.0},
        {"kernels": ("area", "bilinear"), "sampling": "tags"},
        {"deterministic": True, "precision": "fp16", "ema": 0.0, "warmup_steps": 2},
    ],
)  # fmt: skip
def test_odd_but_possible_settings_train(
    changes: dict[str, Any], make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """A batch larger than the dataset, three pictures, schedules that end before the epochs do."""
    config = settings(make_dataset(24), tmp_path / "run", **changes)
    train(config, io.StringIO())
    epochs = len((config.out / "metrics.csv").read_text().splitlines()) - 1
    assert epochs == {9: 2}.get(config.optim.epochs, 2)
    assert all(np.isfinite(losses(config.out)))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"optimizer": "adamv"}, "optimizer: expected one of timm's, got 'adamv': did you mean"),
        ({"optimizer_args": '{"beta": 3}'}, "optimizer_args: expected settings of adamw"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    changes: dict[str, Any], sentence: str, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """In a sentence that names them."""
    with pytest.raises(TaggerError, match=sentence):
        train(settings(make_dataset(24), tmp_path / "run", **changes), io.StringIO())


def test_of_equal_figures_the_surer_network_is_kept(
    make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By calibration loss; patience goes on running out."""
    told = iter([(0.5, 3.0), (0.5, 2.0), (0.4, 1.0), (0.5, 2.5), (0.9, 9.0)])

    def judged(*_: Any) -> Judged:
        figure, loss = next(told)
        return Judged(loss, figure, nothing)

    shown = np.zeros((0, 0), np.bool_)
    nothing = Predictions(shown.astype(np.float32), shown, shown)
    monkeypatch.setattr(loop, "judge", judged)
    config = settings(make_dataset(24), tmp_path / "run", epochs=5, patience=3)
    train(config, io.StringIO())
    state, _ = checkpoint.read(config.out / "checkpoints" / checkpoint.BEST)
    assert (state.epoch, state.best, state.best_loss) == (2, 0.5, 2.0)
    last, _ = checkpoint.read(config.out / "checkpoints" / checkpoint.LAST)
    assert (last.epoch, last.waited) == (4, 3)


def test_another_networks_checkpoint_is_refused(make_dataset: MakeDataset, tmp_path: Path) -> None:
    """Resuming with other settings of the network is a mistake, and says so."""
    config = settings(make_dataset(24), tmp_path / "run", epochs=1)
    train(config, io.StringIO())
    other = config.but(resume=True, model_args=SMALL.replace("32", "40"))
    with pytest.raises(UsageError, match="expected a checkpoint of this network"):
        train(other, io.StringIO())


def test_trackers_get_figures_and_sheets(
    make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """wandb and trackio through the functions that they share; one that lacks is one line."""
    told: list[Any] = []
    fake: Any = types.ModuleType("trackio")
    fake.init = lambda **about: told.append(about) or types.SimpleNamespace(name="run")
    fake.log = lambda values, step: told.append((step, values))
    fake.finish = lambda: told.append("end")
    fake.Image = lambda path: Path(path).name
    monkeypatch.setitem(sys.modules, "trackio", fake)
    monkeypatch.setitem(sys.modules, "wandb", None)
    said = io.StringIO()
    config = settings(
        make_dataset(24), tmp_path / "run", epochs=1, track=("wandb", "trackio"), samples=3
    )
    train(config, said)
    assert "no figures for wandb, which is not installed" in said.getvalue()
    assert (told[0]["project"], told[0]["config"]["epochs"]) == ("tagger", 1)
    assert told[1][0] == 1
    assert told[1][1]["train/loss"] == losses(config.out)[0]
    assert (1, {"samples": "epoch-0001.png"}) in told
    assert told[-1] == "end"
    assert (config.out / "samples" / "epoch-0001.png").is_file()


def test_a_training_that_goes_on_goes_on_elsewhere_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """wandb is given the former run's id, trackio its name; TensorBoard drops steps taken again."""
    begun: list[dict[str, Any]] = []
    for name in ("wandb", "trackio"):
        fake: Any = types.ModuleType(name)
        fake.init = lambda **about: begun.append(about) or types.SimpleNamespace(id="x7", name="a")
        monkeypatch.setitem(sys.modules, name, fake)
    config = settings(tmp_path, tmp_path, track=("wandb", "trackio"))
    tracking.make_trackers(config, 0, print)
    tracking.make_trackers(config, 5, print)
    asked = [{k: each.get(k) for k in ("id", "name", "resume")} for each in begun]
    name = tmp_path.name
    assert asked == [
        {"id": None, "name": name, "resume": None},
        {"id": None, "name": name, "resume": None},
        {"id": "x7", "name": name, "resume": "allow"},
        {"id": None, "name": "a", "resume": "allow"},
    ]
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for done, steps, value in ((0, (1, 2, 3, 4), 1.0), (2, (3, 4, 5), 2.0)):
        (tracker,) = tracking.make_trackers(config.but(track=("tensorboard",)), done, print)
        for step in steps:
            tracker.log({"loss": value}, step)
        tracker.close()
    events = reader.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [each.value for each in events.Scalars("loss")] == [1, 1, 2, 2, 2]


def test_tensorboard_reads_what_was_written(make_dataset: MakeDataset, tmp_path: Path) -> None:
    """By its own reader."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = settings(make_dataset(24), tmp_path / "run", epochs=2, track=("tensorboard",))
    train(config, io.StringIO())
    events = EventAccumulator(str(config.out / "tensorboard"))
    events.Reload()
    found = [each.value for each in events.Scalars("train/loss")]
    assert found == pytest.approx(losses(config.out))
    assert [each.step for each in events.Scalars("epoch/calibration_map")] == [1, 2]
    told = {"calibration_loss", "calibration_map", "loss", "lr", "seconds"}
    assert {name for name in events.Tags()["scalars"] if name.startswith("epoch/")} == {
        f"epoch/{name}" for name in told
    }
    assert not {"train/step", "train/epoch"} & set(events.Tags()["scalars"])


def test_what_a_training_would_take_is_said_and_nothing_is_written(
    make_dataset: MakeDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--dry-run counts what there is; --show-augmentation draws what chance does."""
    dataset = make_dataset(24)
    shown = tmp_path / "shown.png"
    words = [str(dataset), "--dry-run", "--show-augmentation", str(shown), "--crop", "0.8"]
    words += ["--architecture", "resnet10t", "--model-args", SMALL, "--pool", "16"]
    assert run([*words, "--batch-size", "8", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "pictures: 24 to train on, 8 to calibrate, 8 to validate" in said
    assert "labels: 12, of which 8 are learned" in said
    assert "steps: 60 of 8 pictures" in said
    from PIL import Image

    with Image.open(shown) as image:
        assert image.width > 800
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "images", "shown.png"]
    assert len(Dataset.open(dataset)) == 40


@pytest.mark.parametrize(("whatever", "each"), [(0.3, 0.01), (0.0, 0.2), (2.0, 0.0)])
def test_a_whole_step_is_reckoned_without_multiplying_what_each_step_costs(
    whatever: float, each: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two batches of 18 pictures: an optimizer's time once, each picture's 36 times."""
    took: list[int] = []

    def take(_learner: Any, _material: Any, rows: np.ndarray) -> float:
        took.append(rows.size)
        return whatever + each * rows.size

    monkeypatch.setattr(estimates, "_take", take)
    nobody: Any = None

    seconds, size = estimates._reckoned(nobody, np.zeros((2, 18), int), nobody)

    assert seconds == pytest.approx(whatever + each * 36)
    assert size == max(took) == 4
