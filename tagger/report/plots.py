"""Charts as PNG files. matplotlib is asked for only when one is drawn, and never a screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError
from ..paths import cause_of, openable


def plot_bars(path: Path, names: Sequence[str], values: Sequence[int], title: str) -> None:
    """Draw horizontal bars, the first on top, each with its number; write a PNG.

    Raises UsageError if matplotlib is not installed, or the file can't be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            'a chart: expected matplotlib, got none: pip install "sd-webui-tagger[report]"'
        ) from error
    figure = Figure(figsize=(8, 1.2 + 0.24 * len(names)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(range(len(names)), values, color="#4c72b0")
    # a `$` would begin a formula, and kaomoji have them
    axes.set_yticks(range(len(names)), [name.replace("$", r"\$") for name in names])
    axes.bar_label(bars, [f"{value:,}" for value in values], padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.1, y=0.01)
    axes.locator_params(axis="x", integer=True)
    axes.set_title(title.replace("$", r"\$"))
    axes.spines[["top", "right"]].set_visible(False)
    try:
        FigureCanvasAgg(figure).print_png(str(openable(path)))
    except OSError as error:
        raise UsageError(f"{path}: expected to write a chart, got {cause_of(error)}") from error
