"""The trunk: an architecture of timm's without its classifier, and what it says of a picture."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import timm
import torch
from timm.layers import convert_sync_batchnorm
from torch import nn

from ..errors import OptionError
from .config import NetworkOptions, arguments
from .config.network import POOLS, SIZE

_TIMMS_OWN = set(inspect.signature(timm.create_model).parameters) - {"kwargs"}
"""What `timm.create_model` takes for itself: with some of it a file could bring a pickle."""


@dataclass(frozen=True, eq=False)
class Features:
    """What a trunk says of pictures, float[N, ...] each.

    maps: its last features, laid out as the architecture has them. pooled: [N, d]. layers: for
    every block its class vector, [N, d]; empty unless a head asks for them.
    """

    maps: torch.Tensor
    pooled: torch.Tensor
    layers: tuple[torch.Tensor, ...] = ()


@dataclass(frozen=True)
class Layout:
    """How an architecture lays out its last features.

    features: their width. prefix: class tokens before the places. last: whether the width of a map
    comes last.
    """

    features: int
    prefix: int
    last: bool

    def places(self, maps: torch.Tensor) -> torch.Tensor:
        """Last features as a list of places, [N, places, features], without class tokens."""
        if maps.ndim == 3:
            return maps[:, self.prefix :]
        return maps.flatten(1, 2) if self.last else maps.flatten(2).transpose(1, 2)


@dataclass(frozen=True, eq=False)
class Trunk:
    """An architecture that was built.

    network: timm's, without classifier. arguments: the model_args it was built with, size
    included. pooled: width of the pooled features. classifier: where timm has its classifier.
    """

    network: Any
    architecture: str
    arguments: Mapping[str, Any]
    pooled: int
    classifier: str

    @property
    def layout(self) -> Layout:
        """How its last features are laid out."""
        own = self.network
        prefix = getattr(own, "num_prefix_tokens", 0) or 0
        return Layout(own.num_features, prefix, getattr(own, "output_fmt", "NCHW") == "NHWC")

    def with_classifier(self, labels: int) -> Any:
        """The architecture as timm builds it for so many labels, random."""
        return timm.create_model(self.architecture, num_classes=labels, **self.arguments)


def make_trunk(options: NetworkOptions) -> Trunk:
    """Build the architecture with random weights. Raises OptionError for what timm refuses."""
    architecture, own = options.built, arguments(options.model_args)
    _check(architecture, own)
    try:
        whole, own = _described(architecture, own, options.side, options.norm == "group")
        network = timm.create_model(architecture, pretrained=False, num_classes=0, **own)
    except Exception as error:  # whatever the architecture's own code makes of its arguments
        settings = "norm, model_args" if options.norm == "group" else "model_args"
        raise OptionError(
            f"{settings}: expected settings of {architecture} for {options.side} pixels, got "
            f"{own}: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error
    _check_patches(network, options)
    classifier = whole.get_classifier()
    if not isinstance(classifier, nn.Linear) or classifier.bias is None:
        raise OptionError(
            f"architecture: expected one with one linear classifier, got {architecture}"
        )
    name = next(name for name, module in whole.named_modules() if module is classifier)
    if options.norm == "sync":
        network = convert_sync_batchnorm(network)
    return Trunk(network, architecture, own, classifier.in_features, name)


def look(network: Any, images: torch.Tensor, layers: bool = False) -> Features:
    """What the trunk says of pictures, [N, 3, side, side]; `layers` asks for every block's."""
    if not layers:
        maps = network.forward_features(images)
        return Features(maps, network.forward_head(maps, pre_logits=True))
    maps, inner = network.forward_intermediates(
        images, return_prefix_tokens=True, output_fmt="NLC", norm=False
    )
    own = tuple(_class_vector(each) for each in inner)
    return Features(maps, network.forward_head(maps, pre_logits=True), own)


def layer_count(network: Any) -> int:
    """How many blocks give a class vector. Raises OptionError where they are not alike."""
    blocks = getattr(network, "blocks", None)
    inner = getattr(network, "forward_intermediates", None)
    if blocks is None or inner is None or not hasattr(network, "num_prefix_tokens"):
        raise OptionError(
            f"head: expected a vision transformer for ifa, which reads every block's class token, "
            f"got {type(network).__name__}"
        )
    return len(blocks)


def _class_vector(found: Any) -> torch.Tensor:
    """A block's class token; where there is none, the mean of its places."""
    places, prefix = found if isinstance(found, tuple) else (found, None)
    return places.mean(1) if prefix is None or not prefix.shape[1] else prefix[:, 0]


def _described(
    architecture: str, own: dict[str, Any], side: int, group: bool
) -> tuple[Any, dict[str, Any]]:
    """The architecture without memory, with one label; and all its settings.

    Transformers are built for one size, and take it; convolutions see any. With `group` its
    normalisation is over 32 groups of channels, over all where they are not divisible.
    """
    if group:
        try:
            return _described(architecture, {**own, "norm_layer": "groupnorm"}, side, False)
        except ValueError:
            own = {**own, "norm_layer": "groupnorm1"}
    with torch.device("meta"):
        if "img_size" not in own:
            sized = {**own, "img_size": side}
            try:
                return timm.create_model(architecture, num_classes=1, **sized), sized
            except TypeError as error:
                if "img_size" not in str(error):
                    raise
        return timm.create_model(architecture, num_classes=1, **own), own


def _check_patches(network: Any, options: NetworkOptions) -> None:
    """Raise OptionError where patches would leave a strip of the picture unseen, as timm lets them.

    (Those that pad the picture, by `dynamic_img_pad`, leave none.)
    """
    layer = getattr(network, "patch_embed", None) or getattr(network, "embeds", None)
    size = getattr(layer, "patch_size", None)
    if size is None or getattr(layer, "dynamic_img_pad", False):
        return
    step = max(size) if isinstance(size, tuple) else int(size)
    if options.side % step:
        fit = [f"{pool} ({SIZE // pool} pixels)" for pool in POOLS if not SIZE // pool % step]
        raise OptionError(
            f"pool: expected a size that patches of {step} pixels fill, got {options.side}: "
            f"--pool {', '.join(fit)}"
            if fit
            else f"architecture: expected patches that fill {SIZE} pixels, got ones of {step}"
        )


def _check(architecture: str, own: Mapping[str, Any]) -> None:
    if ":" in architecture or not timm.is_model(architecture):
        near = sorted(timm.list_models(f"*{architecture}*"), key=len)[:1]
        near = near or difflib.get_close_matches(architecture, timm.list_models(), n=1)
        hint = f"did you mean {near[0]}?" if near else "timm.list_models() lists them"
        raise OptionError(f"architecture: expected one of timm's, got {architecture!r}: {hint}")
    if _TIMMS_OWN & set(own):
        raise OptionError(
            f"model_args: expected settings of the architecture alone, got "
            f"{', '.join(sorted(_TIMMS_OWN & set(own)))}"
        )
