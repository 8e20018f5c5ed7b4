"""SHA-256 of files, remembered for as long as size and time of a file stay the same."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from pathlib import Path
from typing import cast

from ..errors import TaggerError
from ..home import make, part

log = logging.getLogger(__name__)

# Path of a file, links followed -> its size, time and hash.
_Known = dict[str, "tuple[int, int, str]"]
_known: _Known = {}


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, as hex; a file unchanged in size and time is read once.

    What was computed is kept in the `cache` part of our home where that can be written.

    Raises:
        OSError: the file can't be read.
    """
    return _recall(path) or remember(path, compute(path))


def compute(path: Path) -> str:
    """The SHA-256 of a file's bytes, as hex, read from the disk.

    Raises:
        OSError: the file can't be read.
    """
    state = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            state.update(piece)
    return state.hexdigest()


def remember(path: Path, digest: str) -> str:
    """Take a hash that was computed over exactly this file's bytes, and give it back."""
    name, size, time = _state(path)
    _known[name] = (size, time, digest)
    _keep()
    return digest


def _recall(path: Path) -> str | None:
    name, size, time = _state(path)
    if name not in _known:
        _known.update({k: v for k, v in _kept().items() if k not in _known})
    before = _known.get(name)
    return before[2] if before is not None and before[:2] == (size, time) else None


def _state(path: Path) -> tuple[str, int, int]:
    real = path.resolve()
    stat = real.stat()
    return str(real), stat.st_size, stat.st_mtime_ns


def _file() -> Path:
    return part("cache") / "hashes.json"


def _kept() -> _Known:
    try:
        kept: object = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(kept, dict):
        return {}
    found: _Known = {}
    for name, row in cast("dict[str, object]", kept).items():
        match row:
            case [int(size), int(time), str(digest)]:
                found[name] = (size, time, digest)
            case _:
                continue
    return found


def _keep() -> None:
    """Best effort: without it, the next process reads the file again."""
    try:
        mark = f"{os.getpid()}-{threading.get_ident()}"
        short = make(_file().parent) / f".hashes-{mark}"
        short.write_text(json.dumps({**_kept(), **_known}, indent=0), encoding="utf-8")
        short.replace(_file())
    except (OSError, TaggerError) as error:
        log.debug("hashes are not kept: %s", error)
