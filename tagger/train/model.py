"""The network: a trunk of timm's and heads on it, their outputs put into the labels' order.

It takes BGR pixels in -1..1, [N, 3, side, side], and gives log-odds, [N, labels]: WD's convention,
so that tools that load WD's safetensors load ours. Whatever a head is, a sigmoid of what the
network gives is the probability of the label.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from timm.models import group_parameters
from torch import nn

from ..labels import LabelSet
from .headplan import HeadPlan
from .heads import Head, LinearHead, OrdinalHead, make_head
from .trunk import Features, Trunk, look

SCHEMA = 1
SCALAR, EMBEDDING = "rating_scalar", "embedding"
"""Names of what a network gives beside log-odds: the rating from 0 to 1, the pooled features."""


@dataclass(frozen=True)
class Outputs:
    """What a network says of pictures.

    logits: log-odds, float32 [N, labels]. parts: each head's raw outputs, for its loss. extras:
    EMBEDDING, [N, d]; `embedding_<head>` of heads with an embedding of their own; SCALAR, [N],
    where a head is ordinal. layers: every block's class vector, where a head reads them.
    """

    logits: torch.Tensor
    parts: Mapping[str, torch.Tensor]
    extras: Mapping[str, torch.Tensor] = field(default_factory=dict)
    layers: tuple[torch.Tensor, ...] = ()


@dataclass(frozen=True, eq=False)
class Group:
    """Labels that one head answers for.

    kind: "sigmoid" (each by itself), "softmax" (one of them is true), "ordinal" (one, and they are
    in order). columns: intp[k]. hidden: width of the head's own embedding; 0 for none.
    """

    name: str
    kind: str
    columns: NDArray[np.intp]
    hidden: int


@dataclass(frozen=True, eq=False)
class NetworkContract:
    """What a network gives: so many labels, each in one of the groups, and an embedding."""

    labels: int
    embedding: int
    groups: tuple[Group, ...]


class TaggerNetwork(nn.Module):
    """A trunk and its heads.

    constants: float32[n], the logit of a label that is not learned, NaN for one that is.
    """

    constants: torch.Tensor
    order: torch.Tensor

    def __init__(
        self,
        trunk: Trunk,
        plans: Sequence[HeadPlan],
        constants: NDArray[np.float32],
        loss: str = "bce",
        norm: str = "own",
    ) -> None:
        super().__init__()
        self.description, self.plans, self.norm = trunk, tuple(plans), norm
        self.trunk = trunk.network
        self.heads = nn.ModuleDict()
        for plan in plans:
            exclusive = plan.options.exclusive(loss)
            self.heads[plan.name] = make_head(plan.options, len(plan.columns), trunk, exclusive)
        self._layers = any(plan.options.kind == "ifa" for plan in plans)
        places = np.concatenate([plan.columns for plan in plans])
        self.register_buffer("order", torch.from_numpy(np.argsort(places)), persistent=False)
        self.register_buffer("constants", torch.from_numpy(constants), persistent=False)
        self._sorted = bool((np.diff(places) == 1).all())
        # a linear head says its constants itself; behind others they take the head's place
        self._overrule = not self.plain and not np.isnan(constants).all()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Log-odds of every label, [N, labels]."""
        return self.outputs(self.features(images)).logits

    def features(self, images: torch.Tensor) -> Features:
        """What the trunk says of pictures, between which they can be mixed."""
        return look(self.trunk, images, self._layers)

    def outputs(self, features: Features) -> Outputs:
        """What the heads make of it."""
        parts: dict[str, torch.Tensor] = {}
        odds: list[torch.Tensor] = []
        extras = {EMBEDDING: features.pooled}
        for plan, (name, head) in zip(self.plans, self.named_heads(), strict=True):
            embedding = head.embed(features)
            parts[name] = head.score(embedding)
            odds.append(head.log_odds(parts[name]))
            if head.hidden:
                extras[f"{EMBEDDING}_{name}"] = embedding
            if isinstance(head, OrdinalHead):
                extras[SCALAR] = head.scalar(self._overruled(odds[-1], plan.columns))
        logits = odds[0] if len(odds) == 1 else torch.cat(odds, 1)
        if not self._sorted:
            logits = logits[:, self.order]
        return Outputs(self._overruled(logits), parts, extras, features.layers)

    def _overruled(
        self, odds: torch.Tensor, columns: NDArray[np.intp] | None = None
    ) -> torch.Tensor:
        """Log-odds of these labels or of all, with the constants of those that are not learned."""
        constants = self.constants if columns is None else self.constants[columns]
        return torch.where(constants.isnan(), odds, constants) if self._overrule else odds

    def named_heads(self) -> list[tuple[str, Head]]:
        """The heads by name, in order."""
        return [(name, head) for name, head in self.heads.items() if isinstance(head, Head)]

    @property
    def plain(self) -> bool:
        """Whether one linear layer over the pooled features says the same: timm's own form."""
        return all(type(head) is LinearHead and not head.hidden for _, head in self.named_heads())

    def whole_categories(self, labels: LabelSet) -> bool:
        """Whether every softmax is over all labels of one category, as a folder can say it."""
        for group in self.contract().groups:
            if group.kind == "softmax":
                kinds = {labels[int(column)].category.name for column in group.columns}
                same = len(kinds) == 1 and len(labels.of(kinds.pop())) == len(group.columns)
                if not same:
                    return False
        return True

    @property
    def architecture(self) -> str:
        """timm's name of the trunk."""
        return self.description.architecture

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The model_args that it was built with, its size included."""
        return self.description.arguments

    def contract(self) -> NetworkContract:
        """What it gives."""
        groups = tuple(
            Group(
                plan.name,
                "ordinal" if isinstance(head, OrdinalHead) else _KINDS[head.exclusive],
                plan.columns,
                head.hidden,
            )
            for plan, (_, head) in zip(self.plans, self.named_heads(), strict=True)
        )
        return NetworkContract(len(self.order), self.description.pooled, groups)

    def exclusive(self, labels: LabelSet) -> tuple[str, ...]:
        """The categories over which raw outputs are a softmax."""
        columns = [group.columns for group in self.contract().groups if group.kind == "softmax"]
        names = (labels[int(column)].category.name for each in columns for column in each)
        return tuple(dict.fromkeys(names))

    def as_timm(self) -> Any:
        """The same as timm's network of this architecture, its classifier's rows in the labels'
        order; None where the heads are more than that. Raw rows where a group is a softmax.
        """
        if not self.plain:
            return None
        network = self.description.with_classifier(len(self.order))
        rows = [head.out for _, head in self.named_heads()]
        state = dict(self.trunk.state_dict())
        for name in ("weight", "bias"):
            joined = torch.cat([getattr(layer, name).detach() for layer in rows])
            state[f"{self.description.classifier}.{name}"] = joined[self.order.to(joined.device)]
        network.load_state_dict(state)
        return network.train(self.training)

    def describe(self, labels: LabelSet) -> dict[str, Any]:
        """What `network.json` says, from which `transfer` builds it again; plain JSON values."""
        heads = [
            {
                "name": plan.name,
                "exclusive": head.exclusive,
                **{k: v for k, v in asdict(plan.options).items() if k not in ("labels", "tags")},
                "tags": [labels[int(column)].name for column in plan.columns],
            }
            for plan, (_, head) in zip(self.plans, self.named_heads(), strict=True)
        ]
        return {
            "schema": SCHEMA,
            "architecture": self.architecture,
            "model_args": dict(self.arguments),
            "heads": heads,
        }

    def train(self, mode: bool = True) -> TaggerNetwork:
        """Training mode, in which what is frozen stays as it is: its statistics and dropout too."""
        super().train(mode)
        for module in (self.trunk, *(head for _, head in self.named_heads())):
            weights = list(module.parameters())
            if mode and weights and not any(weight.requires_grad for weight in weights):
                module.eval()
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):  # pyright: ignore[reportPrivateUsage]
                still = module.weight is not None and not module.weight.requires_grad
                if mode and (still or self.norm == "frozen"):
                    module.eval()
        return self

    def no_weight_decay(self) -> set[str]:
        """Names of matrices that decay does not suit, as their architecture says."""
        own = getattr(self.trunk, "no_weight_decay", set)()
        return {f"trunk.{name}" for name in own}

    def group_matcher(self, coarse: bool = False) -> Callable[[str], float]:
        """For timm's layer decay: from a weight's name to its layer; the heads are the last."""
        layers = trunk_layers(self.trunk, coarse)
        last = max(layers.values()) + 1
        return lambda name: layers.get(re.sub("^trunk[.]", "", name), last)


_KINDS = {False: "sigmoid", True: "softmax"}


def trunk_layers(trunk: Any, coarse: bool = False) -> dict[str, int]:
    """From the name of a trunk's weight to its layer, from 0 at the picture."""
    found: Any = group_parameters(trunk, trunk.group_matcher(coarse), reverse=True)
    return {name: int(layer) for name, layer in found.items()}


def set_priors(network: TaggerNetwork, priors: NDArray[np.float64]) -> None:
    """Let every head begin with its labels' priors, float64[labels] in 0..1."""
    constants = network.constants.cpu().numpy()
    for plan, (_, head) in zip(network.plans, network.named_heads(), strict=True):
        head.set_priors(priors[plan.columns], constants[plan.columns])
