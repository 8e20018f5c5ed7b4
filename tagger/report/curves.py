"""Curves and surfaces as PNG files: what a training did. matplotlib only when one is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .figures import new_figure, write_figure

Kind = Literal["line", "plane", "surface"]
_ALONG = "along one random direction, in shares of the weights' size"
_ACROSS = "along another"
_COLOURS = ("#4c72b0", "#dd8452", "#3a923a", "#c44e52", "#9656a2")


@dataclass(frozen=True, eq=False)
class Line:
    """One curve: its name and points; drawn pale where a smoother one tells the same."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    pale: bool = False
    dots: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves that share axes."""

    title: str
    x: str
    lines: tuple[Line, ...]
    log: bool = False


def smooth(values: Sequence[float], keep: float = 0.9) -> list[float]:
    """A running mean that forgets, without the bias of its start (Adam's correction)."""
    total, weight, found = 0.0, 0.0, []
    for value in values:
        total, weight = keep * total + (1 - keep) * value, keep * weight + 1 - keep
        found.append(total / weight)
    return found


def plot_panels(path: Path, panels: Sequence[Panel], title: str) -> None:
    """Draw panels one below the other, over the same stretch of x; write a PNG.

    Raises UsageError if matplotlib is not installed, or the file can't be written.
    """
    figure = new_figure((9, 0.6 + 2.6 * len(panels)))
    found: Any = figure.subplots(len(panels), 1, squeeze=False, sharex=True)
    for axes, panel in zip(found[:, 0], panels, strict=True):
        _draw_lines(axes, panel.lines)
        axes.set_title(panel.title, loc="left", fontsize=10)
        axes.set_xlabel(panel.x, fontsize=8)
        axes.tick_params(labelbottom=True)
        axes.locator_params(axis="x", integer=True)
        axes.set_xlim(left=0)
        _plain_axes(axes)
        if panel.log:
            axes.set_yscale("log")
        if sum(not line.pale for line in panel.lines) > 1:
            axes.legend(fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=11)
    write_figure(figure, path)


def _draw_lines(axes: Any, lines: Sequence[Line]) -> None:
    place = 0
    for line in lines:
        own = {"color": _COLOURS[place % len(_COLOURS)]}
        place += not line.pale  # the smoother one that follows has its colour
        style = {"alpha": 0.25, "linewidth": 0.8} if line.pale else {"linewidth": 1.6}
        # a line through one point would not be seen
        mark = {"marker": "o", "markersize": 3} if line.dots or len(line.x) == 1 else {}
        label = None if line.pale else line.name
        axes.plot(line.x, line.y, label=label, **own, **style, **mark)


def _plain_axes(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)


def plot_landscape(
    path: Path, steps: NDArray[np.float64], losses: NDArray[np.float64], kind: Kind, title: str
) -> None:
    """Draw losses along one direction, float[k], or two, float[k, k]; write a PNG."""
    figure = new_figure((7, 5.5))
    losses = np.where(np.isfinite(losses), losses, np.nan)  # nothing is drawn there
    drawer = {"line": _draw_line, "plane": _draw_plane, "surface": _draw_surface}[kind]
    axes = drawer(figure, steps, losses)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(_ALONG)
    write_figure(figure, path)


def _draw_line(figure: Any, steps: NDArray[np.float64], losses: NDArray[np.float64]) -> Any:
    axes = figure.subplots()
    axes.plot(steps, losses, color=_COLOURS[0])
    axes.axvline(0, color=_COLOURS[1], linestyle=":", label="what was found")
    axes.legend(frameon=False)
    axes.set_ylabel("loss")
    _plain_axes(axes)
    return axes


def _draw_plane(figure: Any, steps: NDArray[np.float64], losses: NDArray[np.float64]) -> Any:
    from matplotlib.colors import BoundaryNorm

    axes = figure.subplots()
    levels = loss_levels(losses)
    norm = BoundaryNorm(levels, 256)
    drawn = axes.contourf(steps, steps, losses, levels=levels, norm=norm, cmap="viridis")
    axes.contour(steps, steps, losses, levels=levels, colors="white", linewidths=0.3)
    bar = figure.colorbar(drawn, label="loss", format="%.4g", ticks=levels[::4])
    bar.minorticks_off()
    axes.plot(0, 0, marker="x", color="white")
    axes.set_ylabel(_ACROSS)
    axes.set_aspect("equal")
    return axes


def _draw_surface(figure: Any, steps: NDArray[np.float64], losses: NDArray[np.float64]) -> Any:
    from matplotlib.colors import BoundaryNorm

    axes = figure.add_subplot(projection="3d")
    across, down = np.meshgrid(steps, steps)
    norm = BoundaryNorm(loss_levels(losses), 256)
    axes.plot_surface(across, down, losses, cmap="viridis", norm=norm, rcount=100, ccount=100)
    axes.set_zlabel("loss", labelpad=10)
    axes.set_ylabel(_ACROSS, labelpad=8)
    axes.locator_params(axis="both", nbins=5)
    axes.set_box_aspect(None, zoom=0.8)  # names of axes would be cut off
    return axes


def loss_levels(losses: NDArray[np.float64], count: int = 25) -> NDArray[np.float64]:
    """Losses from the least to the most, the closer the lower, float[count]; of finite ones.

    Far from what was found they are hundreds of times those around it, which is what is looked at.
    """
    finite = losses[np.isfinite(losses)]
    least, most = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    span = max(most - least, 1e-9 * max(1.0, abs(least)))
    return least + span * np.linspace(0, 1, count) ** 3
