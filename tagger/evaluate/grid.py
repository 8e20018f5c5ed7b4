"""A table of text: its title, its columns and their cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

NONE = "n/a"


@dataclass(frozen=True)
class Grid:
    """A table: its title, what its columns are, and their cells; `left` columns are words."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1


def number(value: float | None, digits: int = 3) -> str:
    """A figure, or what stands for none."""
    if value is None or math.isnan(value):
        return NONE
    return f"{round(value, digits) + 0.0:.{digits}f}"  # no minus before nothing but zeros
