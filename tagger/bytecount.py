"""A number of bytes as people read it: `378 MB`, `1.26 GB`."""

from __future__ import annotations

_UNITS = ("kB", "MB", "GB", "TB")


def readable(count: float) -> str:
    """Three digits and a unit; decimal, as disks and downloads are counted."""
    if round(count) < 1000:
        return f"{count:.0f} bytes"
    value, place = count / 1000, 0
    while value >= 999.5 and place < len(_UNITS) - 1:
        value, place = value / 1000, place + 1
    return f"{value:,.0f} {_UNITS[place]}" if value >= 99.5 else f"{value:.3g} {_UNITS[place]}"
