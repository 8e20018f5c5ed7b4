"""The temporary files that writing goes through: their names, and those of dead runs swept away.

A folder that is written as a whole has such a name, too.
"""

from __future__ import annotations

import functools
import itertools
import os
import re
import secrets
import shutil
import socket
import sys
import time
import zlib
from contextlib import suppress
from pathlib import Path

from ..paths import openable

TEMPORARY = ".tagger-"
"""How the names of temporary files begin; nobody else's do."""

_ABANDONED_S = 24 * 3600  # a temporary file of another machine this old has no owner any more
_NAME = re.compile(
    re.escape(TEMPORARY)
    + r"(?P<run>(?P<machine>[0-9a-f]{4})(?P<process>[0-9a-f]{1,8})\.[0-9a-f]{4})-\d+"
)
_TOKEN = secrets.token_hex(2)
_NUMBERS = itertools.count()


def beside(path: str) -> str:
    """A temporary name in a file's folder that nobody else takes."""
    name = f"{TEMPORARY}{_run(os.getpid())}-{next(_NUMBERS)}"
    return os.path.join(os.path.dirname(path), name)


def sweep(folder: Path) -> int:
    """Remove the temporary files and folders of runs that are dead; says how many there were."""
    swept = 0
    with suppress(OSError), os.scandir(openable(folder)) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.name.startswith(TEMPORARY) and _is_stray(entry):
                    _remove(entry)
                    swept += 1
    return swept


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path)
    else:
        Path(entry.path).unlink()


@functools.cache
def _run(process: int) -> str:
    """A process's name in temporary files: machine, process, and a number against reuse."""
    return f"{_machine()}{process:x}.{_TOKEN}"


@functools.cache
def _machine() -> str:
    return f"{zlib.crc32(socket.gethostname().encode('utf-8', 'replace')) & 0xFFFF:04x}"


def _is_stray(entry: os.DirEntry[str]) -> bool:
    parts = _NAME.fullmatch(entry.name)
    if parts is None or parts["run"] == _run(os.getpid()):
        return False
    if parts["machine"] != _machine():
        return time.time() - entry.stat().st_mtime > _ABANDONED_S
    process = int(parts["process"], 16)
    return process == os.getpid() or not _alive(process)


def _alive(process: int) -> bool:
    if sys.platform == "win32":  # there, signal 0 is Ctrl-C
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x00100000, False, process)  # SYNCHRONIZE
        if not handle:
            return False
        try:
            return ctypes.windll.kernel32.WaitForSingleObject(handle, 0) != 0
        finally:
            ctypes.windll.kernel32.CloseHandle(handle)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
