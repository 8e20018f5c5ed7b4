"""A model that knows colours, in WD's layout, and pictures of one colour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tagger.cli import main

LABELS = """tag_id,name,category,count
9999999,general,9,10
9999998,sensitive,9,10
9999997,questionable,9,10
9999996,explicit,9,10
1,red_theme,0,100
2,blue_theme,0,90
3,long_hair,0,80
4,saber_(fate),4,70
"""


@pytest.fixture(scope="session")
def colour_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.onnx and selected_tags.csv.

    red_theme and blue_theme are how red and how blue the middle of the picture is; general and
    long_hair are always 0.9, saber_(fate) always 0.6.
    """
    onnx = pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("colours")
    helper, kinds = onnx.helper, onnx.TensorProto
    logit = {0.9: np.log(9), 0.6: np.log(1.5), 0.01: np.log(1 / 99)}
    weights = np.zeros((3, 8), np.float32)
    weights[2, 4] = weights[0, 5] = 12 / 255  # BGR: 2 is red, 0 is blue
    bias = [logit[p] for p in (0.9, 0.01, 0.01, 0.01, 0.01, 0.01, 0.9, 0.6)]
    bias[4] = bias[5] = -6.0
    tensors = [
        onnx.numpy_helper.from_array(weights, "w"),
        onnx.numpy_helper.from_array(np.array(bias, np.float32), "b"),
        onnx.numpy_helper.from_array(np.array([224, 224]), "start"),
        onnx.numpy_helper.from_array(np.array([225, 225]), "end"),
        onnx.numpy_helper.from_array(np.array([1, 2]), "axes"),
    ]
    nodes = [
        helper.make_node("Slice", ["input", "start", "end", "axes"], ["pixel"]),
        helper.make_node("Flatten", ["pixel"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("input", kinds.FLOAT, ["N", 448, 448, 3])],
        [helper.make_tensor_value_info("output", kinds.FLOAT, ["N", 8])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    (folder / "selected_tags.csv").write_text(LABELS)
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder: red.png, blue.jpg, and in it `sub [1]/blue 2.png`; beside them a text file."""
    folder = tmp_path / "pictures"
    (folder / "sub [1]").mkdir(parents=True)
    Image.new("RGB", (60, 40), "red").save(folder / "red.png")
    Image.new("RGB", (40, 60), "blue").save(folder / "blue.jpg")
    Image.new("RGB", (40, 60), "blue").save(folder / "sub [1]" / "blue 2.png")
    (folder / "notes.md").write_text("not a picture")
    return folder


Tagger = Callable[..., int]


@pytest.fixture
def tagger(colour_model: Path) -> Tagger:
    """Run a verb with the colour model and give its exit code."""

    def run(verb: str, *argv: str | Path) -> int:
        return main([verb, *map(str, argv), "--model", str(colour_model)])

    return run
