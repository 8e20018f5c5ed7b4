"""Vectors out of models: what the classifier is fed, whoever runs the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from tagger.backends import open_embedder  # noqa: E402
from tagger.backends.classifier import expose  # noqa: E402
from tagger.errors import BackendError, ModelError, OptionError  # noqa: E402
from tagger.models.spec import Contract, Model  # noqa: E402
from tagger.preprocess import Preprocess  # noqa: E402
from tagger.settings import Runtime  # noqa: E402

helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
CPU = Runtime(device="cpu", precision="fp32")
PIXELS = Preprocess(size=(32, 32), channels="bgr")


def graph(path: Path, nodes: list[Any], constants: dict[str, Any], outputs: list[str]) -> Path:
    """A graph of `x`, [N, 32, 32, 3], with the opset of our own."""
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", FLOAT, ["N", 32, 32, 3])],
        [helper.make_tensor_value_info(name, FLOAT, ["N", None]) for name in outputs],
        [onnx.numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


MEAN = helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2], keepdims=0)
WEIGHTS = np.random.default_rng(0).normal(0, 0.02, (3, 6)).astype(np.float32)


def test_a_graph_gives_what_its_classifier_is_fed(
    write_graph: Callable[..., Model], pictures: np.ndarray
) -> None:
    """Of the tiny model, which weighs mean colours, those: in its own order of channels."""
    model = write_graph()
    embedder = open_embedder(model, CPU)
    found = embedder.embed(pictures)
    wanted = pictures.astype(np.float64).mean((1, 2))[:, ::-1]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert found.dtype == np.float32
    assert embedder.head == ""
    embedder.close()
    with pytest.raises(BackendError, match="load it again"):
        embedder.embed(pictures)


def test_a_graph_fixed_to_a_batch_is_asked_in_its_steps(
    write_graph: Callable[..., Model], pictures: np.ndarray
) -> None:
    """Seven pictures through a graph for two."""
    found = open_embedder(write_graph(batch=2), CPU).embed(pictures)
    np.testing.assert_allclose(found, pictures.astype(float).mean((1, 2))[:, ::-1], rtol=1e-5)


def test_an_output_named_embedding_is_taken_as_it_is(
    folder: Path, pictures: np.ndarray, as_model: Callable[..., Model]
) -> None:
    """And a head's own by the head's name; others are named in the refusal."""
    nodes = [
        MEAN,
        helper.make_node("Mul", ["mean", "two"], ["embedding"]),
        helper.make_node("Neg", ["mean"], ["embedding_species"]),
        helper.make_node("MatMul", ["mean", "w"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
    ]
    outputs = ["scores", "embedding", "embedding_species"]
    graph(folder / "model.onnx", nodes, {"two": np.float32([2]), "w": WEIGHTS}, outputs)
    model = as_model(Contract(preprocess=PIXELS))
    wanted = pictures.astype(np.float64).mean((1, 2))[:, ::-1]
    np.testing.assert_allclose(open_embedder(model, CPU).embed(pictures), 2 * wanted, rtol=1e-5)
    species = open_embedder(model, CPU, "species")
    np.testing.assert_allclose(species.embed(pictures), -wanted, rtol=1e-5)
    with pytest.raises(OptionError, match=r"^head: expected .* got 'body': it has species"):
        open_embedder(model, CPU, "body")


def classifiers() -> dict[str, tuple[list[Any], dict[str, Any]]]:
    """Ways that graphs end, each before `scores`; the classifier is fed `mean`."""
    half = WEIGHTS.astype(np.float16)
    turned, six = WEIGHTS.T.copy(), np.zeros(6, np.float32)
    node = helper.make_node
    return {
        "gemm": ([node("Gemm", ["mean", "w", "b"], ["scores"], transB=1)], {"w": turned, "b": six}),
        "bias": (
            [
                node("MatMul", ["mean", "w"], ["raw"]),
                node("Add", ["raw", "b"], ["z"]),
                node("Sigmoid", ["z"], ["scores"]),
            ],
            {"w": WEIGHTS, "b": six},
        ),
        "weights stored as float16": (
            [
                node("Cast", ["w"], ["w32"], to=FLOAT),
                node("MatMul", ["mean", "w32"], ["z"]),
                node("Sigmoid", ["z"], ["scores"]),
            ],
            {"w": half},
        ),
        "heads side by side": (
            [
                node("MatMul", ["mean", "w"], ["one"]),
                node("MatMul", ["mean", "v"], ["other"]),
                node("Softmax", ["one"], ["s"]),
                node("Concat", ["s", "other"], ["scores"], axis=1),
            ],
            {"w": WEIGHTS[:, :2], "v": WEIGHTS[:, 2:]},
        ),
        "order changed": (
            [
                node("MatMul", ["mean", "w"], ["z"]),
                node("Gather", ["z", "order"], ["scores"], axis=1),
            ],
            {"w": WEIGHTS, "order": np.arange(6)[::-1].copy()},
        ),
    }


@pytest.mark.parametrize("kind", classifiers())
def test_the_classifier_is_found_however_a_graph_ends(kind: str, tmp_path: Path) -> None:
    """Its input is named, and the graph gives it out."""
    nodes, constants = classifiers()[kind]
    path = graph(tmp_path / "model.onnx", [MEAN, *nodes], constants, ["scores"])
    edited, name = expose(path, 0)
    assert name == "mean"
    assert [one.name for one in onnx.load_from_string(edited).graph.output] == ["scores", "mean"]


def test_a_graph_without_one_classifier_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Two heads on different features, or no weights at all."""
    node = helper.make_node
    two = [
        MEAN,
        node("Relu", ["mean"], ["more"]),
        node("MatMul", ["mean", "w"], ["one"]),
        node("MatMul", ["more", "w"], ["other"]),
        node("Concat", ["one", "other"], ["scores"], axis=1),
    ]
    with pytest.raises(BackendError, match="got 2 of them, for different features"):
        expose(graph(tmp_path / "two.onnx", two, {"w": WEIGHTS}, ["scores"]), 0)
    none = [MEAN, node("Sigmoid", ["mean"], ["scores"])]
    with pytest.raises(BackendError, match="got ReduceMean before any weights"):
        expose(graph(tmp_path / "none.onnx", none, {}, ["scores"]), 0)
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="truncated or foreign"):
        expose(tmp_path / "broken.onnx", 0)


def test_torch_and_onnx_give_the_same_vectors(tmp_path: Path) -> None:
    """Of one trained folder: timm's pooled features, and what the graph's classifier is fed."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("timm")
    from dataclasses import replace

    import timm

    from tagger.export.card import Card
    from tagger.export.folders import Finished, write_universal
    from tagger.export.rows import universal_rows
    from tagger.labels import DANBOORU, Label, LabelSet, category
    from tagger.models.local import examine
    from tagger.thresholds import Thresholds

    torch.manual_seed(0)
    rows = universal_rows(LabelSet((Label("hat", category(DANBOORU, "general"), 3),)))
    network = timm.create_model("test_resnet", num_classes=len(rows.labels)).eval()
    made = Finished(network, "test_resnet", {}, rows, Thresholds(0.5), Card("x"), pool=4)
    found = examine(write_universal(made, tmp_path / "model"))
    pixels = np.random.default_rng(1).integers(0, 256, (2, 448, 448, 3), np.uint8)
    vectors = {}
    for way in found.contracts:
        model = Model("model", found.spec, tmp_path / "model", (way,))
        vectors[way.runtime] = open_embedder(replace(model), CPU).embed(pixels)
    assert set(vectors) == {"onnx", "timm"}
    assert vectors["onnx"].shape == (2, network.num_features)
    np.testing.assert_allclose(vectors["onnx"], vectors["timm"], atol=1e-4)
