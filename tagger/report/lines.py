"""More charts as SVG text: lines on plain axes, and bars that lie, for names of any length.

A group is a CSS class, as in `svg`; `series 1`, `series 2`, ... are colours of a page for what has
none of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite

from .svg import HEIGHT, WIDTH, frame, group_class

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 14, 46
_ROW, _GAP = 15, 12
_NAMES = 150
"""Width that names at the side have; longer ones are cut."""
_LONGEST = 22
SERIES = 8
"""Colours that a page has for series; after the last one the first comes again."""

Span = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A line through points, in its group's colour; hint: what is said when pointed at.

    Points that are no number are left out.
    """

    group: str
    points: Sequence[tuple[float, float]]
    hint: str = ""


@dataclass(frozen=True)
class Row:
    """A name, and a bar for each group."""

    name: str
    values: Mapping[str, float]


def series(at: int) -> str:
    """The group of the series at a place, counted from 0."""
    return f"series {at % SERIES + 1}"


def lines(
    drawn: Sequence[Line], x: str, y: str, *, across: Span = (0.0, 1.0), up: Span = (0.0, 1.0)
) -> str:
    """Draw lines on axes named `x` and `y`; what leaves the spans is cut at the edge."""
    ticks = [_up(up, value) for value in _steps(up)]
    ticks += [_across(across, value) for value in _steps(across)]
    return frame([*ticks, *(_polyline(each, across, up) for each in drawn)], x, y)


def bars(rows: Sequence[Row], x: str, digits: int = 2) -> str:
    """Draw bars side by side under one another, each with its number, from 0."""
    most = max((value for row in rows for value in row.values.values()), default=0.0)
    scale = (WIDTH - _NAMES - 70) / most if most > 0 else 0.0
    parts: list[str] = []
    top = float(_TOP)
    for row in rows:
        parts += _bars(row, top, scale, digits)
        top += _ROW * len(row.values) + _GAP
    name = (
        f'<text class="axis" x="{_NAMES}" y="{top + 10:.0f}" text-anchor="start">{escape(x)}</text>'
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {top + 20:.0f}" role="img" aria-label="{escape(x)}">'
        f"{''.join(parts)}{name}</svg>"
    )


def _bars(row: Row, top: float, scale: float, digits: int) -> Iterator[str]:
    middle = top + _ROW * len(row.values) / 2 + 4
    name = row.name if len(row.name) <= _LONGEST else f"{row.name[: _LONGEST - 1]}…"
    yield f'<text x="{_NAMES - 8}" y="{middle:.1f}" text-anchor="end">{escape(name)}</text>'
    for group, value in row.values.items():
        wide = max(0.0, value * scale)
        hint = escape(f"{row.name}, {group}: {value:.{digits}f}")
        yield (
            f'<rect class="{group_class(group)}" x="{_NAMES}" y="{top + 1:.1f}" '
            f'width="{wide:.1f}" height="{_ROW - 3}" rx="2"><title>{hint}</title></rect>'
            f'<text x="{_NAMES + wide + 6:.1f}" y="{top + 11:.1f}">{value:.{digits}f}</text>'
        )
        top += _ROW


def _polyline(line: Line, across: Span, up: Span) -> str:
    drawn = [(x, y) for x, y in line.points if isfinite(x) and isfinite(y)]
    points = " ".join(f"{_x(across, x):.1f},{_y(up, y):.1f}" for x, y in drawn)
    hint = f"<title>{escape(line.hint)}</title>" if line.hint else ""
    return f'<polyline class="{group_class(line.group)}" points="{points}">{hint}</polyline>'


def _steps(span: Span) -> list[float]:
    low, high = span
    return [low + (high - low) * part / 5 for part in range(6)]


def _up(span: Span, value: float) -> str:
    at = _y(span, value)
    return (
        f'<line class="rule" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{value:g}</text>'
    )


def _across(span: Span, value: float) -> str:
    place = f'x="{_x(span, value):.1f}" y="{HEIGHT - _BOTTOM + 17}"'
    return f'<text {place} text-anchor="middle">{value:g}</text>'


def _x(span: Span, value: float) -> float:
    return _LEFT + _share(span, value) * (WIDTH - _LEFT - _RIGHT)


def _y(span: Span, value: float) -> float:
    return HEIGHT - _BOTTOM - _share(span, value) * (HEIGHT - _TOP - _BOTTOM)


def _share(span: Span, value: float) -> float:
    low, high = span
    return min(1.0, max(0.0, (value - low) / (high - low)))
