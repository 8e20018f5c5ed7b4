"""A timm network becomes an ONNX graph: planes as its contract feeds them -> its outputs."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from ..backends.pytorch import build
from ..errors import ModelError
from ..models.spec import Contract, Model
from .graph import OPSET

BATCHES = (1, 3)
TOLERANCE = 1e-3
"""Of a logit, which may be large; a batch that was frozen into the graph is off by whole units."""


class _Pooled(nn.Module):
    """A network behind the mean of blocks that it was trained on."""

    def __init__(self, network: nn.Module, pool: int) -> None:
        super().__init__()
        self.network, self.pool = network, pool

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        pooled = nn.functional.avg_pool2d(planes, self.pool) if self.pool > 1 else planes
        return self.network(pooled)


def trace(model: Model, contract: Contract) -> Any:
    """The graph, an onnx.ModelProto: `planes` float32 [N, 3, H, W] -> `outputs` [N, labels].

    Raises:
        ModelError: the folder's files contradict each other, or the architecture does not survive.
    """
    network = _Pooled(build(model, contract), contract.pool).float().eval()
    width, height = contract.preprocess.size
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "model.onnx")
        try:
            _write(network, (height, width), path)
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            raise ModelError(_lost(model, str(error).strip().partition("\n")[0])) from error
        _hold(model, network, path, (height, width))
        return onnx.load(path)


def _write(network: nn.Module, sides: tuple[int, int], path: Path) -> None:
    with warnings.catch_warnings():
        # the exporter of TorchScript is the one that writes opset 17 directly
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, *sides),),
            str(path),
            opset_version=OPSET,
            dynamo=False,
            input_names=["planes"],
            output_names=["outputs"],
            dynamic_axes={"planes": {0: "N"}, "outputs": {0: "N"}},
        )


def _hold(model: Model, network: nn.Module, path: Path, sides: tuple[int, int]) -> None:
    """Hold the graph against its network, at several batches."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    chance = np.random.default_rng(0)
    for batch in BATCHES:
        planes = chance.uniform(-1, 1, (batch, 3, *sides)).astype(np.float32)
        with torch.inference_mode():
            wanted = network(torch.from_numpy(planes)).numpy()
        try:
            (found,) = session.run(None, {"planes": planes})
        except Exception as error:  # onnxruntime's share no class
            raise ModelError(_lost(model, f"a graph that refuses {batch} pictures")) from error
        difference = float(np.abs(wanted - np.asarray(found)).max())
        if not difference <= TOLERANCE:
            raise ModelError(_lost(model, f"a difference of {difference:.2g}"))


def _lost(model: Model, got: str) -> str:
    return (
        f"{model.name}: expected a graph of its safetensors that says what torch says, got {got}: "
        f"this architecture does not survive the export"
    )
