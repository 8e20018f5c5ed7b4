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
    """Draw panels one below the other; write a PNG.

    Raises UsageError if matplotlib is not installed, or the file can't be written.
    """
    figure = new_figure((9, 0.6 + 2.6 * len(panels)))
    found: Any = figure.subplots(len(panels), 1, squeeze=False)
    for axes, panel in zip(found[:, 0], panels, strict=True):
        place = 0
        for line in panel.lines:
            own = {"color": _COLOURS[place % len(_COLOURS)]}
            place += not line.pale  # the smoother one that follows has its colour
            style = {"alpha": 0.25, "linewidth": 0.8} if line.pale else {"linewidth": 1.6}
            mark = {"marker": "o", "markersize": 3} if line.dots else {}
            label = None if line.pale else line.name
            axes.plot(line.x, line.y, label=label, **own, **style, **mark)
        axes.set_title(panel.title, loc="left", fontsize=10)
        axes.set_xlabel(panel.x, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
        if panel.log:
            axes.set_yscale("log")
        if sum(not line.pale for line in panel.lines) > 1:
            axes.legend(fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=11)
    write_figure(figure, path)


def plot_landscape(
    path: Path, steps: NDArray[np.float64], losses: NDArray[np.float64], kind: Kind, title: str
) -> None:
    """Draw losses along one direction, float[k], or two, float[k, k]; write a PNG."""
    figure = new_figure((7, 5.5))
    if kind == "line":
        axes: Any = figure.subplots()
        axes.plot(steps, losses, color=_COLOURS[0])
        axes.set_ylabel("loss")
    elif kind == "plane":
        axes = figure.subplots()
        # a loss far from what was found is hundreds of times the one there
        levels = np.geomspace(max(1e-9, losses.min()), max(2e-9, losses.max()), 25)
        drawn = axes.contourf(steps, steps, losses, levels=levels, norm="log", cmap="viridis")
        axes.contour(steps, steps, losses, levels=levels, colors="white", linewidths=0.3)
        figure.colorbar(drawn, label="loss", format="%.3g")
        axes.plot(0, 0, marker="x", color="white")
    else:
        axes = figure.add_subplot(projection="3d")
        across, down = np.meshgrid(steps, steps)
        axes.plot_surface(across, down, losses, cmap="viridis")
        axes.set_zlabel("loss")
    axes.set_xlabel("share of the weights' size along a random direction")
    axes.set_title(title, fontsize=10)
    write_figure(figure, path)
