"""Tiny models of the real file layouts, built where they are used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.backends import Backend
from tagger.backends.explain import Heat, Method, attributed, occlude
from tagger.models.spec import Contract, Model, ModelSpec
from tagger.preprocess import Preprocess

SIZE = 32
WEIGHTS = np.random.default_rng(5).normal(0, 0.02, (3, 6)).astype(np.float32)
"""Mean colour, in the graph's own channel order -> logits of six labels."""


def explain(
    backend: Backend, pixels: np.ndarray, columns: Sequence[int], method: Method = "auto"
) -> list[Heat]:
    """By the network itself, or where that can't be by covering, as the engine asks."""
    found = attributed(backend, pixels, columns, method)
    return occlude(backend, pixels, columns) if found is None else found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder with the labels of six outputs and no weights."""
    rows = ["9999999,general,9,5", "1,1girl,0,9", "2,solo,0,8", "3,hat,0,7", "4,smile,0,6"]
    text = "\n".join(["tag_id,name,category,count", *rows, "5,hatsune_miku,4,3", ""])
    (tmp_path / "selected_tags.csv").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def pictures() -> np.ndarray:
    """Seven fitted pictures, uint8 RGB [7, 32, 32, 3]."""
    rng = np.random.default_rng(3)
    base = rng.integers(0, 256, (7, 1, 1, 3))
    return np.clip(base + rng.integers(-40, 40, (7, SIZE, SIZE, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def write_graph(folder: Path) -> Callable[..., Model]:
    """Write `model.onnx`, a graph that weighs the mean colour, and return the model."""
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto

    def write(
        batch: int | str = "N",
        size: int = SIZE,
        kind: str = "FLOAT",
        end: str = "Sigmoid",
        contract: dict[str, Any] | None = None,
        **spec: Any,
    ) -> Model:
        nodes = [
            helper.make_node("Cast", ["x"], ["float"], to=kinds.FLOAT),
            helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
            helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
            helper.make_node(end, ["logits"], ["scores"]),
        ]
        shape = [batch, size, size, 3]
        graph = helper.make_graph(
            nodes,
            "tiny",
            [helper.make_tensor_value_info("x", getattr(kinds, kind), shape)],
            [
                helper.make_tensor_value_info("scores", kinds.FLOAT, [batch, 6]),
                helper.make_tensor_value_info("logits", kinds.FLOAT, [batch, 6]),
            ],
            [onnx.numpy_helper.from_array(WEIGHTS, "weights")],
        )
        opset = [helper.make_opsetid("", 17)]
        onnx.save(
            helper.make_model(graph, opset_imports=opset, ir_version=9), folder / "model.onnx"
        )
        preprocess = Preprocess(size=(SIZE, SIZE), channels="bgr")
        return model_of(folder, Contract(**{"preprocess": preprocess, **(contract or {})}), **spec)

    return write


@pytest.fixture
def expected() -> Callable[[np.ndarray], np.ndarray]:
    """What that graph says, in numpy: uint8 RGB [N, H, W, 3] -> float64 [N, 6]."""

    def scores(batch: np.ndarray) -> np.ndarray:
        blue_green_red = batch.astype(np.float64).mean(axis=(1, 2))[:, ::-1]
        return 1 / (1 + np.exp(-blue_green_red @ WEIGHTS))

    return scores


@pytest.fixture
def as_model(folder: Path) -> Callable[..., Model]:
    """The folder as a model with the contracts given."""
    return lambda *contracts, **spec: model_of(folder, *contracts, **spec)


def model_of(folder: Path, *contracts: Contract, **spec: Any) -> Model:
    """A model as the registry would find it."""
    return Model("tiny", ModelSpec("tiny", contracts, **spec), folder, contracts)
