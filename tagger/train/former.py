"""What a training begins with: a tagger's folder, a run, a file of weights, or timm's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..backends.weights import read_config, read_weights
from ..errors import ModelError, OptionError
from ..export.folders import OWN_DESCRIPTION, OWN_TENSORS
from ..labels import LabelSet
from ..models.registry import default_registry
from ..models.spec import Model
from ..paths import expanded
from ..preprocess import Preprocess
from ..thresholds import Thresholds, operating_point
from .config import TrainConfig
from .published import open_published
from .targets import Targets

State = Mapping[str, torch.Tensor]
HUB = "timm"
"""What --from says for the weights that timm publishes."""
TRUNK, HEADS = "trunk.", "heads."


@dataclass(frozen=True, eq=False)
class Former:
    """What a training begins with.

    where: for the errors. trunk: tensors by timm's names, with its classifier where it has one.
    heads: tensors under our names. described: what network.json says of the heads. labels: of the
    classifier's rows, or of network.json's heads; None of a bare file. thresholds: float32[labels],
    NaN where there is none. feed: what the weights are fed, None where nobody says: as ours.
    """

    where: str
    trunk: State
    heads: State = field(default_factory=dict)
    architecture: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    pool: int = 0
    labels: LabelSet | None = None
    thresholds: NDArray[np.float32] | None = None
    described: tuple[Mapping[str, Any], ...] = ()
    feed: Preprocess | None = None


def open_former(config: TrainConfig) -> Former | None:
    """Read what --from names; None without it.

    Raises OptionError or ModelError, one sentence, where it is none or can't be used.
    """
    name = config.network.from_
    if not name:
        return None
    path = expanded(name)
    if name == HUB and not path.exists():
        return _published(config.network.built)
    found = _folder(path) if path.is_dir() else path
    if found.is_file():
        return _file(found)
    model = default_registry().find(str(found) if path.exists() else name, allow_paths=True)
    if not model.on_disk:
        raise default_registry().missing(model)
    former = replace(_tagger(model), where=name)
    if config.network.add_tags and former.labels is None:
        raise OptionError(f"add_tags: expected --from a tagger with its labels, got {name}")
    return former


def settled(config: TrainConfig, former: Former | None) -> TrainConfig:
    """The settings with the architecture, its arguments and pool of the tagger that is begun with.

    Raises OptionError where another architecture was asked for, by a flag or by a recipe, or,
    where old tags are kept, another pool.
    """
    if former is None or not former.architecture:
        if config.network.add_tags:
            raise OptionError(
                f"add_tags: expected --from a tagger with its labels, got {config.network.from_}"
            )
        return config
    own = config.network
    _check_own("architecture", own.architecture, former.architecture, former.where)
    if own.add_tags:  # old scores are of pictures of that size
        _check_own("pool", own.pool, former.pool, former.where)
    pool = own.pool or former.pool
    # a transformer's size is this training's, which may see fewer pixels
    told = {k: v for k, v in former.arguments.items() if k != "img_size"}
    given = json.loads(own.model_args)
    return config.but(
        architecture=former.architecture, model_args=json.dumps({**told, **given}), pool=pool
    )


def _check_own(name: str, asked: object, there: object, where: str) -> None:
    """Raise OptionError where a setting was asked for that --from has otherwise."""
    if asked is not None and asked != there:
        raise OptionError(
            f"{name}: expected {there}, that of {where}, got {asked}: leave it out, or the recipe "
            f"that says it"
        )


def _published(architecture: str) -> Former:
    network = open_published(architecture)
    cfg = network.pretrained_cfg
    feed = Preprocess(layout="nchw", scale=1 / 255, mean=cfg["mean"], std=cfg["std"])
    return Former(f"timm's {architecture}", network.state_dict(), feed=feed)


def _folder(path: Path) -> Path:
    """A run's finished model, else its best checkpoint, else its last; other folders as is."""
    if (path / "model").is_dir():
        return path / "model"
    for name in ("best", "last"):
        for found in sorted((path / "checkpoints").glob(f"{name}*.safetensors"), reverse=True):
            return found
    return path


def _file(path: Path) -> Former:
    """Bare weights: of timm, of a network of ours, or a checkpoint, of which the average counts."""
    state = read_weights(path)
    for prefix in ("average.", "network."):
        own = {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}
        if own:
            state = own
            break
    return Former(str(path), *_parted(state))


def _parted(state: State) -> tuple[State, State]:
    """A network of ours in trunk and heads; timm's is all trunk."""
    trunk = {k[len(TRUNK) :]: v for k, v in state.items() if k.startswith(TRUNK)}
    heads = {k: v for k, v in state.items() if k.startswith(HEADS)}
    return (trunk, heads) if trunk and heads else (state, {})


def _tagger(model: Model) -> Former:
    """A tagger's folder: of timm's form, or with heads of ours."""
    contract = next((one for one in model.contracts if one.runtime == "timm"), None)
    labels = model.labels
    limits = operating_point(labels, model.thresholds)
    assert model.folder is not None
    if (model.folder / OWN_DESCRIPTION).is_file():
        said = read_config(model.folder / OWN_DESCRIPTION)
        trunk, heads = _parted(read_weights(model.folder / OWN_TENSORS))
        return Former(
            model.name,
            trunk,
            heads,
            architecture=_text(said, "architecture", model.folder / OWN_DESCRIPTION),
            arguments=said.get("model_args") or {},
            pool=int(said.get("pool") or 1),
            labels=labels,
            thresholds=limits,
            described=tuple(said.get("heads") or ()),
        )
    if contract is None:
        raise ModelError(
            f"{model.name}: expected model.safetensors and config.json, which alone can be trained "
            f"further, got none: run `tagger models get {model.name} --all`"
        )
    config = model.path(contract.config or "config.json")
    said = read_config(config)
    return Former(
        model.name,
        read_weights(model.path(contract.weights)),
        architecture=_text(said, "architecture", config),
        arguments=said.get("model_args") or {},
        pool=contract.pool,
        labels=labels,
        thresholds=limits,
        feed=contract.preprocess,
    )


def _text(said: Mapping[str, Any], name: str, path: Path) -> str:
    found = said.get(name)
    if not isinstance(found, str):
        raise ModelError(f"{path}: expected the name of an architecture, got {found!r}")
    return found


def kept_thresholds(fitted: Thresholds, targets: Targets, former: Former | None) -> Thresholds:
    """A training's thresholds, and the former tagger's for the labels that the DATASET has not."""
    if former is None or former.thresholds is None:
        return fitted
    own = dict(fitted.tags)
    for index, label in enumerate(targets.rows.labels):
        kept = int(targets.former[index])
        if kept >= 0 and targets.rows.vocabulary[index] < 0:
            limit = float(former.thresholds[kept])
            if not np.isnan(limit) and label.category.name != "rating":
                own[label.name] = limit
    return replace(fitted, tags=own)
