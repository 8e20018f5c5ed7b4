"""The universal model folder: one that Tagger and WD-compatible tools load unchanged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import nn

from ..errors import UsageError
from ..labels import LabelSet, write_selected_tags
from ..models.manifest import write_manifest
from ..models.spec import Contract, ModelSpec
from ..preprocess import WD, Preprocess
from ..relationfiles import NAME as RELATIONS
from ..relationfiles import among, write_relations
from ..relations import EMPTY, Relations
from ..thresholds import Thresholds
from .card import Card, write_card
from .check import check_parity
from .graph import ALL, INPUT, WdContract, Weights, write_onnx
from .heads import DESCRIPTION
from .jsonfile import write_json
from .rows import EVERY, Rows, write_every

TIMM = Preprocess(
    channels="bgr", layout="nchw", scale=1 / 255, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)
)
"""What WD's safetensors are fed."""


OWN_TENSORS, OWN_DESCRIPTION = "network.safetensors", DESCRIPTION
"""Where a network that is more than timm's keeps its tensors, and what it is."""


@dataclass(frozen=True, eq=False)
class Finished:
    """A trained network and all that its folder says of it.

    network: BGR in -1..1 of 448 / pool pixels -> log-odds of `rows`. architecture, arguments: how
    timm builds it. plain: the same as timm's network of that architecture, where there is one;
    exclusive: the categories over which its logits are a softmax. own: else the tensors and the
    description of a network of ours, which `tagger train --from` reads. extras: what the graph
    gives beside probabilities, by the network's names. relations: of the labels, as far as they
    are known.
    """

    network: nn.Module
    architecture: str
    arguments: Mapping[str, Any]
    rows: Rows
    thresholds: Thresholds
    card: Card
    pool: int = 1
    weights: Weights = "fp32"
    relations: Relations = EMPTY
    plain: nn.Module | None = None
    exclusive: tuple[str, ...] = ()
    own: Mapping[str, Any] | None = None
    extras: tuple[str, ...] = ()

    @property
    def timm(self) -> nn.Module | None:
        """The network as timm has it; without a description of its own it is that itself."""
        return self.network if self.own is None else self.plain


def write_universal(model: Finished, folder: Path) -> Path:
    """Write the folder, whole or not at all, and check that its graph says what its network says.

    With weights "fp16" the network must have gone through `round_weights`.

    Raises UsageError if something is there already, ModelError if the graph differs.
    """
    if folder.exists():
        raise UsageError(f"{folder}: expected a new folder, got one that exists: move it away")
    beside = folder.with_name(f".{folder.name}-{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        _write(model, beside)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def _write(model: Finished, folder: Path) -> None:
    network = model.network.eval().cpu()
    contract = WdContract(network, model.pool, model.rows.wd, model.extras)
    write_onnx(contract, folder / "model.onnx", weights=model.weights)
    check_parity(folder / "model.onnx", contract)
    if model.timm is not None:
        _write_tensors(model.timm, folder / "model.safetensors")
        write_json(folder / "config.json", timm_config(model, model.timm))
    else:
        _write_tensors(network, folder / OWN_TENSORS)
        write_json(folder / OWN_DESCRIPTION, dict(model.own or {}))
    labels = model.rows.labels
    write_selected_tags(LabelSet(labels.labels[: model.rows.wd]), folder / "selected_tags.csv")
    write_every(labels, folder)
    side = WD.size[0] // model.pool
    shown = f"{model.architecture} of timm's, seeing {side} x {side} pixels, {_size(network)}."
    related = model.relations is not EMPTY
    card = write_card(model.card, labels, shown, model.extras, model.timm is not None, related)
    (folder / "README.md").write_text(card, encoding="utf-8", newline="\n")
    if related:
        write_relations(folder / RELATIONS, among(model.relations, labels.names))
    write_manifest(folder / "tagger.json", describe_model(model))


def _write_tensors(network: nn.Module, path: Path) -> None:
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})


def describe_model(model: Finished) -> ModelSpec:
    """What `tagger.json` says: the ways to run it, over every label."""
    ways = [Contract("onnx", "model.onnx", WD, input=INPUT, output=ALL, activation="none")]
    if model.timm is not None:
        ways.append(
            Contract(
                "timm",
                "model.safetensors",
                TIMM,
                activation="softmax" if model.exclusive else "sigmoid",
                softmax=model.exclusive,
                pool=model.pool,
            )
        )
    return ModelSpec(
        name=model.card.name,
        title=model.card.title,
        family=model.architecture,
        licence=model.card.licence,
        contracts=tuple(ways),
        labels=EVERY,
        categories=model.rows.labels.numbering,
        tags=len(model.rows.labels),
        thresholds=model.thresholds,
        precision=model.weights,
    )


def timm_config(model: Finished, network: Any) -> dict[str, Any]:
    """timm's config.json; input_size is what the network sees, 448 / pool.

    timm's own transform resizes to that at once. Behind a pool the network has seen means of
    blocks, which `box` gives and `bicubic` does not.
    """
    side = WD.size[0] // model.pool
    classes = len(model.rows.labels)
    return {
        "architecture": model.architecture,
        "num_classes": classes,
        "num_features": int(network.num_features),
        "global_pool": _pooling(network),
        "model_args": dict(model.arguments),
        "pretrained_cfg": {
            "custom_load": False,
            "input_size": [3, side, side],
            "fixed_input_size": False,
            "interpolation": "bicubic" if model.pool == 1 else "box",
            "crop_pct": 1.0,
            "crop_mode": "center",
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "num_classes": classes,
            "pool_size": None,
            "first_conv": None,
            "classifier": None,
        },
    }


def _pooling(network: Any) -> str:
    """timm's name of how an architecture pools: a transformer has it as text, others as a layer."""
    own = getattr(network, "global_pool", None)
    return own if isinstance(own, str) and own else str(getattr(own, "pool_type", "") or "avg")


def _size(network: nn.Module) -> str:
    return f"{sum(weight.numel() for weight in network.parameters()) / 1e6:.2f} million weights"
