"""What a torch network attends to, by gradients: roll-outs of attention, and Grad-CAM.

Attention is seen where timm's blocks drop it out (`attn_drop`), just after its softmax; there it
exists only while the fused kernel is off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Maps = list[NDArray[np.float32]]
_RAISED = 256.0
"""Factor of a score whose gradients are taken in half precision, where small ones would be 0."""


def attribute(
    network: torch.nn.Module,
    inputs: Sequence[torch.Tensor],
    target: Callable[[torch.Tensor, int], torch.Tensor],
    columns: Sequence[int],
    plain: bool,
) -> tuple[Maps, str] | None:
    """Heat of one picture for each column, float32 [h, w] of any scale from 0.

    target: from outputs [1, m] and a column to the scalar that is explained. None where the network
    gives neither attention over its places nor maps. plain: attention alone, alike for all columns.
    """
    if not (hasattr(network, "forward_features") and hasattr(network, "forward_head")):
        return None
    own: Any = network
    with torch.enable_grad(), _attention(network) as seen:
        pixels = inputs[0].detach().requires_grad_()
        maps = own.forward_features(pixels)
        if not isinstance(maps, torch.Tensor):
            return None
        attention = _same(seen, maps)
        shape = _shape(network, maps, inputs[0])
        if shape is None or (plain and not attention):
            return None
        prefix = maps.shape[1] - shape[0] * shape[1] if maps.ndim == 3 else 0
        if plain:
            heat = _by_place(rollout([a.detach() for a in attention], prefix), prefix, shape)
            return [heat] * len(columns), "attention roll-out"
        outputs = own.forward_head(maps)
        asked = [maps, *attention]
        found: Maps = []
        for column in columns:
            scalar = target(outputs, column) * _RAISED
            raised = torch.autograd.grad(scalar, asked, retain_graph=True, allow_unused=True)
            gradients = [each if each is None else each.float() / _RAISED for each in raised]
            if attention:
                start = _start(maps, gradients[0])
                row = weighted(attention, gradients[1:], start)
                found.append(_by_place(row, prefix, shape))
            else:
                found.append(_cam(network, maps, gradients[0], prefix, shape))
    return found, "gradient-weighted roll-out" if attention else "Grad-CAM"


def rollout(attention: Sequence[torch.Tensor], prefix: int) -> torch.Tensor:
    """The plain roll-out, float[T]: mean over heads, + I, rows to sum 1, layers multiplied.

    attention: of each layer, [1, heads, T, T]. The row of the first token where there are class
    tokens, else the mean of all rows.
    """
    joined: torch.Tensor | None = None
    for layer in attention:
        mean = layer[0].float().mean(0)
        mean = mean + torch.eye(len(mean), device=mean.device)
        mean = mean / mean.sum(-1, keepdim=True)
        joined = mean if joined is None else mean @ joined
    assert joined is not None
    return joined[0] if prefix else joined.mean(0)


def weighted(
    attention: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor | None],
    start: torch.Tensor,
) -> torch.Tensor:
    """The gradient-weighted roll-out, float[T]: R = I, then R += mean over heads (A * dA)+ @ R.

    start: float[T], how much each last place has to do with the score; by the residual paths that
    is part of the answer, and what those places looked at is added.
    """
    relevance = torch.eye(len(start), device=start.device)
    for layer, gradient in zip(attention, gradients, strict=True):
        if gradient is not None:
            step = (layer[0].float() * gradient[0].float()).clamp(min=0).mean(0).detach()
            relevance = relevance + step @ relevance
    return start @ relevance


def _start(maps: torch.Tensor, gradient: torch.Tensor | None) -> torch.Tensor:
    """How much each last place has to do with the score, float[T] that sums to 1.

    Gradient times value, summed: for a linear classifier on a mean, each place's own part of the
    logit. Where nothing speaks for the tag, how much it could.
    """
    if gradient is None:
        return torch.full((maps.shape[1],), 1 / maps.shape[1], device=maps.device)
    part = (gradient[0].float() * maps[0].float()).sum(-1).clamp(min=0).detach()
    if not part.sum() > 0:
        part = gradient[0].float().norm(dim=-1).detach()
    return part / part.sum().clamp(min=1e-30)


def _cam(
    network: torch.nn.Module,
    maps: torch.Tensor,
    gradient: torch.Tensor | None,
    prefix: int,
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """Grad-CAM: channels weighted by their mean gradient, summed, what is under 0 left out."""
    if gradient is None:
        return np.zeros(shape, np.float32)
    if maps.ndim == 3:
        values, slopes = maps[0, prefix:], gradient[0, prefix:]
    elif _last(network):
        values, slopes = maps[0].flatten(0, 1), gradient[0].flatten(0, 1)
    else:
        values, slopes = maps[0].flatten(1).T, gradient[0].flatten(1).T
    heat = (values.float() * slopes.float().mean(0)).sum(-1).clamp(min=0)
    return heat.detach().cpu().numpy().reshape(shape).astype(np.float32)


def _by_place(row: torch.Tensor, prefix: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    return row[prefix:].detach().cpu().numpy().reshape(shape).astype(np.float32)


def _same(seen: Sequence[torch.Tensor], maps: torch.Tensor) -> list[torch.Tensor]:
    """The attention over exactly the places of the last features; none if windows are attended."""
    if maps.ndim != 3:
        return []
    places = maps.shape[1]
    fits = [a for a in seen if a.ndim == 4 and a.shape[0] == 1 and a.shape[2:] == (places,) * 2]
    return fits if len(fits) == len(seen) else []


def _shape(
    network: torch.nn.Module, maps: torch.Tensor, pixels: torch.Tensor
) -> tuple[int, int] | None:
    """Height and width of the last features' places; None where they can't be told."""
    if maps.ndim == 4:
        height, width = maps.shape[1:3] if _last(network) else maps.shape[2:]
        return int(height), int(width)
    if maps.ndim != 3:
        return None
    embed: Any = getattr(network, "patch_embed", None)
    grid = getattr(embed, "grid_size", None)
    places = maps.shape[1] - int(getattr(network, "num_prefix_tokens", 0) or 0)
    if grid is not None and int(grid[0]) * int(grid[1]) == places:
        return int(grid[0]), int(grid[1])
    side = round(places**0.5)
    square = side * side == places and pixels.shape[-1] == pixels.shape[-2]
    return (side, side) if square else None


def _last(network: torch.nn.Module) -> bool:
    return getattr(network, "output_fmt", "NCHW") == "NHWC"


@contextmanager
def _attention(network: torch.nn.Module) -> Iterator[list[torch.Tensor]]:
    """Every attention after its softmax, in order, while the block lasts; fused kernels are off."""
    seen: list[torch.Tensor] = []
    fused: list[tuple[Any, bool]] = []
    hooks: list[Any] = []

    def keep(_module: torch.nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        seen.append(output)

    for module in network.modules():
        own: Any = module
        if isinstance(getattr(module, "attn_drop", None), torch.nn.Module):
            hooks.append(own.attn_drop.register_forward_hook(keep))
            if hasattr(module, "fused_attn"):
                fused.append((own, own.fused_attn))
                own.fused_attn = False
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
        for own, before in fused:
            own.fused_attn = before
