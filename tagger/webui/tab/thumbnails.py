"""Small copies of pictures for the page: WEBP in data URIs, a bounded number of them kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ...errors import TaggerError
from ...paths import openable

SIDE = 160
MOST_BYTES = 64 << 20
"""Of all thumbnails that are kept, about ten thousand."""
THREADS = 4


class Thumbnails:
    """The thumbnails of a process. All methods may be called by any thread."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[tuple[str, int, int], str] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, picture: Path) -> str:
        """A data URI; empty where the picture can't be read."""
        try:
            state = openable(picture).stat()
        except OSError:
            return ""
        name = (str(picture), state.st_size, state.st_mtime_ns)
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        made = _made(picture)
        with self._lock:
            if name not in self._kept:
                self._kept[name] = made
                self._bytes += len(made)
            while self._bytes > self._most:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return made

    def all_of(self, pictures: Sequence[Path]) -> list[str]:
        """Those of several pictures, in order, a few at once."""
        if len(pictures) < 2:
            return [self.of(picture) for picture in pictures]
        with ThreadPoolExecutor(THREADS, "tagger-thumbnail") as pool:
            return list(pool.map(self.of, pictures))


def _made(picture: Path) -> str:
    from ...report.thumbnail import thumbnail  # no start waits for what opens pictures

    try:
        return thumbnail(picture, SIDE)
    except TaggerError:
        return ""
