"""An ONNX graph's inputs and outputs, held against the onnx library."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from tagger.errors import ModelError
from tagger.models.onnxheader import freed, read_header

onnx = pytest.importorskip("onnx", reason="builds the graphs that are read here")


def graph(path: Path, ir: int = 8, weights_as_inputs: bool = False) -> Path:
    """Write a graph [batch, 4, 4, 3] -> [batch, 2] and [?, 7], with weights between."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.ones((48, 2), np.float32), "weight")
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 4, 4, 3])]
    if weights_as_inputs:
        inputs.append(helper.make_tensor_value_info("weight", TensorProto.FLOAT, [48, 2]))
    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["scores"]),
        helper.make_node("Identity", ["flat"], ["embedding"]),
    ]
    outputs = [
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 2]),
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [None, 7]),
    ]
    made = helper.make_graph(nodes, "g", inputs, outputs, initializer=[weight])
    onnx.save(helper.make_model(made, ir_version=ir), str(path))
    return path


def test_names_and_shapes_are_what_the_graph_says(tmp_path: Path) -> None:
    """A named dimension keeps its name, an unnamed one is None."""
    header = read_header(graph(tmp_path / "m.onnx"))

    assert header.inputs == {"pixels": ("batch", 4, 4, 3)}
    assert header.outputs == {"scores": ("batch", 2), "embedding": (None, 7)}


def test_weights_listed_as_inputs_are_none(tmp_path: Path) -> None:
    """Before IR version 4 every weight was listed as an input too."""
    header = read_header(graph(tmp_path / "m.onnx", ir=3, weights_as_inputs=True))

    assert list(header.inputs) == ["pixels"]


def test_every_cut_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """Where the file ends too early, it is a ModelError that names it, never another error."""
    whole = graph(tmp_path / "m.onnx").read_bytes()
    cut = tmp_path / "cut.onnx"
    for length in range(0, len(whole) - 8, 3):  # the last field is the opset, after the graph
        cut.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"cut\.onnx: expected a whole ONNX file"):
            read_header(cut)


def test_any_damaged_byte_gives_a_header_or_a_sentence(tmp_path: Path) -> None:
    """No byte makes the reader hang, take memory, or fail in another way."""
    whole = bytearray(graph(tmp_path / "m.onnx").read_bytes())
    bad = tmp_path / "bad.onnx"
    for place in range(0, len(whole), 3):
        for value in (0x00, 0xFF):
            kept, whole[place] = whole[place], value
            bad.write_bytes(whole)
            whole[place] = kept
            with suppress(ModelError):
                read_header(bad)


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1", b"\x00"])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    """An empty file, a Git LFS pointer, anything else."""
    (tmp_path / "m.onnx").write_bytes(content)

    with pytest.raises(ModelError, match="expected a whole ONNX file"):
        read_header(tmp_path / "m.onnx")


def test_no_file_is_refused(tmp_path: Path) -> None:
    """The sentence names the file that is not there."""
    with pytest.raises(ModelError, match=r"m\.onnx: expected an ONNX file"):
        read_header(tmp_path / "m.onnx")


@pytest.mark.parametrize("weights_as_inputs", [False, True])
def test_a_batch_of_one_is_left_open_and_nothing_else_changes(
    tmp_path: Path, weights_as_inputs: bool
) -> None:
    """As the onnx library reads it; a weight of one row that is listed as an input keeps it."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    def value(name: str, *shape: int | str) -> object:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    weights = [
        numpy_helper.from_array(np.ones((48, 2), np.float32), "weight"),
        numpy_helper.from_array(np.ones((1, 2), np.float32), "bias"),
    ]
    listed = [value("weight", 48, 2), value("bias", 1, 2)] if weights_as_inputs else []
    made = helper.make_graph(
        [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weight", "bias"], ["scores"]),
        ],
        "g",
        [value("x", 1, 4, 4, 3), *listed],
        [value("scores", 1, 2)],
        weights,
        value_info=[value("flat", 1, 48)],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "m.onnx"
    onnx.save(model, path)

    content = freed(path)

    assert content is not None
    found = onnx.load_from_string(bytes(content))
    for tensor in (model.graph.input[0], model.graph.output[0]):
        tensor.type.tensor_type.shape.dim[0].Clear()
    del model.graph.value_info[:]
    for one in (found, *found.graph.input, *found.graph.output):
        one.DiscardUnknownFields()
    assert found.SerializeToString() == model.SerializeToString()
    path.write_bytes(content)
    assert freed(path) is None
