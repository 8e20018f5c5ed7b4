"""An ONNX graph's inputs, outputs and files of weights, read without a library; its batch freed.

An ONNX file is a protobuf `ModelProto` (onnx/onnx.proto, IR version 3 on). Only the fields below
are visited, everything else is stepped over, and no length is trusted: it must end inside the
message that contains it. Whether the graph can run is for a backend to find out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..errors import ModelError
from .contract import Dim

Shape = tuple[Dim, ...]

# Field numbers of onnx.proto, as path from the outer message to the inner.
_GRAPH = 7  # ModelProto.graph
_INITIALIZER, _INPUT, _OUTPUT, _BETWEEN = 5, 11, 12, 13  # GraphProto; the last is value_info
_UNREAD = 9 << 3  # the key of a field that neither GraphProto nor Dimension has
_TENSOR_NAME = 8  # TensorProto.name
_VALUE_NAME, _VALUE_TYPE = 1, 2  # ValueInfoProto
_TENSOR_TYPE, _SHAPE, _DIM = 1, 2, 1  # TypeProto, TypeProto.Tensor, TensorShapeProto
_DIM_VALUE, _DIM_PARAM = 1, 2  # TensorShapeProto.Dimension

# Where tensors lie: message -> field number -> the message in it.
_TENSORS = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}
_KEY, _TEXT = 1, 2  # StringStringEntryProto, of which TensorProto.external_data is made
_SMALL = 1 << 16  # bytes
_DEEPEST = 64  # messages inside messages: three for a graph in a graph

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LENGTHS = {_VARINT: 0, _FIXED64: 8, _FIXED32: 4}
_LONGEST_NUMBER = 10  # bytes
_LONGEST_NAME = 4096


class _BrokenError(ValueError):
    """The bytes are no such message."""


@dataclass(frozen=True)
class Header:
    """Name -> shape, in the graph's order; a dimension left open is a name or None."""

    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]


class _Field(NamedTuple):
    """A message's field: where its `key` stands, its number, its value or bytes start to stop."""

    key: int
    number: int
    value: int
    start: int
    stop: int


def read_header(path: Path) -> Header:
    """Read the inputs and outputs of an ONNX file; weights are stepped over.

    Raises:
        ModelError: no such file, not ONNX, or cut short.
    """
    with _opened(path) as file:
        return _header(file, path.stat().st_size)


def external_files(path: Path) -> tuple[str, ...]:
    """The files in which an ONNX file keeps its weights, as it names them: not to be trusted.

    Raises:
        ModelError: no such file, not ONNX, or cut short.
    """
    with _opened(path) as file:
        whole = _Field(0, 0, 0, 0, path.stat().st_size)
        return tuple(dict.fromkeys(_locations(file, whole, "model", 0)))


def freed(path: Path) -> bytearray | None:
    """The bytes of an ONNX file with the batch of 1 of its inputs and outputs left open.

    No byte moves: the fields that say so get a number that protobuf steps over, and so do the
    shapes in between, which a reader finds for itself. None where there is no such batch.

    Raises:
        ModelError: no such file, not ONNX, or cut short.
    """
    with _opened(path) as file:
        batches, between = _batches(file, path.stat().st_size)
        if not batches:
            return None
        file.seek(0)
        content = bytearray(file.read())
    for place in (*batches, *between):
        content[place] = _UNREAD | content[place] & 7
    return content


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise ModelError(f"{path}: expected an ONNX file, got {error.strerror}") from error
    except _BrokenError as error:
        raise ModelError(
            f"{path}: expected a whole ONNX file, got {error}: copy or download it again"
        ) from None


def _locations(file: BinaryIO, message: _Field, kind: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise _BrokenError("graphs nested without end")
    for field in _fields(file, message.start, message.stop):
        inner = _TENSORS[kind].get(field.number)
        if inner == "external":
            if _name(file, field, _KEY) == "location":
                yield _name(file, field, _TEXT)
        elif inner and not (inner == "node" and _lacks_location(file, field)):
            yield from _locations(file, field, inner, depth + 1)


def _lacks_location(file: BinaryIO, node: _Field) -> bool:
    """Whether a node's bytes spare the walk through them; there are thousands of small nodes."""
    file.seek(node.start)
    size = node.stop - node.start
    return size <= _SMALL and b"location" not in file.read(size)


def _header(file: BinaryIO, size: int) -> Header:
    inputs: dict[str, Shape] = {}
    outputs: dict[str, Shape] = {}
    weights: list[_Field] = []
    for graph in _fields(file, 0, size):
        if graph.number != _GRAPH:
            continue
        for field in _fields(file, graph.start, graph.stop):
            if field.number == _INITIALIZER:
                weights.append(field)
            elif field.number in (_INPUT, _OUTPUT):
                name, shape = _value(file, field)
                (inputs if field.number == _INPUT else outputs)[name] = shape
    if not outputs:
        raise _BrokenError("no graph in it")
    if len(inputs) > 1:  # before IR version 4 the weights are listed as inputs too
        for weight in weights:
            inputs.pop(_name(file, weight, _TENSOR_NAME), None)
    return Header(inputs, outputs)


def _batches(file: BinaryIO, size: int) -> tuple[list[int], list[int]]:
    """Where the keys of batches of 1 stand, and those of the shapes between in and out."""
    batches: list[int] = []
    between: list[int] = []
    real = _header(file, size)
    for graph in _fields(file, 0, size):
        if graph.number != _GRAPH:
            continue
        for field in _fields(file, graph.start, graph.stop):
            if field.number == _BETWEEN:
                between.append(field.key)
            elif field.number in (_INPUT, _OUTPUT):
                name, shape = _value(file, field)
                if shape[:1] == (1,) and (name in real.inputs or name in real.outputs):
                    first = next(_dims(file, field))
                    batches += [one.key for one in _inside(file, first, _DIM_VALUE)]
    return batches, between


def _value(file: BinaryIO, message: _Field) -> tuple[str, Shape]:
    shape = tuple(_dim(file, dim) for dim in _dims(file, message))
    return _name(file, message, _VALUE_NAME), shape


def _dims(file: BinaryIO, message: _Field) -> Iterator[_Field]:
    for kind in _inside(file, message, _VALUE_TYPE):
        for tensor in _inside(file, kind, _TENSOR_TYPE):
            for dims in _inside(file, tensor, _SHAPE):
                yield from _inside(file, dims, _DIM)


def _dim(file: BinaryIO, message: _Field) -> Dim:
    for field in _fields(file, message.start, message.stop):
        if field.number == _DIM_VALUE:
            # an int64; below zero is one more way to leave it open
            return field.value if field.value < 1 << 63 else None
        if field.number == _DIM_PARAM:
            return _text(file, field)
    return None


def _name(file: BinaryIO, message: _Field, number: int) -> str:
    return next((_text(file, field) for field in _inside(file, message, number)), "")


def _text(file: BinaryIO, field: _Field) -> str:
    if field.stop - field.start > _LONGEST_NAME:
        raise _BrokenError("a name of absurd length")
    file.seek(field.start)
    return file.read(field.stop - field.start).decode("utf-8", "replace")


def _inside(file: BinaryIO, message: _Field, number: int) -> Iterator[_Field]:
    return (f for f in _fields(file, message.start, message.stop) if f.number == number)


def _fields(file: BinaryIO, position: int, end: int) -> Iterator[_Field]:
    while position < end:
        at = position
        file.seek(at)
        head = file.read(2 * _LONGEST_NUMBER)
        key, used = _varint(head, 0)
        number, wire = key >> 3, key & 7
        value, used = _varint(head, used) if wire in (_VARINT, _BYTES) else (0, used)
        start = at + used
        length = value if wire == _BYTES else _LENGTHS.get(wire)
        if length is None or number == 0:
            raise _BrokenError("other bytes")
        position = start + length
        if position > end:
            raise _BrokenError(f"{position - end:,} bytes too few")
        yield _Field(at, number, value, start, position)


def _varint(head: bytes, at: int) -> tuple[int, int]:
    """The number that begins at a byte, and where it ends."""
    value = 0
    for shift, byte in enumerate(head[at : at + _LONGEST_NUMBER]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, at + shift + 1
    if len(head) < at + _LONGEST_NUMBER:
        raise _BrokenError("an end in the middle of a number")
    raise _BrokenError("other bytes")
