"""Some columns of a graph's tensor, computed by no more than they need.

From the tensor backwards: what works on each column by itself is done to those alone, a join of
heads leaves out the heads that have none of them, a linear layer keeps their rows. At whatever else
stands there, the columns are picked of all. What nothing asks for any more is then left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

Columns = NDArray[np.intp]
Add = Callable[..., str]
"""Adds an operation: its kind, its inputs (names or arrays), its attributes; gives its output."""

_EACH = frozenset(
    (
        *("Cast", "Sigmoid", "Identity", "Clip", "Relu", "LeakyRelu", "Exp", "Log", "Neg", "Not"),
        *("Sqrt", "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Where", "IsNaN", "Less"),
        *("Greater", "Equal"),
    )
)
"""Operations that do to each column the same, or what a column of another input says."""


class Slimmer:
    """A graph of which some columns are wanted; `add` puts operations behind it."""

    def __init__(self, model: Any, add: Add) -> None:
        """Take a copy of the graph, an onnx.ModelProto, to look at and to change."""
        self._add = add
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._given = {one.name: one for one in model.graph.initializer}
        self._settle(model)
        known = onnx.shape_inference.infer_shapes(model).graph
        self._widths = {name: len(one) for name, one in self._constants(model)}
        for one in (*known.value_info, *known.output):
            shape = one.type.tensor_type.shape.dim
            if len(shape) == 2:
                self._widths.setdefault(one.name, int(shape[1].dim_value))

    def columns(self, tensor: str, wanted: Columns) -> str:
        """The columns of a tensor, [N, n], in the order wanted."""
        value = self._value(tensor)
        if value is not None:
            return self._add("Identity", value if self._is_one(value) else value[..., wanted])
        maker = self._makers.get(tensor)
        rule = None if maker is None else _RULES.get(maker.op_type)
        if maker is not None and maker.op_type in _EACH:
            rule = Slimmer._each
        found = rule(self, maker, wanted) if rule else None
        return found or self._add("Gather", tensor, wanted.astype(np.int64), axis=1)

    # what is known of each kind of operation; None where its columns can't be told apart

    def _each(self, node: Any, wanted: Columns) -> str | None:
        width = self._widths.get(node.output[0], 0)
        inputs = [name for name in node.input if name]
        if len(inputs) != len(node.input):
            return None
        kept: list[Any] = []
        for at, name in enumerate(inputs):
            value = self._value(name)
            if value is not None and (self._is_one(value) or (node.op_type == "Clip" and at)):
                kept.append(value)
            elif value is not None or (width and self._widths.get(name) == width):
                kept.append(self.columns(name, wanted))
            else:
                return None
        return self._add(node.op_type, *kept, **_attributes(node))

    def _gather(self, node: Any, wanted: Columns) -> str | None:
        places = self._value(node.input[1])
        if _attributes(node).get("axis", 0) not in (1, -1) or places is None or places.ndim != 1:
            return None
        width = self._widths.get(node.input[0], 0)
        if (places < 0).any() and not width:
            return None
        return self.columns(node.input[0], np.where(places < 0, places + width, places)[wanted])

    def _slice(self, node: Any, wanted: Columns) -> str | None:
        told = [self._value(name) for name in node.input[1:]]
        if len(told) < 3 or any(one is None or one.size != 1 for one in told):
            return None
        start, _, axis, *step = (int(one.reshape(-1)[0]) for one in told if one is not None)
        if axis not in (1, -1) or start < 0 or step not in ([], [1]):
            return None
        return self.columns(node.input[0], wanted + start)

    def _concat(self, node: Any, wanted: Columns) -> str | None:
        widths = [self._widths.get(name, 0) for name in node.input]
        if _attributes(node)["axis"] not in (1, -1) or not all(widths):
            return None
        ends = np.cumsum(widths)
        source = np.searchsorted(ends, wanted, side="right")
        parts, order = [], []
        for at in dict.fromkeys(source.tolist()):
            mine = np.flatnonzero(source == at)
            parts.append(self.columns(node.input[at], wanted[mine] - (ends[at] - widths[at])))
            order.extend(mine.tolist())
        if len(parts) == 1:
            return parts[0]
        joined = self._add("Concat", *parts, axis=1)
        places = np.argsort(order)
        if (places == np.arange(len(places))).all():
            return joined
        return self._add("Gather", joined, places.astype(np.int64), axis=1)

    def _gemm(self, node: Any, wanted: Columns) -> str | None:
        own = _attributes(node)
        across = 0 if own.get("transB") else 1
        parts = [self._part(node.input[1], wanted, across)]
        if len(node.input) > 2:
            parts.append(self._part(node.input[2], wanted, -1))
        if any(part is None for part in parts):
            return None
        return self._add("Gemm", node.input[0], *parts, **own)

    def _matmul(self, node: Any, wanted: Columns) -> str | None:
        part = self._part(node.input[1], wanted, -1)
        return None if part is None else self._add("MatMul", node.input[0], part)

    # constants

    def _part(self, name: str, wanted: Columns, axis: int) -> str | NDArray[Any] | None:
        """A constant's entries along an axis, stored in the numbers it is stored in."""
        maker = self._makers.get(name)
        if maker is not None and maker.op_type == "Cast":
            part = self._part(maker.input[0], wanted, axis)
            return None if part is None else self._add("Cast", part, **_attributes(maker))
        value = self._value(name)
        if value is None or not value.ndim:
            return None
        return np.ascontiguousarray(np.take(value, wanted, axis=axis))

    def _value(self, name: str) -> NDArray[Any] | None:
        if name in self._given:
            return onnx.numpy_helper.to_array(self._given[name])
        maker = self._makers.get(name)
        if maker is None or maker.op_type not in ("Constant", "Identity"):
            return None
        if maker.op_type == "Identity":
            return self._value(maker.input[0])
        value = _attributes(maker).get("value")
        return None if value is None else onnx.numpy_helper.to_array(value)

    def _settle(self, model: Any) -> None:
        """Write as constants the ends of slices, which torch writes as numbers made to lists."""
        for node in model.graph.node:
            value = self._value(node.input[0]) if node.op_type == "Unsqueeze" else None
            if value is not None and value.size == 1 and value.ndim == 0:
                tensor = onnx.numpy_helper.from_array(value.reshape(1))
                node.CopyFrom(onnx.helper.make_node("Constant", [], node.output, value=tensor))

    def _constants(self, model: Any) -> Iterator[tuple[str, NDArray[Any]]]:
        """Vectors, which stand for every picture."""
        for name in (*self._given, *(out for node in model.graph.node for out in node.output)):
            value = self._value(name)
            if value is not None and value.ndim == 1:
                yield name, value

    @staticmethod
    def _is_one(value: NDArray[Any]) -> bool:
        return not value.ndim or value.shape[-1] == 1


_RULES: dict[str, Callable[[Slimmer, Any, Columns], str | None]] = {
    "Gather": Slimmer._gather,
    "Slice": Slimmer._slice,
    "Concat": Slimmer._concat,
    "Gemm": Slimmer._gemm,
    "MatMul": Slimmer._matmul,
}


def prune(nodes: Sequence[Any], outputs: Sequence[str]) -> tuple[list[Any], set[str]]:
    """The operations that these outputs ask for, in order, and the names that those ask for."""
    asked, kept = set(outputs), []
    for node in reversed(nodes):
        if asked & set(node.output):
            kept.append(node)
            asked |= set(node.input) | set(_inner(node))
    return kept[::-1], asked


def _inner(node: Any) -> Iterator[str]:
    """What the graphs inside an operation ask for, some of it of their own."""
    for own in node.attribute:
        for graph in (own.g, *own.graphs):
            for each in graph.node:
                yield from each.input
                yield from _inner(each)


def _attributes(node: Any) -> dict[str, Any]:
    return {own.name: onnx.helper.get_attribute_value(own) for own in node.attribute}
