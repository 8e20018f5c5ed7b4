"""Whether an exported folder says what its source says, by running both on random pictures."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..backends import open_backend
from ..errors import ModelError
from ..models.local import examine
from ..models.spec import Contract, Model
from ..settings import Runtime
from .baking import bake
from .rows import constant_rows
from .source import Export

TOLERANCE = 1e-4
"""Of a probability: what float32 leaves room for between two libraries."""
PICTURES = 4


def compare(export: Export, folder: Path) -> dict[str, float | None]:
    """The largest difference of a probability for each way to run the folder.

    None for a way whose library is not installed.

    Raises:
        ModelError: the folder can't be loaded.
    """
    pictures = _pictures()
    source = replace(export.model, contracts=(export.contract,))
    own = run(source, pictures)
    wanted = _as_exported(export, own)
    found: dict[str, float | None] = {}
    for name, model in _ways(export, folder):
        if model.contract.runtime != "onnx" and not _torch_is_here():
            found[name] = None
            continue
        scores = run(model, pictures)
        # safetensors and imgutils' graph keep the source's order of labels
        meant = own if export.to == "timm" else wanted
        found[name] = float(np.abs(scores - meant[:, : scores.shape[1]]).max())
    return found


def run(model: Model, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities of fitted pictures, one at a time: some graphs take no more."""
    backend = open_backend(model, Runtime(device="cpu", precision="fp32"))
    try:
        return np.concatenate([backend.run(pictures[at : at + 1]) for at in range(len(pictures))])
    finally:
        backend.close()


def _ways(export: Export, folder: Path) -> Iterator[tuple[str, Model]]:
    """Every file that can be run, and WD's graph as its other readers take it."""
    found = examine(folder)
    if found.reason:
        raise ModelError(found.reason)
    for contract in found.contracts:
        yield contract.weights, Model(folder.name, found.spec, folder, (contract,))
    if export.to in ("wd", "universal"):
        contract = Contract("onnx", "model.onnx", batch=export.contract.batch)
        plain = replace(found.spec, labels="selected_tags.csv", contracts=(contract,))
        yield "selected_tags.csv", Model(folder.name, plain, folder, (contract,))


def _as_exported(export: Export, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    known = constant_rows(export.rows)
    rows = np.where(np.isnan(known), scores[:, export.rows.vocabulary], known).astype(np.float32)
    if not export.bake:
        return rows
    baked = bake(rows, np.nan_to_num(export.limits, nan=0.5))
    return np.where(np.isnan(export.limits), rows, baked)


def _pictures() -> NDArray[np.uint8]:
    """Noise, coarse noise, a slope and white, uint8 [N, 448, 448, 3]: noise alone averages out."""
    chance = np.random.default_rng(0)
    pixels = chance.integers(0, 256, (PICTURES, 448, 448, 3), np.uint8)
    pixels[1] = pixels[1, ::32, ::32].repeat(32, 0).repeat(32, 1)
    pixels[2] = np.linspace(0, 255, 448).astype(np.uint8)[:, None, None]
    pixels[3] = 255
    return pixels


def _torch_is_here() -> bool:
    return all(importlib.util.find_spec(name) for name in ("torch", "timm", "safetensors"))
