"""Charts as SVG text, to stand in a page: points on logarithmic axes, stacked columns, cells.

A group, such as a tag's category, is a CSS class `c-GROUP`; the page says its colour, light and
dark. All text is escaped here, so that the result is safe as HTML.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 14, 46
_LABELS = 11
"""Sizes that fit along the side of a table of cells."""
_LETTER = 7
"""About how wide a letter is; names under columns are left out where they would touch."""


@dataclass(frozen=True)
class Point:
    """A place on a chart, both numbers over 0, and what is said when it is pointed at."""

    x: float
    y: float
    hint: str = ""


def points(series: Mapping[str, Sequence[Point]], x: str, y: str) -> str:
    """Draw groups of points on logarithmic axes named `x` and `y`."""
    every = [point for group in series.values() for point in group]
    if not every:
        return _empty(x, y)
    across = _decades([point.x for point in every])
    up = _decades([point.y for point in every])
    drawn = [
        f'<circle class="{group_class(group)}" cx="{_x(across, one.x)}" '
        f'cy="{_y(up, one.y)}" r="2.6">'
        f"<title>{escape(one.hint)}</title></circle>"
        for group, some in series.items()
        for one in some
    ]
    ticks = [_tick_up(_y(up, value), _short(value)) for value in _powers(up)]
    ticks += [_tick_across(_x(across, value), _short(value)) for value in _powers(across)]
    return frame([*ticks, *drawn], x, y)


def columns(names: Sequence[str], parts: Mapping[str, Sequence[int]], x: str, y: str) -> str:
    """Draw a column for each name, made of each group's part, the first at the bottom."""
    totals = [sum(values) for values in zip(*parts.values(), strict=True)]
    if not any(totals):
        return _empty(x, y)
    step = _step(max(totals))
    top = step * math.ceil(max(totals) / step)
    wide = (WIDTH - _LEFT - _RIGHT) / len(names)
    tall = (HEIGHT - _TOP - _BOTTOM) / top
    ticks = [
        _tick_up(HEIGHT - _BOTTOM - value * tall, _short(value))
        for value in range(0, top + 1, step)
    ]
    widest = max(map(len, names)) * _LETTER + 14
    every = math.ceil(len(names) * widest / (WIDTH - _LEFT - _RIGHT))
    middles = [_LEFT + wide * (at + 0.5) for at in range(len(names))]
    ticks += [_tick_across(middles[at], names[at]) for at in range(0, len(names), every)]
    return frame([*ticks, *_stacks(names, parts, wide, tall)], x, y)


def cells(
    table: Sequence[Sequence[int]], across: Sequence[str], up: Sequence[str], x: str, y: str
) -> str:
    """Draw a table of counts, `table[up][across]` from the bottom, the stronger the more."""
    most = max((max(row, default=0) for row in table), default=0)
    if not most:
        return _empty(x, y)
    wide = (WIDTH - _LEFT - _RIGHT) / len(across)
    tall = (HEIGHT - _TOP - _BOTTOM) / len(up)
    drawn = [
        f'<rect class="c-general" x="{_LEFT + wide * j:.1f}" '
        f'y="{HEIGHT - _BOTTOM - tall * (i + 1):.1f}" width="{wide - 1:.1f}" '
        f'height="{tall - 1:.1f}" rx="1.5" '
        f'opacity="{0.12 + 0.88 * math.log1p(count) / math.log1p(most):.2f}">'
        f"<title>{escape(f'{across[j]} × {up[i]}: {count:,}')}</title></rect>"
        for i, row in enumerate(table)
        for j, count in enumerate(row)
        if count
    ]
    sideways, upward = math.ceil(len(across) / _LABELS), math.ceil(len(up) / _LABELS)
    ticks = [
        _tick_across(_LEFT + wide * (j + 0.5), across[j]) for j in range(0, len(across), sideways)
    ]
    ticks += [
        _tick_up(HEIGHT - _BOTTOM - tall * (i + 0.5), up[i]) for i in range(0, len(up), upward)
    ]
    return frame([*ticks, *drawn], x, y)


def _stacks(
    names: Sequence[str], parts: Mapping[str, Sequence[int]], wide: float, tall: float
) -> Iterator[str]:
    for at, name in enumerate(names):
        foot = float(HEIGHT - _BOTTOM)
        for group, values in parts.items():
            if not values[at]:
                continue
            high = values[at] * tall
            foot -= high
            hint = (
                f"{name}, {group}: {values[at]:,}" if len(parts) > 1 else f"{name}: {values[at]:,}"
            )
            yield (
                f'<rect class="{group_class(group)}" x="{_LEFT + wide * (at + 0.08):.2f}" '
                f'y="{foot:.2f}" width="{wide * 0.84:.2f}" height="{high:.2f}">'
                f"<title>{escape(hint)}</title></rect>"
            )


def frame(drawn: Sequence[str], x: str, y: str) -> str:
    """Put what is drawn, escaped already, between axes named `x` and `y`."""
    names = (
        f'<text class="axis" x="{(WIDTH + _LEFT - _RIGHT) / 2:.0f}" y="{HEIGHT - 8}" '
        f'text-anchor="middle">{escape(x)}</text>'
        f'<text class="axis" transform="rotate(-90)" x="{-(HEIGHT - _BOTTOM + _TOP) / 2:.0f}" '
        f'y="12" text-anchor="middle">{escape(y)}</text>'
    )
    label = escape(f"{y} by {x}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f"{''.join(drawn)}{names}</svg>"
    )


def _empty(x: str, y: str) -> str:
    place = f'x="{WIDTH / 2:.0f}" y="{HEIGHT / 2:.0f}"'
    return frame([f'<text {place} text-anchor="middle">nothing to draw</text>'], x, y)


def _tick_up(at: float | str, name: str) -> str:
    at = float(at)
    return (
        f'<line class="rule" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{escape(name)}</text>'
    )


def _tick_across(at: float | str, name: str) -> str:
    place = f'x="{float(at):.1f}" y="{HEIGHT - _BOTTOM + 17}"'
    return f'<text {place} text-anchor="middle">{escape(name)}</text>'


def group_class(group: str) -> str:
    """A CSS class of a group's name, whatever it holds."""
    return "c-" + re.sub(r"[^a-z0-9]+", "-", group.lower()).strip("-")


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _powers(span: tuple[int, int]) -> list[float]:
    return [10.0**power for power in range(span[0], span[1] + 1)]


def _x(span: tuple[int, int], value: float) -> str:
    share = (math.log10(value) - span[0]) / (span[1] - span[0])
    return f"{_LEFT + share * (WIDTH - _LEFT - _RIGHT):.1f}"


def _y(span: tuple[int, int], value: float) -> str:
    share = (math.log10(value) - span[0]) / (span[1] - span[0])
    return f"{HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM):.1f}"


def _step(most: int) -> int:
    """A round number, three to six of which reach `most`."""
    power = 10 ** max(0, math.floor(math.log10(most)) - 1)
    steps = (power * times for times in (1, 2, 5, 10, 20, 50))
    return next(step for step in steps if most / step <= 6)


def _short(value: float) -> str:
    """1,000 as 1k: the axes have room for five letters."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
