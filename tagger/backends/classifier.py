"""The layer before an ONNX graph's classifier, given out beside the scores. Needs `onnx`.

The classifier is the last matrix product of the pictures' features with weights: going back from
the scores, it is met behind nothing but what is done to each score by itself, or to their order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import BackendError, ModelError
from ..extras import install

LARGEST = 2 << 30
"""Bytes of a graph that is edited: protobuf's own limit."""
_THROUGH = {
    *("Add", "Sub", "Mul", "Div", "Pow", "Neg", "Exp", "Log", "Reciprocal", "Clip", "Max", "Min"),
    *("Sigmoid", "HardSigmoid", "Softmax", "LogSoftmax", "Cast", "Identity", "ReduceMax"),
    *("ReduceSum", "Where", "Less", "Greater", "Equal", "And", "Or", "Not", "Shape", "Expand"),
    *("Concat", "Flatten", "Gather", "GatherND", "Pad", "Reshape", "Slice", "Split", "Squeeze"),
    *("Transpose", "Unsqueeze"),
}
_PRODUCTS = ("Gemm", "MatMul", "Conv")


def expose(path: Path, output: str | int) -> tuple[bytes, str]:
    """The graph with one output more, and its name: what the classifier of `output` is fed.

    Raises:
        ModelError: no ONNX file.
        BackendError: onnx is not installed, or no one classifier is found.
    """
    try:
        import onnx
    except ImportError as error:
        raise BackendError(
            f"expected the package onnx to take embeddings out of a graph, got none: "
            f"`{install('export')}`, or use a model with an output `embedding`"
        ) from error
    try:
        model: Any = onnx.load(str(path))
    except Exception as error:  # protobuf's and onnx's readers share no class of error
        raise ModelError(
            f"{path}: expected an ONNX file with its weights, got a truncated or foreign one: "
            f"fetch it again"
        ) from error
    named = [one.name for one in model.graph.output]
    name = named[output] if isinstance(output, int) else output
    fed = _Graph(model.graph, path).classifier(name)
    if fed not in named:
        model.graph.output.append(onnx.ValueInfoProto(name=fed))
    if model.ByteSize() >= LARGEST:
        raise BackendError(f"{path}: expected under 2 GB to edit in memory, got more")
    return model.SerializeToString(), fed


class _Graph:
    """Who makes which tensor."""

    def __init__(self, graph: Any, path: Path) -> None:
        self._path = path
        self._makers = {name: node for node in graph.node for name in node.output if name}
        self._constant = {one.name: True for one in graph.initializer}

    def classifier(self, name: str) -> str:
        """The tensor that the classifier is fed."""
        found: dict[str, None] = {}
        ahead, seen = [name], set[str]()
        while ahead:
            one = ahead.pop()
            if one in seen or self._is_constant(one):
                continue
            seen.add(one)
            node = self._makers.get(one)
            kind = node.op_type if node else "the picture"
            fed = (
                [each for each in node.input if each and not self._is_constant(each)]
                if node
                else []
            )
            if kind in _PRODUCTS and len(fed) == 1:
                found[fed[0]] = None
            elif kind in _THROUGH:
                ahead += fed
            else:
                raise BackendError(self._lost(f"{kind} before any weights"))
        if len(found) != 1:
            raise BackendError(self._lost(f"{len(found)} of them, for different features"))
        return next(iter(found))

    def _is_constant(self, name: str) -> bool:
        """Whether a tensor depends on weights alone; answered without recursion, once each."""
        ahead = [name]
        while ahead:
            one = ahead[-1]
            node = self._makers.get(one)
            if one in self._constant or node is None:
                self._constant.setdefault(one, False)
                ahead.pop()
                continue
            inputs = [each for each in node.input if each]
            unknown = [each for each in inputs if each not in self._constant]
            if unknown:
                ahead += unknown
                continue
            self._constant[one] = all(self._constant[each] for each in inputs)
            ahead.pop()
        return self._constant[name]

    def _lost(self, got: str) -> str:
        return (
            f"{self._path}: expected one classifier at the graph's end to take embeddings before, "
            f"got {got}: use a model with safetensors, or one with an output `embedding`"
        )
