"""The files in which a graph keeps its weights, wherever in the graph the tensors are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tagger.errors import ModelError
from tagger.models.onnxheader import external_files

onnx = pytest.importorskip("onnx", reason="builds the graphs that are read here")


def tensor(location: str) -> Any:
    made = onnx.TensorProto(name="w", data_type=1, dims=[2])
    made.data_location = onnx.TensorProto.EXTERNAL
    made.external_data.add(key="offset", value="location")
    made.external_data.add(key="location", value=location)
    return made


def constant(location: str) -> Any:
    return onnx.helper.make_node("Constant", [], ["c"], value=tensor(location))


def graph(*nodes: Any, **parts: Any) -> Any:
    output = onnx.helper.make_tensor_value_info("y", 1, [2])
    made = onnx.helper.make_graph(nodes, "g", [], [output])
    for name, values in parts.items():
        getattr(made, name).extend(values)
    return made


def listed(tmp_path: Path, made: Any, functions: tuple[Any, ...] = ()) -> tuple[str, ...]:
    model = onnx.helper.make_model(made)
    model.functions.extend(functions)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    return external_files(tmp_path / "m.onnx")


def test_a_whole_graph_names_no_file(tmp_path: Path) -> None:
    """Weights inside it are stepped over, and a node that is called so is no weight."""
    inside = onnx.helper.make_tensor("w", 1, [2], b"location", raw=True)
    node = onnx.helper.make_node("Identity", ["w"], ["y"], name="location")
    assert listed(tmp_path, graph(node, initializer=[inside])) == ()


def test_each_file_is_named_once(tmp_path: Path) -> None:
    """As the graph spells it, in the order of the tensors."""
    tensors = [tensor("a.bin"), tensor("../b.bin"), tensor("a.bin")]
    assert listed(tmp_path, graph(initializer=tensors)) == ("a.bin", "../b.bin")


def test_no_tensor_hides(tmp_path: Path) -> None:
    """In a node, in a branch inside a branch, in a function, in a sparse weight, in a list."""
    branch = onnx.helper.make_node("If", ["c"], ["y"], then_branch=graph(constant("then")))
    outer = onnx.helper.make_node("If", ["c"], ["y"], else_branch=graph(branch))
    many = onnx.helper.make_node("Own", [], ["y"])
    many.attribute.add(name="t", type=onnx.AttributeProto.TENSORS).tensors.extend([tensor("list")])
    sparse = onnx.SparseTensorProto(values=tensor("values"), indices=tensor("indices"), dims=[2])
    function = onnx.FunctionProto(name="F", domain="d")
    function.node.extend([constant("function")])
    made = graph(constant("node"), outer, many, sparse_initializer=[sparse])
    assert set(listed(tmp_path, made, (function,))) == {
        "node", "then", "list", "values", "indices", "function",
    }  # fmt: skip


def test_graphs_without_end_are_refused(tmp_path: Path) -> None:
    """Thirty graphs deep is no model."""
    made = graph(constant("deep"))
    for _ in range(30):
        made = graph(onnx.helper.make_node("If", ["c"], ["y"], then_branch=made))
    with pytest.raises(ModelError, match=r"m\.onnx: expected a whole ONNX file, got graphs nested"):
        listed(tmp_path, made)
