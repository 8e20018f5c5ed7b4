"""ONNX graphs that are no WD: a mask input, an output by its place or name, a fixed batch freed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tagger.backends.onnxrt import open_model  # noqa: E402
from tagger.backends.place import Place  # noqa: E402
from tagger.models.spec import Contract, Model  # noqa: E402
from tagger.preprocess import Preprocess, stack  # noqa: E402
from tagger.settings import Runtime  # noqa: E402

As = Callable[..., Model]
CPU = Place("onnxruntime", "cpu")
WEIGHTS = np.random.default_rng(2).normal(0, 2, (3, 12)).astype(np.float32)
NCHW = Preprocess(size=(8, 8), layout="nchw", scale=1 / 255)
MASKED = Preprocess(
    size=(8, 8), layout="nchw", scale=1 / 255, fit="letterbox", alpha="mask", fill=(114, 114, 114)
)
helper, kinds = onnx.helper, onnx.TensorProto


def save(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any]) -> None:
    constants = [onnx.numpy_helper.from_array(WEIGHTS, "weights")]
    constants += [onnx.numpy_helper.from_array(np.array([1, 12], np.int64), "shape")]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)


def value(name: str, *shape: Any, kind: int = kinds.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def pixels(count: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 8, 8, channels), np.uint8)


def logits(batch: np.ndarray) -> np.ndarray:
    return (batch[..., :3].astype(np.float64) / 255).mean(axis=(1, 2)) @ WEIGHTS


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def opened(model: Model, contract: Contract, **runtime: Any) -> Any:
    return open_model(model, contract, CPU, Runtime(threads=1, **runtime))


@pytest.mark.parametrize("output", [1, "refined"])
def test_gates_behind_a_chosen_output(folder: Path, as_model: As, output: int | str) -> None:
    """The second output, by place or by name; n columns times the gates in n more."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["refined"]),
        helper.make_node("Neg", ["refined"], ["initial"]),
    ]
    outputs = [value("initial", "N", 12), value("refined", "N", 12)]
    save(folder / "model.onnx", nodes, [value("x", "N", 3, 8, 8)], outputs)
    contract = Contract(preprocess=NCHW, output=output, activation="gated")
    batch = pixels(3)
    tags, gates = np.split(sigmoid(logits(batch)), 2, axis=1)
    got = opened(as_model(contract), contract).run(batch)
    np.testing.assert_allclose(got, tags * gates, rtol=0, atol=1e-5)


def test_a_mask_is_true_where_padding_is(folder: Path, as_model: As) -> None:
    """Told as bool [N, H, W] beside the pixels: here the share of it is what the graph says."""
    nodes = [
        helper.make_node("Cast", ["padding_mask"], ["float"], to=kinds.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["share"], axes=[1, 2], keepdims=1),
        helper.make_node("ReduceMean", ["pixel_values"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Flatten", ["share"], ["column"]),
        helper.make_node("ReduceMean", ["mean"], ["level"], axes=[1], keepdims=1),
        helper.make_node("Concat", ["column"] * 5 + ["level"], ["p"], axis=1),
    ]
    inputs = [
        value("pixel_values", "N", 3, 8, 8),
        value("padding_mask", "N", 8, 8, kind=kinds.BOOL),
    ]
    save(folder / "model.onnx", nodes, inputs, [value("p", "N", 6)])
    contract = Contract(preprocess=MASKED, mask="padding_mask")
    batch = pixels(2, 4)
    batch[..., 3] = 255
    batch[1, :3, :, 3] = 0
    scores = opened(as_model(contract), contract).run(batch)
    np.testing.assert_allclose(scores[:, :5], [[0] * 5, [3 / 8] * 5], atol=1e-6)
    np.testing.assert_allclose(scores[:, 5], batch[..., :3].mean(axis=(1, 2, 3)) / 255, atol=1e-5)


def fixed_graph(path: Path, honest: bool) -> None:
    """A graph for one picture; the dishonest one mixes pictures when it gets several."""
    nodes = [helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=0)]
    if not honest:
        nodes += [
            helper.make_node("ReduceMax", ["mean"], ["most"], axes=[0], keepdims=1),
            helper.make_node("Sub", ["mean", "most"], ["zero"]),
            helper.make_node("Add", ["zero", "mean"], ["twice"]),
        ]
    nodes += [
        helper.make_node("MatMul", ["mean" if honest else "twice", "weights"], ["wide"]),
        helper.make_node("Sigmoid", ["wide"], ["p"]),
    ]
    save(path, nodes, [value("x", 1, 3, 8, 8)], [value("p", 1, 12)])


@pytest.fixture
def twelve(folder: Path, as_model: As) -> Callable[[Contract], Model]:
    """The folder with labels for twelve outputs."""
    rows = [f"{n},tag_{n},0,{99 - n}" for n in range(12)]
    text = "\n".join(["tag_id,name,category,count", *rows, ""])
    (folder / "selected_tags.csv").write_text(text, encoding="utf-8")
    return as_model


def test_a_batch_of_one_is_freed_where_scores_stay(
    folder: Path, twelve: Callable[[Contract], Model]
) -> None:
    """The first real batch goes one by one and together; from then on together."""
    fixed_graph(folder / "model.onnx", honest=True)
    contract = Contract(preprocess=NCHW, batch=1)
    backend = opened(twelve(contract), contract, batch=4)
    assert (backend.fixed, backend.best_batch) == (1, 4)
    for count, fixed in ((1, 1), (4, None), (3, None)):
        batch = pixels(count)
        got = backend.run(batch)
        np.testing.assert_allclose(got, sigmoid(logits(batch)), rtol=0, atol=1e-5)
        assert backend.fixed == fixed
    assert opened(twelve(contract), contract).best_batch == 1


def test_a_batch_of_one_stays_where_scores_change(
    folder: Path, twelve: Callable[[Contract], Model], caplog: pytest.LogCaptureFixture
) -> None:
    """As some v2 graphs do: right scores, one by one, and a line that says so."""
    fixed_graph(folder / "model.onnx", honest=False)
    contract = Contract(preprocess=NCHW, batch=1)
    backend = opened(twelve(contract), contract, batch=4)
    for _ in range(2):
        batch = pixels(4)
        got = backend.run(batch)
        np.testing.assert_allclose(got, sigmoid(logits(batch)), rtol=0, atol=1e-5)
        assert backend.fixed == 1
    assert "pictures go one by one, as it can't take several: its scores change" in caplog.text


def test_weights_of_their_own_file_keep_a_batch_of_one(
    folder: Path, twelve: Callable[[Contract], Model], caplog: pytest.LogCaptureFixture
) -> None:
    """ONNX Runtime finds them only beside a file, not beside bytes: right scores, and a line."""
    path = folder / "model.onnx"
    fixed_graph(path, honest=True)
    beside = {"save_as_external_data": True, "location": "model.data", "size_threshold": 0}
    onnx.save_model(onnx.load(path), path, **beside)
    contract = Contract(preprocess=NCHW, batch=1)
    backend = opened(twelve(contract), contract, batch=4)
    batch = pixels(4)
    np.testing.assert_allclose(backend.run(batch), sigmoid(logits(batch)), rtol=0, atol=1e-5)
    assert backend.fixed == 1
    assert "pictures go one by one" in caplog.text
    assert "in a file of their own" in caplog.text


def test_patches_are_refused_by_a_graph_of_pictures(
    folder: Path, twelve: Callable[[Contract], Model]
) -> None:
    """One sentence, not numpy's."""
    from tagger.errors import ModelError

    fixed_graph(folder / "model.onnx", honest=True)
    contract = Contract(preprocess=NCHW)
    backend = opened(twelve(contract), contract)
    with pytest.raises(ModelError, match="expected a model of whole pictures, got fit patches"):
        backend.run(stack([np.zeros((16, 16, 3), np.uint8)], Preprocess(fit="patches")))
