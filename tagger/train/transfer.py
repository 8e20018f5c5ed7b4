"""From former weights into a new network: its trunk, the rows of tags that both know, or a part."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any

import numpy as np
import torch
from torch import nn

from ..errors import ModelError, OptionError
from ..export.edit import fed_alike
from ..labels import LabelSet
from ..preprocess import WD, Preprocess
from .config import PARTS, HeadOptions, NetworkOptions
from .former import Former, State
from .headplan import ADDED, HeadPlan
from .heads import LinearHead
from .model import TaggerNetwork
from .targets import Targets

FORMER = "former"
"""The head of a tagger of timm's form."""
_NAMES = {
    "patches": r"(^|\.)(patch_embed|embeds)\.proj\.",
    "positions": r"(^|\.)pos_embed$",
    "class": r"(^|\.)cls_token$",
}


def grown_plans(options: NetworkOptions, targets: Targets, former: Former) -> tuple[HeadPlan, ...]:
    """The former tagger's heads as they are, and one of its own for the tags that are added.

    Raises OptionError where there is nothing to train.
    """
    places = {int(at): place for place, at in enumerate(targets.former) if at >= 0}
    plans = [
        HeadPlan(name, head, np.array([places[at] for at in rows if at in places], np.intp))
        for name, head, rows in _heads_of(former)
    ]
    new = np.flatnonzero(targets.former < 0)
    learned = new[np.isnan(targets.constants[new])]
    if not learned.size and not options.train_heads and options.frozen_share == 1:
        raise OptionError(
            f"add_tags: expected tags that {former.where} has not, got none: leave --add-tags out, "
            f"or say --freeze 0"
        )
    if new.size:
        names = {plan.name for plan in plans}
        name = next(one for one in _numbered(ADDED) if one not in names)
        plans.append(HeadPlan(name, options.default_head, new))
    return tuple(plans)


def fill(network: TaggerNetwork, former: Former, targets: Targets, options: NetworkOptions) -> None:
    """Put former weights into a network, as `transfer` says, in place.

    Raises ModelError where they are of another network, OptionError where --add-tags would not
    keep old scores.
    """
    classifier = network.description.classifier
    state = {k: v for k, v in former.trunk.items() if not k.startswith(f"{classifier}.")}
    state = fitted(network.trunk, state, former.where)
    if options.transfer in PARTS:
        _fill_part(network.trunk, state, options.transfer, former.where)
        return
    _fill_trunk(network.trunk, state, former.where)
    exact = former.feed is None or adapt_input(network.trunk, former.feed)
    if options.add_tags:
        _check_kept(former, exact)
    if options.transfer == "all":
        _fill_rows(network, former, targets, classifier)
        _fill_heads(network, former, targets.rows.labels)


def fitted(trunk: Any, state: State, where: str) -> State:
    """A trunk's tensors for this size of picture: positions are interpolated where it is another.

    timm's own filter of the architecture does it, where names or shapes differ.
    """
    wanted = {name: value.shape for name, value in trunk.state_dict().items()}
    if wanted == {name: value.shape for name, value in state.items()}:
        return state
    module = inspect.getmodule(type(trunk))
    convert: Any = getattr(module, "checkpoint_filter_fn", None)
    if convert is None:
        return state
    try:
        return {str(k): v for k, v in convert(dict(state), trunk).items()}
    except Exception as error:  # whatever it makes of foreign tensors
        raise _foreign(where, f"{type(error).__name__}: {error}"[:80]) from error


def adapt_input(trunk: Any, feed: Preprocess) -> bool:
    """Let a first layer that was fed in another way take BGR in -1..1, in place.

    Order and scale of colours go into its weights, the shift of the mean into its bias. Says
    whether it then computes the same: not where zeros are padded around what was another zero, or
    where there is no bias (a normalisation follows, and a training makes up for it).
    """
    gain = torch.from_numpy(feed.gain).float() * 127.5
    shift = gain + torch.from_numpy(feed.offset).float()
    straight = feed.channels == "bgr"
    if (
        straight
        and torch.allclose(gain, torch.ones(3))
        and torch.allclose(shift, torch.zeros(3), atol=1e-6)
    ):
        return True
    layer: Any = trunk.get_submodule(str(trunk.pretrained_cfg["first_conv"]))
    # a linear layer over patches has its colours last: [out, pixels, 3]
    flat = isinstance(layer, nn.Linear)
    with torch.no_grad():
        weight = layer.weight.unflatten(1, (-1, 3)).transpose(1, 2) if flat else layer.weight
        by_colour = weight.flatten(2).sum(2)  # [out, 3], in the order they were fed
        moved = by_colour @ shift
        weight = weight * gain.reshape(1, 3, *[1] * (weight.ndim - 2))
        weight = weight if straight else weight.flip(1)
        layer.weight.copy_(weight.transpose(1, 2).flatten(1) if flat else weight)
        if layer.bias is not None:
            layer.bias.add_(moved)
    padded = not flat and any(layer.padding if isinstance(layer.padding, tuple) else (1,))
    return bool(torch.allclose(moved, torch.zeros_like(moved), atol=1e-6)) or (
        layer.bias is not None and not padded
    )


def _heads_of(former: Former) -> list[tuple[str, HeadOptions, list[int]]]:
    """A former tagger's heads: name, settings, and the indices of their labels."""
    labels = former.labels
    assert labels is not None
    if not former.described:
        return [(FORMER, HeadOptions(), list(range(len(labels))))]
    try:
        return [_described(each, labels) for each in former.described]
    except (KeyError, TypeError, OptionError) as error:
        raise ModelError(
            f"{former.where}: expected heads in its network.json, got {error}"
        ) from error


def _described(said: Any, labels: LabelSet) -> tuple[str, HeadOptions, list[int]]:
    known = {each.name for each in dataclasses.fields(HeadOptions)} - {"labels", "tags"}
    own = HeadOptions(**{k: v for k, v in said.items() if k in known})
    if said.get("exclusive") and not own.loss:
        own = dataclasses.replace(own, loss="cross_entropy")
    return str(said["name"]), own, [labels.names.index(tag) for tag in said["tags"]]


def _numbered(name: str) -> list[str]:
    return [name, *(f"{name}_{number}" for number in range(2, 1000))]


def _fill_trunk(trunk: Any, state: State, where: str) -> None:
    wanted = {name: value.shape for name, value in trunk.state_dict().items()}
    own = {name: value for name, value in state.items() if name in wanted}
    wrong = sorted(k for k, shape in wanted.items() if k not in own or own[k].shape != shape)
    if wrong:
        raise _foreign(where, f"{len(wrong)} of {len(wanted)} that differ, such as {wrong[0]}")
    trunk.load_state_dict(own)


def _fill_part(trunk: Any, state: State, part: str, where: str) -> None:
    """Animesion's partial loads: patches, positions and class token, each where asked for."""
    own = trunk.state_dict()
    pattern = re.compile("|".join(_NAMES[each] for each in PARTS[part]))
    names = [name for name in own if pattern.search(name)]
    if not names:
        raise OptionError(
            f"transfer: expected a transformer for {part}, got {type(trunk).__name__}"
        )
    wrong = [name for name in names if name not in state or state[name].shape != own[name].shape]
    if wrong:
        raise _foreign(where, f"no {wrong[0]} of that shape")
    with torch.no_grad():
        for name in names:
            own[name].copy_(state[name])


def _fill_rows(network: TaggerNetwork, former: Former, targets: Targets, classifier: str) -> None:
    """Copy a timm classifier's rows to those linear heads' rows that are of the same tag."""
    weight, bias = (former.trunk.get(f"{classifier}.{name}") for name in ("weight", "bias"))
    if former.labels is None or weight is None or bias is None:
        return
    if len(weight) != len(former.labels):
        raise _foreign(former.where, f"{len(weight)} rows for {len(former.labels)} labels")
    found = [former.labels.find(name) for name in targets.rows.labels.names]
    rows = np.array([-1 if at is None else at for at in found], np.intp)
    rows = np.where(targets.former >= 0, targets.former, rows)
    rows[~np.isnan(targets.constants)] = -1
    for plan, (_, head) in zip(network.plans, network.named_heads(), strict=True):
        if type(head) is not LinearHead or head.hidden:
            continue
        own = rows[plan.columns]
        here, there = torch.from_numpy(np.flatnonzero(own >= 0)), torch.from_numpy(own[own >= 0])
        with torch.no_grad():
            head.out.weight[here] = weight[there].to(head.out.weight)
            head.out.bias[here] = bias[there].to(head.out.bias)


def _fill_heads(network: TaggerNetwork, former: Former, labels: LabelSet) -> None:
    """Load whole heads of ours: of one name, one shape, and the same tags where they are said."""
    told = {str(each.get("name")): each for each in former.described}
    for plan, (name, head) in zip(network.plans, network.named_heads(), strict=True):
        prefix = f"heads.{name}."
        own = {k[len(prefix) :]: v for k, v in former.heads.items() if k.startswith(prefix)}
        tags = [labels[int(column)].name for column in plan.columns]
        if name in told and list(told[name].get("tags", ())) != tags:
            continue
        shapes = {k: v.shape for k, v in head.state_dict().items()}
        if own and shapes == {k: v.shape for k, v in own.items()}:
            head.load_state_dict(own)


def _check_kept(former: Former, exact: bool) -> None:
    """Refuse --add-tags where old tags would score otherwise than before."""
    feed = former.feed
    alike = feed is None or fed_alike(feed, WD)
    if not exact or not alike:
        raise OptionError(
            f"add_tags: expected a tagger that is fed as WD's are, so that its old tags keep their "
            f"scores, got {former.where}: leave --add-tags out to train all tags anew from it"
        )


def _foreign(where: str, got: str) -> ModelError:
    return ModelError(
        f"{where}: expected the tensors of this architecture, got {got}: give --architecture and "
        f"--model-args that they are of"
    )
