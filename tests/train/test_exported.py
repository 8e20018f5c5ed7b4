"""What a finished network's graph gives beside its probabilities, and what float16 changes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("pyarrow")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tagger.dataset.index import Dataset  # noqa: E402
from tagger.errors import UsageError  # noqa: E402
from tagger.export.card import Card  # noqa: E402
from tagger.export.compare import compare  # noqa: E402
from tagger.export.folders import Finished, write_universal  # noqa: E402
from tagger.export.heads import heads_of  # noqa: E402
from tagger.export.layouts import write_layout  # noqa: E402
from tagger.export.source import Export  # noqa: E402
from tagger.models.local import examine  # noqa: E402
from tagger.models.spec import Model  # noqa: E402
from tagger.thresholds import Thresholds  # noqa: E402
from tagger.train import halving  # noqa: E402
from tagger.train.begin import begin  # noqa: E402
from tagger.train.config import TrainConfig  # noqa: E402
from tagger.train.finish import _extras  # noqa: E402
from tagger.train.targets import make_targets  # noqa: E402

TINY = json.dumps({"channels": [8, 8, 8, 16], "stem_width": 8})
HEADS = json.dumps(
    {
        "rating": {"kind": "ordinal", "labels": ["rating"]},
        "who": {"labels": ["character"], "hidden": 8, "loss": "cross_entropy"},
    }
)


@pytest.fixture
def written(make_dataset: Callable[..., Path], tmp_path: Path) -> Callable[..., Any]:
    """A network with an ordinal head and an exclusive one, written as a training would."""
    path = make_dataset(24, ratings="gsqe")

    def write(embeddings: bool) -> tuple[Any, Path, Any]:
        dataset = Dataset.open(path)
        training = dataset.rows("train")
        targets = make_targets(dataset)
        torch.manual_seed(0)
        config = TrainConfig.of(
            path, path, architecture="resnet10t", model_args=TINY, pool=16, heads=HEADS
        )
        network, _ = begin(config, targets, training)
        network.eval()
        finished = Finished(
            network,
            "resnet10t",
            network.arguments,
            targets.rows,
            Thresholds(0.5),
            Card("mine"),
            pool=16,
            own={**network.describe(targets.rows.labels), "pool": 16},
            extras=_extras(network, embeddings),
        )
        return network, write_universal(finished, tmp_path / "model"), targets

    return write


def answers(folder: Path, pixels: np.ndarray) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(None, {"input": pixels}), strict=True))


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_the_graph_gives_scalar_and_vectors_by_name(
    written: Callable[..., Any], batch: int
) -> None:
    """WD's rows first; softmax and order are inside; the rest follows, as torch says it."""
    network, folder, targets = written(True)
    pixels = np.random.default_rng(batch).uniform(0, 255, (batch, 448, 448, 3)).astype(np.float32)
    found = answers(folder, pixels)
    assert list(found) == ["output", "all", "rating_scalar", "embedding", "embedding_who"]
    planes = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    images = torch.nn.functional.avg_pool2d(planes, 16) / 127.5 - 1
    with torch.no_grad():
        wanted = network.outputs(network.features(images))
    np.testing.assert_allclose(found["all"], wanted.logits.sigmoid(), atol=1e-4)
    for name in ("rating_scalar", "embedding", "embedding_who"):
        np.testing.assert_allclose(found[name], wanted.extras[name], atol=1e-4)
    labels = targets.rows.labels
    ratings = found["all"][:, labels.of("rating")].astype(np.float64)
    np.testing.assert_allclose(ratings.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(found["rating_scalar"], ratings @ [0, 1 / 4, 1 / 2, 1], atol=1e-5)
    np.testing.assert_allclose(found["all"][:, labels.of("character")].sum(1), 1, atol=1e-5)


def test_a_head_is_exported_alone_by_its_name(written: Callable[..., Any], tmp_path: Path) -> None:
    """Its labels say what they said, and what only other heads need is not in the file."""
    network, folder, _ = written(False)
    seen = examine(folder)
    model = Model("mine", seen.spec, folder, seen.contracts)
    heads = heads_of(model)
    assert list(heads) == [plan.name for plan in network.plans]
    assert {"rating", "who"} < {*heads}
    trunk = sum(4 * weight.numel() for weight in network.trunk.parameters())
    for name, tags in heads.items():
        export = Export(model, "wd", heads=(name,))
        alone = write_layout(export, tmp_path / name)
        assert all((found or 0) < 1e-5 for found in compare(export, alone).values())
        assert {row.name for row in export.rows.labels} >= {*tags}
        names = {one.name for one in onnx.load(alone / "model.onnx").graph.initializer}
        there = {own for own in heads if any(f"heads.{own}." in one for one in names)}
        assert there <= {name}, "a linear layer's rows are kept under another name"
        assert trunk < (alone / "model.onnx").stat().st_size < trunk + 60_000
    with pytest.raises(UsageError, match=r"expected heads of mine \(.*who.*\), got 'whom'"):
        write_layout(Export(model, "wd", heads=("whom",)), tmp_path / "none")


def test_vectors_are_given_where_they_are_asked_for(written: Callable[..., Any]) -> None:
    """The scalar always; the folder loads as before, and its card names what else there is."""
    _, folder, targets = written(False)
    found = answers(folder, np.zeros((1, 448, 448, 3), np.float32))
    assert list(found) == ["output", "all", "rating_scalar"]
    seen = examine(folder)
    assert not seen.reason
    model = Model("mine", seen.spec, folder, seen.contracts)
    assert len(model.labels) == len(targets.rows.labels)
    card = (folder / "README.md").read_text("utf-8")
    assert "`rating_scalar` of `model.onnx`: the rating as one number" in card
    assert "`network.safetensors`" in card
    assert "`model.safetensors`" not in card, "there is none"


def test_what_halving_changes_is_counted_where_it_is_known() -> None:
    """Two answers cross their threshold; a label without one does not answer."""
    exact = np.array([[0.5, 0.2, 0.9], [0.4, 0.6, 0.1]], np.float32)
    rounded = np.array([[0.49, 0.2, 0.1], [0.4, 0.59, 0.9]], np.float32)
    limits = np.array([0.5, 0.595, np.nan], np.float32)
    found = halving.compare(exact, rounded, limits)
    assert (found.pictures, found.answers, found.flips) == (2, 4, 2)
    assert found.largest == pytest.approx(0.8)
    assert "--weights fp32" in found.sentence
    same = halving.compare(exact, exact, limits)
    assert (same.largest, same.flips) == (0, 0)
    assert "--weights fp32" not in same.sentence


def test_a_training_in_float16_says_what_that_changed(
    make_dataset: Callable[..., Path], tmp_path: Path
) -> None:
    """On the terminal and in the card; vectors come out of the finished folder."""
    from tagger.backends import open_embedder
    from tagger.settings import Runtime
    from tagger.train.loop import train

    said, out = io.StringIO(), tmp_path / "run"
    config = TrainConfig.of(
        make_dataset(24),
        out,
        architecture="resnet10t",
        model_args=TINY,
        pool=16,
        epochs=1,
        batch_size=16,
        threads=1,
        track=("none",),
        samples=0,
        weights="fp16",
        embeddings=True,
        notes=("For trying out.",),
    )
    train(config, said)
    assert "weights stored as float16: a probability moves by at most" in said.getvalue()
    card = (out / "model" / "README.md").read_text("utf-8")
    assert "Weights are stored as float16 and computed with in float32." in card
    assert "on 8 validation pictures" in card
    assert "For trying out." in card
    assert "| gain over it |" in card, "what fitted thresholds add, with an interval"
    found = examine(out / "model")
    model = Model("run", found.spec, out / "model", found.contracts)
    embedder = open_embedder(model, Runtime(device="cpu"))
    assert embedder.embed(np.zeros((2, 448, 448, 3), np.uint8)).shape == (2, 16)
