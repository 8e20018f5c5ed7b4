"""How a weights file is fed and read, and whether its tensors agree with that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from ..preprocess import WD, Preprocess

Runtime = Literal["onnx", "timm", "torch"]
Activation = Literal["none", "sigmoid", "softmax", "gated"]
Dim = int | str | None  # a name or None where the graph leaves it open


@dataclass(frozen=True)
class Contract:
    """How one weights file is fed and read: pixels in, probabilities out.

    Attributes:
        runtime: who runs it: "onnx" (ONNX Runtime), "timm" (torch, with `config.json`) or
            "torch" (torch, with the network that `architecture` names).
        weights: the file, inside the model's folder.
        preprocess: picture -> tensor.
        input: the input's name; None is the graph's only input.
        mask: the name of an ONNX graph's second input, bool [N, H, W], true where the picture is
            padded; its preprocessing has `alpha="mask"`.
        output: the output's name or position.
        activation: what turns the output into probabilities: "none" (they are), "sigmoid",
            "softmax" (within each category of `softmax`, a sigmoid elsewhere), or "gated"
            (2n columns, sigmoid of the first half times sigmoid of the second).
        softmax: names of the categories whose labels exclude each other.
        batch: the batch size the graph is fixed to; None where it is free.
        pool: what the picture is averaged down by before the network, for "timm": a network of
            112 pixels behind a picture of 448 has 4. An ONNX graph pools inside itself.
        architecture: one of our own networks, for "torch": "joytag", "torchdeepdanbooru", "jtp",
            "hydra" or "dinov3". Its weights tell its shape, and for "joytag" its `config.json`.
    """

    runtime: Runtime = "onnx"
    weights: str = "model.onnx"
    preprocess: Preprocess = WD
    input: str | None = None
    mask: str | None = None
    output: str | int = 0
    activation: Activation = "none"
    softmax: tuple[str, ...] = ()
    batch: int | None = None
    pool: int = 1
    architecture: str = ""

    @property
    def config(self) -> str | None:
        """The description of the architecture, inside the model's folder."""
        told = self.runtime == "timm" or self.architecture == "joytag"
        return "config.json" if told else None

    @property
    def files(self) -> tuple[str, ...]:
        """The files this way of running needs, besides the labels."""
        return (self.weights,) if self.config is None else (self.weights, self.config)


def digest(preprocess: Preprocess) -> str:
    """A short name for a way to prepare pixels: equal for equal values, in any process."""
    text = json.dumps(asdict(preprocess), sort_keys=True, default=list)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def check_contract(
    contract: Contract,
    input_shape: Sequence[Dim],
    output_shape: Sequence[Dim],
    labels: int,
    where: str = "the model",
) -> None:
    """Refuse a graph whose tensors contradict what is said of it.

    Shapes include the batch. A dimension that the graph leaves open contradicts nothing.

    Raises:
        ModelError: layout, size, batch or label count differ; the sentence begins with `where`.
    """
    if contract.preprocess.fit != "patches":
        _check_input(contract, tuple(input_shape), where)
    batch = input_shape[0] if input_shape else None
    if isinstance(batch, int) and batch > 0 and contract.batch not in (None, batch):
        raise ModelError(
            f"{where}: expected a graph for batches of {contract.batch}, got one for {batch}: "
            f'correct "batch" in its tagger.json'
        )
    _check_output(contract, tuple(output_shape), labels, where)


def check_probabilities(values: npt.NDArray[np.floating], where: str = "the model") -> None:
    """Refuse outputs (any shape) outside 0..1, as a probe of `activation: none` shows them.

    Raises:
        ModelError: a value is outside 0..1 or not a number.
    """
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    # half precision may round a sigmoid a hair past its ends
    if low >= -1e-3 and high <= 1 + 1e-3:
        return
    raise ModelError(
        f"{where}: expected probabilities from 0 to 1, got {low:.3g} to {high:.3g}: these are "
        f'logits, so say "activation": "sigmoid" in its tagger.json'
    )


def _check_input(contract: Contract, shape: tuple[Dim, ...], where: str) -> None:
    wanted = input_shape(contract.preprocess)
    if len(shape) == 4 and all(_agree(a, b) for a, b in zip(shape[1:], wanted[1:], strict=True)):
        return
    raise ModelError(
        f"{where}: expected an input of {_spell(wanted)} ({contract.preprocess.layout.upper()}), "
        f"got {_spell(shape)}: describe this model's input in a tagger.json"
    )


def _check_output(contract: Contract, shape: tuple[Dim, ...], labels: int, where: str) -> None:
    columns = shape[-1] if len(shape) >= 2 else None
    wanted = labels * 2 if contract.activation == "gated" else labels
    if len(shape) in (0, 2) and _agree(columns, wanted):
        return
    raise ModelError(
        f"{where}: expected an output of {_spell((None, wanted))} for {labels} labels, got "
        f"{_spell(shape)}: the label file or the output named belongs to another model"
    )


def input_shape(preprocess: Preprocess) -> tuple[int | None, ...]:
    """The tensor that a preprocessing makes: [N, H, W, 3] or [N, 3, H, W], N open."""
    width, height = preprocess.size
    if preprocess.layout == "nhwc":
        return (None, height, width, 3)
    return (None, 3, height, width)


def _agree(found: Dim, wanted: Dim) -> bool:
    return not isinstance(found, int) or found <= 0 or found == wanted


def _spell(shape: Sequence[Dim]) -> str:
    open_ = "N"
    return "[" + ", ".join(str(d) if isinstance(d, int) and d > 0 else open_ for d in shape) + "]"
