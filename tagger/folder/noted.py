"""Paths with reasons: what failed or was left, few of it in memory however much there is."""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

REMEMBERED = 1000
"""Paths that are remembered with their reasons; the others are counted."""
_SPOOL = 1 << 20  # bytes in memory before they go to a temporary file


class Noted:
    """Paths with reasons: all are counted, the first remembered; on request all, on the disk.

    Iterate for those that are remembered; `len` counts all.
    """

    def __init__(self, *, whole: bool = False) -> None:
        """`whole`: remember all, beyond some in a temporary file that no name leads to."""
        self._first: list[tuple[Path, str]] = []
        self._count = 0
        self._rest: IO[str] | None = None
        if whole:
            self._rest = _spool()
            weakref.finalize(self, self._rest.close)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[Path, str]]:
        yield from self._first
        if self._rest is not None:
            self._rest.seek(0)
            for line in self._rest:
                path, reason = json.loads(line)
                yield Path(path), reason
            self._rest.seek(0, 2)

    def add(self, path: Path, reason: str) -> None:
        """Note one more."""
        self._count += 1
        if len(self._first) < REMEMBERED:
            self._first.append((path, reason))
        elif self._rest is not None:
            with suppress(OSError):  # no space for it: it is counted
                self._rest.write(json.dumps([str(path), reason]) + "\n")


def _spool() -> IO[str]:
    return tempfile.SpooledTemporaryFile(_SPOOL, "w+", encoding="utf-8", newline="\n")
