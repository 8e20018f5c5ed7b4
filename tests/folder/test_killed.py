"""A run that is killed at any moment loses nothing, and the next one does exactly the rest."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tagger.backends import FakeBackend
from tagger.captioner import Captioner
from tagger.engine import Tagger
from tagger.folder import FolderJob, Summary, caption_folder
from tagger.folder.journal import Journal
from tagger.folder.recall import Memory, Recall
from tagger.folder.undo import undo
from tagger.models.spec import Contract, Model, ModelSpec
from tagger.pipeline import Pipeline
from tagger.preprocess import Preprocess
from tagger.settings import Folder, Settings
from tagger.store import Look, Store
from tagger.thresholds import Selection

from ..privileges import as_anybody

COUNT = 40


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """A model of forty labels; nobody opens its weights."""
    folder = tmp_path / "model"
    folder.mkdir()
    rows = "tag_id,name,category,count\n" + "".join(f"{n},tag{n},0,9\n" for n in range(40))
    (folder / "selected_tags.csv").write_text(rows, encoding="utf-8")
    (folder / "model.onnx").write_bytes(b"weights")
    contract = Contract(preprocess=Preprocess(size=(8, 8)))
    return Model("tiny", ModelSpec("tiny", (contract,)), folder, (contract,))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Pictures in two folders, half of them with a caption by hand."""
    root = tmp_path / "pictures"
    (root / "sub").mkdir(parents=True)
    for number in range(COUNT):
        path = root / ("sub" if number % 3 else "") / f"{number}.png"
        Image.new("RGB", (8, 8), (number, 0, 0)).save(path)
        os.utime(path, (1e9, 1e9))
        if number % 2:
            path.with_suffix(".txt").write_bytes(b"by hand\n")
    return root


def caption(pictures: Path, model: Model) -> Summary:
    """Caption the folder, adding to what is there, with a threshold that fits the fake scores."""
    settings = Settings(Selection(threshold=0.5))
    captioner = Captioner(settings, model.labels, model.thresholds)
    backend = FakeBackend(40, contract=model.contract, on_run=lambda _: time.sleep(0.001))
    with Store() as store, Journal() as journal, Pipeline(Tagger(model, backend)) as pipeline:
        recall = Recall(Memory(store, model, captioner), lambda: (pipeline, model.contract))
        job = FolderJob((pictures,), Folder(on_existing="append"))
        running = caption_folder(job, recall, captioner, journal)
        list(running)
    return running.summary


def state(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, hidden ones too."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def undo_all() -> None:
    with Journal() as journal:
        for run in reversed(journal.runs()):
            assert all(done.fate != "left" for done in undo(journal, run.run))


def kill_one(pictures: Path, model: Model, after_s: float) -> None:
    """Caption in another process, and kill it."""
    child = os.fork()
    if child == 0:
        try:
            caption(pictures, model)
        finally:
            os._exit(0)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, to begin a run within the test")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_at_any_moment_the_next_run_finishes_the_rest(
    pictures: Path, model: Model, kills: int
) -> None:
    """Every caption is then as one undisturbed run writes it; no stray file; all can be undone."""
    before = state(pictures)
    began = time.monotonic()
    caption(pictures, model)
    whole_s = time.monotonic() - began
    expected = state(pictures)
    assert len(expected) == 2 * COUNT
    undo_all()
    assert state(pictures) == before
    chance = random.Random(0)
    for number in range(kills):
        if number % 5 == 0:  # from the beginning, without any kept score
            undo_all()
            for file in (Path(os.environ["TAGGER_HOME"]) / "scores").glob("*"):
                file.unlink()
        kill_one(pictures, model, chance.uniform(0, whole_s))
        now = state(pictures)
        for name, content in now.items():
            if not Path(name).name.startswith(".tagger-"):
                assert content in (before.get(name), expected[name])
    summary = caption(pictures, model)
    assert list(summary.failures) == []
    assert state(pictures) == expected
    assert caption(pictures, model).same == COUNT
    undo_all()
    assert state(pictures) == before


def test_a_picture_that_vanishes_in_a_run_is_its_own_failure(
    pictures: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was listed, and is gone when its turn comes."""
    look = Memory.look

    def vanish(self: Memory, path: Path) -> Look | None:
        if path.name == "0.png":
            path.unlink()
        return look(self, path)

    monkeypatch.setattr(Memory, "look", vanish)
    summary = caption(pictures, model)
    assert [path.name for path, _ in summary.failures] == ["0.png"]
    assert summary.written == COUNT - 1


def test_what_can_not_be_written_is_its_own_failure(pictures: Path, model: Model) -> None:
    """A read-only sub-folder and a read-only caption; the others are written."""
    (pictures / "3.txt").chmod(0o444)
    (pictures / "sub").chmod(0o555)
    try:
        summary = as_anybody(lambda: caption(pictures, model))
    finally:
        (pictures / "sub").chmod(0o755)
    assert all("permission denied" in reason for _, reason in summary.failures)
    assert summary.failed == 1 + sum(1 for n in range(COUNT) if n % 3)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB, where this system lets us mount one."""
    where = tmp_path / "disk"
    where.mkdir()
    options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", str(where)]
    if (
        sys.platform != "linux"
        or subprocess.run(["mount", *options], capture_output=True).returncode
    ):
        pytest.skip("no permission to mount a small disk")
    yield where
    subprocess.run(["umount", str(where)], check=True)


def test_a_full_disk_loses_nothing(pictures: Path, model: Model, small_disk: Path) -> None:
    """The run stops with one sentence; what was there stays, nothing half is left."""
    for number in range(COUNT):
        source = next(pictures.rglob(f"{number}.png"))
        (small_disk / source.name).symlink_to(source)
    (small_disk / "5.txt").write_bytes(b"by hand")
    filling = small_disk / "filling"
    with pytest.raises(OSError, match="No space"):
        filling.write_bytes(b"x" * (1 << 20))
    summary = caption(small_disk, model)
    assert summary.stopped.endswith("the disk is full")
    assert list(summary.failures) == []
    assert [path.name for path in small_disk.iterdir() if path.suffix == ".txt"] == ["5.txt"]
    assert (small_disk / "5.txt").read_bytes() == b"by hand"
    assert not list(small_disk.glob(".tagger-*"))
    filling.unlink()
    assert caption(small_disk, model).written == COUNT - summary.written
