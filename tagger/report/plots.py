"""Charts as PNG files. matplotlib is asked for only when one is drawn, and never a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .figures import new_figure, write_figure

# the site's colours for its categories, darkened to be told apart on white
_COLOURS = {
    "general": "#4c72b0",
    "character": "#3a923a",
    "copyright": "#9656a2",
    "artist": "#c44e52",
    "species": "#dd8452",
    "meta": "#b8860b",
    "rating": "#7f7f7f",
}
_OTHER = "#17879b"


@dataclass(frozen=True)
class Bar:
    """One bar: its name, how long it is, and the group that colours it."""

    name: str
    value: int
    group: str = "general"


def plot_bars(path: Path, bars: Sequence[Bar], title: str) -> None:
    """Draw horizontal bars, the first on top, each with its number; write a PNG.

    Groups have their colours, explained where there are several. Where there are no bars, that is
    said in words. Raises UsageError if matplotlib is not installed, or the file can't be written.
    """
    figure = new_figure((8, 1.2 + 0.24 * len(bars)))
    axes = figure.subplots()
    axes.set_title(_plain(title))
    if bars:
        _draw(axes, bars)
    else:  # an axis from -0.05 to 0.05 would say that something was measured
        axes.set_axis_off()
        axes.text(0.5, 0.5, "nothing to draw", ha="center", va="center")
    write_figure(figure, path)


def _draw(axes: Any, bars: Sequence[Bar]) -> None:
    groups = list(dict.fromkeys(bar.group for bar in bars))
    for group in groups:
        rows = [(at, bar.value) for at, bar in enumerate(bars) if bar.group == group]
        places, values = [row[0] for row in rows], [row[1] for row in rows]
        drawn = axes.barh(places, values, color=_COLOURS.get(group, _OTHER), label=_plain(group))
        axes.bar_label(drawn, [f"{value:,}" for value in values], padding=3, fontsize=8)
    if len(groups) > 1:
        axes.legend(loc="lower right")
    axes.set_yticks(range(len(bars)), [_plain(_short(bar.name)) for bar in bars])
    axes.invert_yaxis()
    axes.margins(x=0.1, y=0.01)
    axes.locator_params(axis="x", integer=True)
    axes.spines[["top", "right"]].set_visible(False)


def _plain(text: str) -> str:
    """A `$` would begin a formula, and kaomoji have them; what has no glyph is no letter."""
    return "".join(c if c.isprintable() else "?" for c in text).replace("$", r"\$")


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:39]}…"
