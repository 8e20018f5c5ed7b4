"""Kept scores are used, so that a picture is inferred once; the model is opened when needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tagger.backends import FakeBackend
from tagger.captioner import Captioner
from tagger.engine import Tagger
from tagger.errors import BackendError, StoreError
from tagger.folder import FolderJob, Summary, caption_folder
from tagger.folder.recall import Keeping, Memory, Recall
from tagger.models.spec import Contract, Model, ModelSpec
from tagger.pipeline import Pipeline
from tagger.preprocess import Preprocess
from tagger.settings import Folder, Settings
from tagger.store import Store
from tagger.thresholds import Selection

COUNT = 6


class Backend(FakeBackend):
    """Most scores are low, a third below what the store keeps."""

    def score(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return super().score(pixels) ** 4


@dataclass
class Bench:
    """A folder of pictures, a model of forty labels whose inferences are counted, a store."""

    root: Path
    pictures: Path
    model: Model
    store: Store
    stack: ExitStack
    backends: list[FakeBackend] = field(default_factory=list[FakeBackend])

    @property
    def inferred(self) -> int:
        """Pictures inferred so far, of all openings of the model."""
        return sum(sum(backend.batches) for backend in self.backends)

    def recall(self, selection: Selection, **keeping: bool) -> tuple[Recall, Captioner]:
        captioner = Captioner(Settings(selection), self.model.labels, self.model.thresholds)
        memory = Memory(self.store, self.model, captioner, Keeping(**keeping))

        def opened() -> tuple[Pipeline, Contract]:
            self.backends.append(Backend(40, contract=self.model.contract))
            tagger = Tagger(self.model, self.backends[-1])
            return self.stack.enter_context(Pipeline(tagger)), tagger.backend.contract

        return Recall(memory, opened), captioner

    def run(self, threshold: float, how: str = "overwrite", **keeping: bool) -> Summary:
        recall, captioner = self.recall(Selection(threshold=threshold), **keeping)
        job = FolderJob((self.pictures,), Folder(on_existing=how))  # pyright: ignore
        running = caption_folder(job, recall, captioner)
        list(running)
        return running.summary

    def texts(self) -> dict[str, str]:
        return {path.stem: path.read_text() for path in self.pictures.glob("*.txt")}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The pictures are old enough for their hashes to be remembered."""
    pictures, folder = tmp_path / "pictures", tmp_path / "model"
    pictures.mkdir()
    folder.mkdir()
    for number in range(COUNT):
        path = pictures / f"{number}.png"
        Image.new("RGB", (16, 16), (number * 20, 0, 0)).save(path)
        os.utime(path, (1e9, 1e9))
    rows = "tag_id,name,category,count\n" + "".join(f"{n},tag{n},0,9\n" for n in range(40))
    (folder / "selected_tags.csv").write_text(rows, encoding="utf-8")
    (folder / "model.onnx").write_bytes(b"weights")
    contract = Contract(preprocess=Preprocess(size=(16, 16)))
    model = Model("tiny", ModelSpec("tiny", (contract,)), folder, (contract,))
    with ExitStack() as stack:
        store = stack.enter_context(Store(tmp_path / "s.sqlite"))
        yield Bench(tmp_path, pictures, model, store, stack)


def test_another_threshold_needs_no_inference(bench: Bench) -> None:
    """Nor is the model opened; the captions are what inference would have given."""
    assert bench.run(0.5).written == COUNT
    assert bench.inferred == COUNT
    bench.run(0.1)
    assert (bench.inferred, len(bench.backends)) == (COUNT, 1)
    kept = bench.texts()
    bench.store.close()
    bench.store = bench.stack.enter_context(Store(bench.root / "empty.sqlite"))
    bench.run(0.1)
    assert (bench.texts(), bench.inferred) == (kept, 2 * COUNT)


def test_new_pictures_wait_for_no_hash_of_the_weights(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for once there are scores to keep, or kept ones that may be this model's."""
    opened = list[bool]()

    def identity(model: Model, contract: Contract | None = None) -> str:
        opened.append(bool(bench.backends))
        return real(model, contract)

    real = Model.identity
    monkeypatch.setattr(Model, "identity", identity)

    bench.run(0.5)
    assert opened == [True]
    bench.run(0.6)
    assert opened == [True, True]
    assert len(bench.backends) == 1


def test_unchanged_captions_are_not_written(bench: Bench) -> None:
    """They keep their time."""
    bench.run(0.5)
    before = {path: path.stat().st_ino for path in bench.pictures.glob("*.txt")}
    summary = bench.run(0.5)
    assert (summary.same, summary.written) == (COUNT, 0)
    assert {path: path.stat().st_ino for path in bench.pictures.glob("*.txt")} == before


def test_an_unchanged_file_is_not_read_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that looks changed is, and every one with `rehash`."""
    bench.run(0.5)
    read: list[str] = []
    from tagger.images import content_hash

    def noted(path: Path) -> str:
        read.append(path.name)
        return content_hash(path)

    monkeypatch.setattr("tagger.store.looks.content_hash", noted)
    bench.run(0.4)
    assert read == []
    os.utime(bench.pictures / "1.png", (2e9 - 1e9, 1e9 + 5))
    bench.run(0.5)
    assert read == ["1.png"]
    bench.run(0.4, rehash=True)
    assert len(read) == 1 + COUNT
    assert bench.inferred == COUNT


def test_a_changed_or_new_picture_is_inferred_a_moved_one_not(bench: Bench) -> None:
    """By content, wherever it lies."""
    bench.run(0.5)
    (bench.pictures / "0.png").rename(bench.pictures / "moved.png")
    Image.new("RGB", (16, 16), "blue").save(bench.pictures / "1.png")
    bench.run(0.5)
    assert bench.inferred == COUNT + 1


def test_scores_of_another_model_or_preprocessing_are_not_mistaken(bench: Bench) -> None:
    """A picture is inferred again."""
    bench.run(0.5)
    assert bench.model.folder is not None
    (bench.model.folder / "model.onnx").write_bytes(b"other weights")
    bench.run(0.5)
    assert bench.inferred == 2 * COUNT
    other = Contract(preprocess=Preprocess(size=(16, 16), fill="black"))
    bench.model = Model("tiny", ModelSpec("tiny", (other,)), bench.model.folder, (other,))
    bench.run(0.5)
    assert bench.inferred == 3 * COUNT


def test_below_the_floor_a_picture_is_inferred_again_unless_all_scores_are_kept(
    bench: Bench,
) -> None:
    """A threshold of 0.001 asks for what the sparse form dropped."""
    bench.run(0.5)
    bench.run(0.001)
    assert bench.inferred == 2 * COUNT
    bench.run(0.5, every=True)
    assert bench.inferred == 3 * COUNT
    bench.run(0.001)
    bench.run(0.002, every=True)
    assert bench.inferred == 3 * COUNT


def test_a_bad_picture_is_its_own_failure(bench: Bench) -> None:
    """One that can't be decoded, and one that vanished."""
    (bench.pictures / "1.png").write_bytes(b"nothing")
    (bench.pictures / "gone.png").symlink_to(bench.pictures / "nowhere.png")
    summary = bench.run(0.5)
    assert summary.written == COUNT - 1
    assert sorted(path.name for path, _ in summary.failures) == ["1.png", "gone.png"]


def test_a_store_that_refuses_is_named_and_the_run_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, not picture after picture."""

    def refuse(*_: object, **__: object) -> None:
        raise StoreError("scores.sqlite: the disk is full")

    monkeypatch.setattr(Store, "keep", refuse)
    assert bench.run(0.5).written == COUNT
    assert caplog.text.count("the disk is full") == 1
    assert "goes on without kept scores" in caplog.text


def test_a_picture_changed_while_it_was_scored_is_not_kept(bench: Bench) -> None:
    """Its hash may be of the old one and its scores of the new."""
    recall, _ = bench.recall(Selection(threshold=0.5))
    stream = recall.stream([bench.pictures / "0.png"])
    pipeline, _ = recall.opened()
    submit = pipeline.submit

    def meddle(source: Path, priority: str = "batch") -> object:
        Image.new("RGB", (17, 17), "green").save(source)
        return submit(source, "batch")

    pipeline.submit = meddle  # pyright: ignore
    assert next(stream).scores is not None
    assert len(bench.store) == 0


def test_a_model_that_can_not_be_opened_is_said_at_once(bench: Bench) -> None:
    """Not for each picture."""
    captioner = Captioner(Settings(), bench.model.labels, bench.model.thresholds)

    def refuse() -> tuple[Pipeline, Contract]:
        raise BackendError("cuda: no such device")

    recall = Recall(Memory(bench.store, bench.model, captioner), refuse)
    with pytest.raises(BackendError, match="no such device"):
        list(caption_folder(FolderJob((bench.pictures,)), recall, captioner))


def test_stop_gives_what_is_being_scored_and_no_more(bench: Bench) -> None:
    """As Ctrl-C does."""
    recall, _ = bench.recall(Selection(threshold=0.5))
    stream = recall.stream(iter(sorted(bench.pictures.glob("*.png"))))
    first = next(stream)
    stream.stop()
    rest = list(stream)
    assert first.scores is not None
    assert len(rest) < COUNT
    assert bench.inferred == 1 + len(rest)
