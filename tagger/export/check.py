"""Whether a graph says what its network says, by running both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from ..errors import ModelError
from .graph import WdContract

BATCHES = (1, 3, 16)
TOLERANCE = 1e-5
"""Of a probability, in float32 on both sides; of an embedding, by its largest number."""


def check_parity(
    path: Path, contract: WdContract, batches: Sequence[int] = BATCHES, tolerance: float = TOLERANCE
) -> float:
    """The largest difference between an ONNX file and its network over random pictures.

    Raises ModelError where it is over the tolerance, shapes differ or values are no numbers.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    _, height, width, _ = source.shape
    chance = np.random.default_rng(0)
    worst = 0.0
    contract.eval()
    for batch in batches:
        pixels = chance.uniform(0, 255, (batch, height, width, 3)).astype(np.float32)
        # smooth and plain pictures too: noise alone averages out in a pool
        pixels[0] = np.linspace(0, 255, width * 3, dtype=np.float32).reshape(width, 3)
        with torch.inference_mode():
            wanted = [output.numpy() for output in contract(torch.from_numpy(pixels))]
        found = session.run(None, {source.name: pixels})
        for one, other in zip(wanted, map(np.asarray, found), strict=True):
            _check_shape(path, one, other)
            scale = max(1.0, float(np.abs(one).max(initial=0)))
            worst = max(worst, float(np.abs(one - other).max()) / scale)
    if not worst <= tolerance:
        raise ModelError(
            f"{path}: expected the network's probabilities within {tolerance:g}, got a difference "
            f"of {worst:g}: this architecture does not survive the export"
        )
    return worst


def _check_shape(path: Path, wanted: np.ndarray, found: np.ndarray) -> None:
    if wanted.shape != found.shape or not np.isfinite(found).all():
        raise ModelError(
            f"{path}: expected numbers of shape {wanted.shape}, got shape {found.shape}: this "
            f"architecture does not survive the export"
        )
