"""Which pictures are there, and their size: headers only, many at once.

A header that can be read is no promise that the rest can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

THREADS = 8
"""Waiting for the disk is most of the work, so more than there are cores."""
MISSING = "picture missing"
BROKEN = "picture broken"


@dataclass(frozen=True)
class Picture:
    """Width and height in pixels as stored, before any turning; or why there are none."""

    width: int = 0
    height: int = 0
    reason: str | None = None


def look(paths: Iterable[Path], seen: Callable[[int], None] = lambda count: None) -> list[Picture]:
    """Read the pictures' headers, in the order given; `seen` is told how many are done."""
    found: list[Picture] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for picture in pool.map(measure, paths, chunksize=64):
            found.append(picture)
            if len(found) % 1000 == 0:
                seen(len(found))
    return found


def measure(path: Path) -> Picture:
    """Read one picture's header."""
    try:
        with Image.open(path) as image:
            return Picture(*image.size)
    except (FileNotFoundError, NotADirectoryError):
        return Picture(reason=MISSING)
    # Pillow's plug-ins answer a broken header with whatever their parser raised.
    except Exception:
        return Picture(reason=BROKEN)
