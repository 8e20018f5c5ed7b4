"""Tables of figures on the terminal."""

from __future__ import annotations

import sys

from ..evaluate.grid import Grid
from .screen import line, printable, table


def show(grid: Grid) -> None:
    """A table: by rich on a terminal, else in columns that other programs can cut."""
    line(grid.title)
    if not sys.stdout.isatty():
        table(grid.head, grid.rows)
        print()
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD)
    for at, name in enumerate(grid.head):
        shown.add_column(name, justify="left" if at < grid.left else "right")
    for row in grid.rows:
        shown.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(shown)
