"""Colours of drawn materials: turning, mixing, and the four steps from lit to line."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import cache

Colour = tuple[int, int, int]


def tint(colour: Colour, hue: float = 0.0, saturation: float = 1.0, value: float = 1.0) -> Colour:
    """Turn the hue by a share of the circle, and scale saturation and value."""
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in colour))
    h, s, v = (h + hue) % 1, min(1.0, s * saturation), min(1.0, v * value)
    r, g, b = colorsys.hsv_to_rgb(h, s, v)
    return round(r * 255), round(g * 255), round(b * 255)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Go from `first` (share 0) to `second` (share 1)."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(first, second, strict=True))
    return r, g, b


@dataclass(frozen=True)
class Tone:
    """One material in four steps: lit, base, in shade, and the line around it."""

    base: Colour
    light: Colour
    shade: Colour
    line: Colour


@cache
def tone(base: Colour) -> Tone:
    """Derive the other steps: shade leans to violet, of yellows to orange; lines are deep."""
    hue = colorsys.rgb_to_hsv(*(c / 255 for c in base))[0]
    if 0.07 < hue < 0.19:
        shade = mix(tint(base, hue=-0.025, saturation=1.2, value=0.93), (214, 110, 90), 0.22)
        line = mix(tint(base, hue=-0.05, saturation=1.3, value=0.44), (80, 34, 50), 0.3)
    else:
        shade = mix(tint(base, saturation=1.12, value=0.86), (92, 70, 150), 0.11)
        line = mix(tint(base, saturation=1.25, value=0.42), (60, 34, 60), 0.35)
    return Tone(base, mix(base, (255, 255, 255), 0.5), shade, line)
