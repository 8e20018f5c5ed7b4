"""SHA-256 of files, remembered for as long as size and time of a file stay the same."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import cast

from ..errors import TaggerError
from ..home import make, part

log = logging.getLogger(__name__)

_known: dict[str, str] = {}


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, as hex; a file unchanged in size and time is read once.

    What was computed is kept in the `cache` part of our home where that can be written.

    Raises:
        OSError: the file can't be read.
    """
    key = _key(path)
    if key not in _known:
        _known.update(_kept())
    if key not in _known:
        _known[key] = compute(path)
        _keep()
    return _known[key]


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


def remember(path: Path, digest: str) -> None:
    """Take a hash that was computed elsewhere over exactly this file's bytes."""
    _known[_key(path)] = digest
    _keep()


def _key(path: Path) -> str:
    real = path.resolve()
    stat = real.stat()
    return f"{stat.st_size} {stat.st_mtime_ns} {real}"


def _file() -> Path:
    return part("cache") / "hashes.json"


def _kept() -> dict[str, str]:
    try:
        kept: object = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict):
        return {}
    rows = cast("dict[object, object]", kept).items()
    return {k: v for k, v in rows if isinstance(k, str) and isinstance(v, str)}


def _keep() -> None:
    """Best effort: without it, the next process reads the file again."""
    try:
        short = make(_file().parent) / f".hashes-{os.getpid()}"
        short.write_text(json.dumps({**_kept(), **_known}, indent=0), encoding="utf-8")
        short.replace(_file())
    except (OSError, TaggerError) as error:
        log.debug("hashes are not kept: %s", error)
