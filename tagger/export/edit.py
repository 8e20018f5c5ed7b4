"""An ONNX graph fed and read in another way: nodes before and after it, its weights untouched.

Needs `onnx` and no torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.compose
from numpy.typing import NDArray

from ..errors import ModelError
from ..models.spec import Contract, Model, external_files, inside
from ..preprocess import Preprocess
from .baking import GLOBAL, MARGIN, odds_ratios
from .slim import Slimmer, prune

NEWEST_OPSET, IR_VERSION = 18, 9
"""What onnxruntime 1.17 loads, and tools of its time."""
_OLDEST_OPSET = 9
_SURE = 1e-7  # a probability's distance from 0 and 1 where it has to become a logit


class Graph:
    """A model's graph being edited. Tensors are named by the names that the methods give back."""

    def __init__(self, read: Any, contract: Contract) -> None:
        """Take an onnx.ModelProto, fed and read as `contract` says."""
        # inside a name of its own nothing can clash with what is put around it
        self.proto: Any = onnx.compose.add_prefix(read, "model/")
        self.contract = contract
        weights = {one.name for one in self.proto.graph.initializer}
        (self._input,) = (one for one in self.proto.graph.input if one.name not in weights)
        self._front: list[Any] = []
        self._back: list[Any] = []
        self._nodes = self._back
        self.slim = False  # whether what no column asks for is left out

    @classmethod
    def read(cls, model: Model, contract: Contract) -> Graph:
        """Read a model's graph, with weights that lie beside it.

        Raises:
            ModelError: newer than onnxruntime 1.17 loads, or with weights outside its folder.
        """
        path = model.path(contract.weights)
        for name in external_files(path):
            inside(path.parent, name)
        try:
            read = onnx.load(path)
        except Exception as error:  # protobuf's and onnx's readers share no class of error
            raise ModelError(
                f"{path}: expected an ONNX file with its weights, got a truncated or foreign one: "
                f"fetch it again"
            ) from error
        _check_opset(path, read)
        return cls(read, contract)

    @property
    def fixed(self) -> int | None:
        """The batch size it is fixed to, or None."""
        return self._input.type.tensor_type.shape.dim[0].dim_value or None

    def node(self, kind: str, *inputs: str | NDArray[Any], **attributes: Any) -> str:
        """Add one operation; an array among its inputs becomes a constant."""
        names = [one if isinstance(one, str) else self._constant(one) for one in inputs]
        name = f"tagger/{len(self._front) + len(self._back)}"
        self._nodes.append(onnx.helper.make_node(kind, names, [name], name, **attributes))
        return name

    def feed(self, target: Preprocess, name: str = "input") -> None:
        """Let it take what `target` makes of a fitted picture, in place of its own."""
        own = self.contract.preprocess
        self._nodes, tensor = self._front, name
        factor, offset = _affine(target, own)
        if not (np.all(factor == 1) and np.all(offset == 0)):
            shape = (3, 1, 1) if target.layout == "nchw" else (3,)
            tensor = self.node("Mul", tensor, factor.astype(np.float32).reshape(shape))
            tensor = self.node("Add", tensor, offset.astype(np.float32).reshape(shape))
        if target.channels != own.channels:
            axis = 1 if target.layout == "nchw" else 3
            tensor = self.node("Gather", tensor, np.array([2, 1, 0]), axis=axis)
        if target.layout != own.layout:
            order = [0, 3, 1, 2] if own.layout == "nchw" else [0, 2, 3, 1]
            tensor = self.node("Transpose", tensor, perm=order)
        kind = self._input.type.tensor_type.elem_type  # some are float16 throughout
        into = onnx.helper.make_node("Cast", [tensor], [self._input.name], "tagger/fed", to=kind)
        self._front.append(into)
        width, height = target.size
        shape = [height, width, 3] if target.layout == "nhwc" else [3, height, width]
        self._nodes = self._back
        self._fed = _value(name, [self.fixed or "N", *shape])

    def probabilities(self) -> str:
        """Its scores, [N, labels], from 0 to 1."""
        named = [one.name for one in self.proto.graph.output]
        asked = self.contract.output
        output = named[asked] if isinstance(asked, int) else f"model/{asked}"
        output = self.node("Cast", output, to=onnx.TensorProto.FLOAT)
        return self.node("Sigmoid", output) if self.contract.activation == "sigmoid" else output

    def arrange(self, scores: str, places: NDArray[np.intp], known: NDArray[np.float32]) -> str:
        """Columns by their place in `scores`; a number in `known` stands instead where it is."""
        constant = ~np.isnan(known)
        if self.slim:
            asked = np.unique(places[~constant])
            scores = self._slimmer().columns(scores, asked)
            places = np.searchsorted(asked, np.where(constant, asked[0], places))
        if not constant.any():
            return self.node("Gather", scores, places.astype(np.int64), axis=1)
        picked = self.node("Gather", scores, np.where(constant, 0, places).astype(np.int64), axis=1)
        return self.node("Where", ~constant, picked, np.where(constant, known, 0)[None])

    def bake(self, scores: str, limits: NDArray[np.float32]) -> str:
        """As `baking.bake`; a column whose limit is NaN stays as it is."""
        one = np.array([1], np.float32)
        asked = np.where(np.isnan(limits), np.float32(GLOBAL), limits)
        odds = self.node("Mul", scores, odds_ratios(asked))
        against = self.node("Div", self.node("Sub", one, scores), odds)
        shifted = self.node("Div", one, self.node("Add", one, against))
        low = self.node("Min", shifted, np.array([GLOBAL - MARGIN], np.float32))
        high = self.node("Max", shifted, np.array([GLOBAL + MARGIN], np.float32))
        parted = self.node("Where", self.node("Less", scores, asked), low, high)
        return self.node("Where", np.isnan(limits), scores, parted)

    def first(self, scores: str, count: int) -> str:
        """The first columns."""
        return self.node("Gather", scores, np.arange(count), axis=1)

    def logits(self, scores: str) -> str:
        """What a sigmoid makes these probabilities of, up to +-16."""
        bounded = self.node("Max", scores, np.array([_SURE], np.float32))
        bounded = self.node("Min", bounded, np.array([1 - _SURE], np.float32))
        against = self.node("Sub", np.array([1], np.float32), bounded)
        return self.node("Log", self.node("Div", bounded, against))

    def save(self, path: Path, outputs: Mapping[str, tuple[str, int]]) -> None:
        """Write one file with these outputs: name -> tensor and its columns.

        Raises:
            ModelError: it is too large for one file.
        """
        graph = self.proto.graph
        for name, (tensor, _) in outputs.items():
            self._back.append(onnx.helper.make_node("Identity", [tensor], [name], f"to {name}"))
        nodes = [*self._front, *graph.node, *self._back]
        if self.slim:
            nodes, asked = prune(nodes, [*outputs])
            _replace(graph.initializer, [one for one in graph.initializer if one.name in asked])
            del graph.value_info[:]
        _replace(graph.node, nodes)
        _replace(graph.input, [self._fed])
        _replace(graph.output, [_value(n, [self.fixed or "N", c]) for n, (_, c) in outputs.items()])
        self.proto.ir_version = IR_VERSION
        if self.proto.ByteSize() >= 2 << 30:
            raise ModelError(f"{path}: expected under 2 GB for one file, got more")
        onnx.save(self.proto, path)
        onnx.checker.check_model(str(path))

    def _slimmer(self) -> Slimmer:
        """Of the graph with what was put behind it so far."""
        whole = onnx.ModelProto()
        whole.CopyFrom(self.proto)
        whole.graph.node.extend(self._back)
        return Slimmer(whole, self.node)

    def _constant(self, values: NDArray[Any]) -> str:
        name = f"tagger/constant {len(self.proto.graph.initializer)}"
        self.proto.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
        return name


def _affine(target: Preprocess, own: Preprocess) -> tuple[NDArray[Any], NDArray[Any]]:
    """x_own = x_target * factor + offset, float64[3] in the target's order of colours."""
    turned = slice(None, None, 1 if target.channels == own.channels else -1)
    mean, std = np.array(own.mean)[turned], np.array(own.std)[turned]
    scale = own.scale / target.scale
    factor = scale * np.array(target.std) / std
    return factor, (scale * np.array(target.mean) - mean) / std


def fed_alike(one: Preprocess, other: Preprocess) -> bool:
    """Whether two differ only in what a graph can do: numbers, order of axes and colours."""
    numbers = ("layout", "channels", "scale", "mean", "std")
    return one == dataclasses.replace(other, **{name: getattr(one, name) for name in numbers})


def _check_opset(path: Path, model: Any) -> None:
    versions = [one.version for one in model.opset_import if one.domain in ("", "ai.onnx")]
    if not all(_OLDEST_OPSET <= version <= NEWEST_OPSET for version in versions):
        raise ModelError(
            f"{path}: expected opset {_OLDEST_OPSET} to {NEWEST_OPSET}, got {versions[0]}: tools "
            f"with onnxruntime 1.17 would not load it"
        )


def _value(name: str, shape: list[int | str]) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _replace(field: Any, values: list[Any]) -> None:
    del field[:]
    field.extend(values)
