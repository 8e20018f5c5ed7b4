"""What stays as it is while the rest is trained, as a function of how much is done."""

from __future__ import annotations

from ..errors import OptionError
from .config import NetworkOptions
from .headplan import ADDED
from .model import TaggerNetwork, trunk_layers


def frozen_layers(options: NetworkOptions, layers: int, done: float) -> int:
    """How many of a trunk's layers, counted from the picture, are frozen when `done` is, 0 to 1.

    Until release_from it is the share `freeze`; then they go one after another, the last first,
    and at release_until all have gone. With release_from 1 none goes.
    """
    frozen = round(options.frozen_share * layers)
    if done < options.release_from or options.release_from >= 1:
        return frozen
    span = options.release_until - options.release_from
    gone = 1.0 if span <= 0 else (done - options.release_from) / span
    return max(0, frozen - (int(gone * frozen) + 1 if gone < 1 else frozen))


def set_frozen(network: TaggerNetwork, options: NetworkOptions, done: float) -> bool:
    """Freeze and release weights for a training of which `done`, 0 to 1, is over.

    Says whether anything changed. A heads-only training (`train_heads`) moves those heads alone;
    one that adds tags moves no old tag until the first layer is released.

    Raises OptionError for a head that is not there.
    """
    before = [weight.requires_grad for weight in network.parameters()]
    layers = trunk_layers(network.trunk)
    count = max(layers.values()) + 1
    frozen = count if options.train_heads else frozen_layers(options, count, done)
    for name, weight in network.trunk.named_parameters():
        weight.requires_grad_(layers.get(name, 0) >= frozen)
    _heads(network, options, whole=frozen >= count)
    return before != [weight.requires_grad for weight in network.parameters()]


def check_heads(network: TaggerNetwork, options: NetworkOptions) -> None:
    """Raise OptionError for a head that is to be trained and is not there."""
    names = [name for name, _ in network.named_heads()]
    for name in options.train_heads:
        if name not in names:
            raise OptionError(f"train_heads: expected one of {', '.join(names)}, got {name!r}")


def _heads(network: TaggerNetwork, options: NetworkOptions, whole: bool) -> None:
    """`whole`: the trunk is all frozen."""
    check_heads(network, options)
    names = [name for name, _ in network.named_heads()]
    for name, head in network.named_heads():
        trained = name in options.train_heads if options.train_heads else True
        if options.add_tags and whole and not options.train_heads:
            trained = name.startswith(ADDED) and name == names[-1]
        for own, weight in head.named_parameters():
            weight.requires_grad_(trained and own not in _FIXED)


_FIXED = {"out.queries"}
"""What is never learned: ML-Decoder's queries."""
