"""The loss around what was found: along one or two random directions.

Filter-normalised (Li 2018, arXiv 1712.09913): each filter's step is as long as the filter itself,
so that networks of different scale can be looked at side by side; vectors are left alone.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .. import groups
from ..errors import UsageError
from ..report.curves import Kind, plot_landscape
from .checkpoint import BEST
from .config import TrainConfig
from .data import rows_in_batches
from .devices import make_accelerator
from .learner import make_learner
from .loader import Batch
from .material import gather
from .pixels import to_images
from .plan import make_plan
from .progress import Progress
from .samples import spread

Tell = Callable[[int, int], None]
PICTURES, REACH = 256, 1.0
"""Pictures of the calibration split that the loss is over; how far it is looked, in filters."""


def draw_landscape(run: Path, path: Path, kind: Kind, points: int, tell: Tell) -> Path:
    """Draw the loss of a run's best network as a PNG.

    Raises UsageError where the folder holds no checkpoint or no settings.
    """
    config = config_of(run)
    accelerator = make_accelerator(config)
    quiet = Progress(run, io.StringIO(), quiet=True)
    material = gather(make_plan(config), accelerator.device, quiet)
    learner = make_learner(material, accelerator)
    learner.load(run / "checkpoints" / BEST)
    learner.average.swap(learner.network)
    rows = material.calibration[spread(material.calibration, PICTURES)]
    batches = list(material.loader.batches(rows_in_batches(rows, 64)))
    steps = np.linspace(-REACH, REACH, points)
    losses = landscape(learner.whole, batches, steps, 1 if kind == "line" else 2, tell)
    title = f"{run.name}: loss on {len(rows)} pictures of the calibration split"
    plot_landscape(path, steps, losses, kind, title)
    return path


def config_of(run: Path) -> TrainConfig:
    """The settings of a run, from its run.json. Raises UsageError where there are none."""
    path = run / "run.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))["config"]
        known = {each.name for each in groups.settings(TrainConfig)}
        return groups.build(TrainConfig, {k: v for k, v in found.items() if k in known})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: expected a training's settings, got {error}") from error


def landscape(
    whole: nn.Module,
    batches: list[Batch],
    steps: NDArray[np.float64],
    directions: int,
    tell: Tell = lambda done, total: None,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Losses at each step along the directions: float64[k] or [k, k]; the weights stay."""
    whole.eval()
    generator = torch.Generator().manual_seed(seed)
    weights = [weight for weight in whole.parameters() if weight.requires_grad]
    first = [weight.detach().clone() for weight in weights]
    ways = [[_direction(weight, generator) for weight in weights] for _ in range(directions)]
    shape = (len(steps),) * directions
    losses = np.empty(shape)
    for place, at in enumerate(np.ndindex(*shape)):
        _move(weights, first, ways, [float(steps[n]) for n in at])
        # the second direction is the picture's vertical
        losses[at[::-1]] = mean_loss(whole, batches)
        tell(place + 1, losses.size)
    _move(weights, first, ways, [0.0] * directions)
    return losses


@torch.no_grad()
def mean_loss(whole: nn.Module, batches: list[Batch]) -> float:
    """The mean loss of the pictures in some batches."""
    device = next(whole.parameters()).device
    total = 0.0
    for each in batches:
        truth, known = each.truth.to(device), each.known.to(device)
        parts = whole(to_images(each.pixels, device), truth, known)
        total += parts["loss"].item() * len(each.rows)
    return total / sum(len(each.rows) for each in batches)


def _direction(weight: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A random direction, each of its filters as long as the weight's; nothing for a vector."""
    if weight.ndim < 2:
        return torch.zeros_like(weight)
    drawn = torch.randn(weight.shape, generator=generator).to(weight)
    axes = tuple(range(1, weight.ndim))
    long, own = (
        torch.linalg.vector_norm(each.detach(), dim=axes, keepdim=True) for each in (weight, drawn)
    )
    return drawn * long / (own + 1e-10)


@torch.no_grad()
def _move(
    weights: list[nn.Parameter] | list[Any],
    first: list[torch.Tensor],
    ways: list[list[torch.Tensor]],
    steps: list[float],
) -> None:
    for place, weight in enumerate(weights):
        weight.copy_(first[place])
        for way, step in zip(ways, steps, strict=True):
            if step:
                weight.add_(way[place], alpha=step)
