"""A folder of one's own with a `tagger.json`, from its files to scores, for each way to end."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tagger.backends import open_backend
from tagger.engine import Tagger
from tagger.errors import ModelError
from tagger.home import part
from tagger.models.registry import default_registry

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

NAMES = ("safe", "explicit", "1girl", "hat", "long_hair", "smile")
WEIGHTS = np.random.default_rng(2).normal(0, 4, (3, 12)).astype(np.float32)
COLOUR = (200, 30, 90)


def mine(columns: int = 6, end: str | None = None, **outputs: Any) -> Path:
    """A model in our home: the mean colour, RGB from 0 to 1, through one matrix."""
    folder = part("models") / "mine"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{n},{name},{9 if n < 2 else 0},{100 - n}" for n, name in enumerate(NAMES)]
    text = "\n".join(["tag_id,name,category,count", *rows, ""])
    (folder / "selected_tags.csv").write_text(text, encoding="utf-8")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["raw" if end else "y"]),
    ]
    if end:
        nodes.append(helper.make_node(end, ["raw"], ["y"]))
    x = helper.make_tensor_value_info("x", kind, ["N", 3, 8, 8])
    y = helper.make_tensor_value_info("y", kind, ["N", columns])
    weights = onnx.numpy_helper.from_array(np.ascontiguousarray(WEIGHTS[:, :columns]), "weights")
    graph = helper.make_graph(nodes, "g", [x], [y], [weights])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "model.onnx")
    inputs = {"layout": "nchw", "size": [8, 8], "channels": "rgb", "scale": 1 / 255}
    told = {"schema": 1, "contracts": [{"inputs": inputs, "outputs": outputs}]}
    (folder / "tagger.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


def scores() -> list[float]:
    """What it says of a picture of one colour."""
    model = default_registry().find("mine")
    tagger = Tagger(model, open_backend(model))
    try:
        (found,) = tagger.scores([Image.new("RGB", (20, 20), COLOUR)])
    finally:
        tagger.close()
    return found.values.tolist()


def logit(column: int) -> float:
    return sum(c / 255 * float(w) for c, w in zip(COLOUR, WEIGHTS[:, column], strict=True))


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def excluding(column: int) -> float:
    """The two ratings share one."""
    if column > 1:
        return logistic(logit(column))
    return math.exp(logit(column)) / sum(math.exp(logit(n)) for n in (0, 1))


@pytest.mark.parametrize(
    ("said", "formula"),
    [
        ({"end": "Sigmoid"}, lambda n: logistic(logit(n))),
        ({"activation": "sigmoid", "name": "y"}, lambda n: logistic(logit(n))),
        ({"activation": "softmax", "softmax": ["rating"]}, excluding),
        (
            {"activation": "gated", "columns": 12},
            lambda n: logistic(logit(n)) * logistic(logit(n + 6)),
        ),
    ],
    ids=["none", "sigmoid", "softmax", "gated"],
)
def test_each_way_to_probabilities(said: dict[str, Any], formula: Callable[[int], float]) -> None:
    """As the manifest names it, against the formula in Python's own floats."""
    mine(**said)
    assert scores() == pytest.approx([formula(n) for n in range(6)], abs=2e-6)


def test_logits_that_are_called_probabilities_are_refused_when_opened() -> None:
    """They show on a picture of noise, before anybody's picture gets a wrong tag."""
    mine()
    with pytest.raises(ModelError, match=r'from 0 to 1, got .* "activation": "sigmoid"'):
        scores()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"activation": "softmax"}, "expected categories for activation softmax"),
        ({"softmax": ["rating"]}, "for activation none"),
        ({"activation": "tanh"}, "expected one of none, sigmoid, softmax, gated"),
        ({"activation": "gated"}, r"expected an output of \[N, 12\] for 6 labels"),
        ({"activation": "sigmoid", "columns": 12}, r"expected an output of \[N, 6\] for 6 labels"),
        ({"activation": "sigmoid", "name": "z"}, "expected an output 'z', got y"),
        ({"activation": "sigmoid", "index": 3}, "expected an output 3, got y"),
    ],
)
def test_a_contradiction_is_a_row_with_its_reason(said: dict[str, Any], sentence: str) -> None:
    """Of the manifest with itself, with the graph, with the labels."""
    folder = mine(**said)
    (row,) = (row for row in default_registry().list() if row.name == "mine")
    assert not row.on_disk
    assert str(folder) in row.reason
    with pytest.raises(ModelError, match=sentence):
        default_registry().find("mine")


def test_a_file_with_other_bytes_is_refused_when_opened() -> None:
    """Of the right size, with a hash that the manifest does not have: named, in one sentence."""
    folder = mine(activation="sigmoid")
    path = folder / "model.onnx"
    whole = path.read_bytes()
    told = json.loads((folder / "tagger.json").read_text())
    digest = hashlib.sha256(whole).hexdigest()
    told["files"] = {"model.onnx": {"size": len(whole), "sha256": digest.upper()}}
    (folder / "tagger.json").write_text(json.dumps(told))
    assert len(scores()) == 6

    path.write_bytes(whole.replace(b"mean", b"nean"))

    with pytest.raises(ModelError, match=rf"model\.onnx: expected SHA-256 {digest[:12]}") as caught:
        scores()
    assert "\n" not in str(caught.value)
