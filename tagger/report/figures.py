"""A figure of matplotlib, made and written; what is drawn in it is `plots`' and `curves`'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..extras import install
from ..paths import cause_of, openable


def new_figure(size: tuple[float, float]) -> Any:
    """An empty figure, inches wide and high. Raises UsageError if matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            f"a chart: expected matplotlib, got none: `{install('report')}`"
        ) from error
    return Figure(figsize=size, layout="constrained")


def write_figure(figure: Any, path: Path) -> None:
    """Write it as PNG. Raises UsageError if the file can't be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    try:
        FigureCanvasAgg(figure).print_png(str(openable(path)))
    except OSError as error:
        raise UsageError(f"{path}: expected to write a chart, got {cause_of(error)}") from error
