"""A network becomes one ONNX file under the WD contract.

Input `input`: float32 [N, 448, 448, 3], BGR, 0..255. Output 0, `output`: probabilities of WD's
rows, float32 [N, rows]. Output 1, `all`: those of every label. Pooling, normalisation and what
makes probabilities are inside. What a network gives beside them follows by name, where it is asked
for: `rating_scalar` [N], the rating from 0 to 1; `embedding` and `embedding_HEAD` [N, d].
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import torch
from torch import nn

OPSET = 17
IR_VERSION = 8
"""What onnxruntime 1.17 loads with room to spare (it takes up to IR 9, opset 20)."""
INPUT, OUTPUT, ALL = "input", "output", "all"
Weights = Literal["fp32", "fp16"]


class WdContract(nn.Module):
    """A network of BGR pixels in -1..1 and logits, fed and read as WD's graphs are."""

    def __init__(
        self, network: nn.Module, pool: int, rows: int, extras: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.network = network
        self.pool = pool
        self.rows = rows
        self.extras = tuple(extras)

    @property
    def outputs(self) -> list[str]:
        """The graph's outputs by name, in order."""
        return [OUTPUT, ALL, *self.extras]

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """[N, 448, 448, 3] BGR 0..255 -> probabilities of the first rows, of all, and extras."""
        planes = pixels.permute(0, 3, 1, 2)
        if self.pool > 1:
            planes = nn.functional.avg_pool2d(planes, self.pool)
        images = planes * (2 / 255) - 1
        if not self.extras:
            scores = self.network(images).sigmoid()
            return scores[:, : self.rows], scores
        own: Any = self.network
        found = own.outputs(own.features(images))
        scores = found.logits.sigmoid()
        return scores[:, : self.rows], scores, *(found.extras[name] for name in self.extras)


def round_weights(network: nn.Module) -> None:
    """Round the weights, in place, to what float16 holds; vectors stay exact.

    Done before anything is written, so that safetensors and ONNX agree. Biases and the statistics
    of normalisation are small and reach further than float16: they stay float32.
    """
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1:
                weight.copy_(weight.half().float())


def write_onnx(
    contract: WdContract, path: Path, size: int = 448, weights: Weights = "fp32"
) -> None:
    """Write the graph as one file; with "fp16", weights are stored so and computed with in float32.

    Batch normalisation stays a node of its own: folded into the weights here, they would be
    other numbers than the network's, and runtimes fold it when they load.
    """
    contract.eval()
    with warnings.catch_warnings(), _positions_at(contract.network, size // contract.pool):
        # the exporter of TorchScript is the one that writes opset 17 directly
        warnings.simplefilter("ignore", DeprecationWarning)
        # a constant that a head makes is one of the graph's too, as it should be
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.onnx.export(
            contract,
            (torch.zeros(2, size, size, 3),),
            str(path),
            opset_version=OPSET,
            dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            input_names=[INPUT],
            output_names=contract.outputs,
            dynamic_axes={name: {0: "N"} for name in (INPUT, *contract.outputs)},
        )
    model = onnx.load(path)
    model.ir_version = min(model.ir_version, IR_VERSION)
    if weights == "fp16":
        store_as_fp16(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


@contextmanager
def _positions_at(network: nn.Module, side: int) -> Iterator[None]:
    """Within the block a NaFlex network's positions are those of pictures of `side` pixels.

    timm's resizes its grid of them whenever it sees a picture, by an antialiased bicubic that ONNX
    has from opset 18 on; resized once they are the same numbers.
    """
    kept: list[tuple[Any, nn.Parameter]] = []
    for module in network.modules():
        own: Any = module
        grid = getattr(own, "pos_embed_grid_size", None)
        if grid and getattr(own, "pos_embed", None) is not None:
            kept.append((own, own.pos_embed))
            own.pos_embed = nn.Parameter(_resized(own, [side // one for one in own.patch_size]))
    try:
        yield
    finally:
        for own, positions in kept:
            own.pos_embed = positions


@torch.no_grad()
def _resized(own: Any, grid: list[int]) -> torch.Tensor:
    """The positions [1, h, w, d] that are added to a picture of such a grid of patches."""
    none = torch.zeros(1, grid[0] * grid[1], own.pos_embed.shape[-1]).to(own.pos_embed)
    own._apply_learned_pos_embed(none, grid_size=grid)  # adds them in place
    return none.unflatten(1, tuple(grid))


def store_as_fp16(model: Any) -> None:
    """Store a graph's float32 matrices as float16, each behind a Cast to float32, in place.

    Loses nothing where the weights were rounded by `round_weights`; runtimes do the casts once,
    when they load.
    """
    casts: list[Any] = []
    for weight in model.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or len(weight.dims) < 2:
            continue
        values = onnx.numpy_helper.to_array(weight).astype(np.float16)
        name = weight.name
        weight.CopyFrom(onnx.numpy_helper.from_array(values, f"{name}.fp16"))
        casts.append(
            onnx.helper.make_node(
                "Cast", [weight.name], [name], f"{name}.cast", to=onnx.TensorProto.FLOAT
            )
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
