"""What a file was found to hold, and whether it still does: by size, time and inode."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

from ..images import content_hash
from ..paths import openable

SETTLED_NS = 2_000_000_000
"""A file changed more recently than this may change again without its time telling (FAT's clock
ticks every two seconds); its hash is not remembered."""


class Look(NamedTuple):
    """What a file was found to hold, and its size, time and inode then.

    content: the file's hash in hex. state: None where it was being changed meanwhile. settled:
    whether its time would tell if it were changed right after.
    """

    path: Path
    content: str
    state: tuple[int, int, str] | None
    settled: bool = True

    @property
    def still(self) -> bool:
        """Whether the file is as it was, by its size, time and inode."""
        return self.state is not None and self.state == state_of(self.path)


def look(path: Path) -> Look:
    """Read a file for its hash. Raises ImageError."""
    before = state_of(path)
    digest = content_hash(path)
    settled = before is not None and abs(time.time_ns() - before[1]) > SETTLED_NS
    return Look(path, digest, before if before == state_of(path) else None, settled)


def name_of(path: Path) -> bytes:
    """A file as the store names it."""
    return os.fsencode(os.path.abspath(path))  # noqa: PTH100 - links stay as they are named


def state_of(path: Path) -> tuple[int, int, str] | None:
    """Size, time and inode of a file; the inode as text, since some exceed SQLite's integers."""
    try:
        found = openable(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, str(found.st_ino)
