"""One file: read within bounds, replaced whole or not at all, moved.

What is written goes under a short temporary name in the same folder and then takes its place, so
that a killed run leaves the old bytes or the new ones; names of 255 bytes work.
"""

from __future__ import annotations

import errno
import functools
import itertools
import os
import re
import secrets
import shutil
import socket
import stat
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import CaptionError
from ..paths import cause_of, openable

TEMPORARY = ".tagger-"
"""How the names of temporary files begin; nobody else's do."""

_LONGEST = 1 << 20  # bytes; what is larger is no caption
_ABANDONED_S = 24 * 3600  # a temporary file of another machine this old has no owner any more
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_NAME = re.compile(
    re.escape(TEMPORARY)
    + r"(?P<run>(?P<machine>[0-9a-f]{4})(?P<process>[0-9a-f]{1,8})\.[0-9a-f]{4})-\d+"
)
_TOKEN = secrets.token_hex(2)
_NUMBERS = itertools.count()


def get_file(path: Path, *, most: int = _LONGEST) -> bytes | None:
    """The bytes of a file, a caption unless `most` says that it may be larger; None if none is.

    Raises CaptionError if it can't be read or is too large to be a caption.
    """
    try:
        with openable(path).open("rb") as file:
            # asked for more than there is, Python makes room for it
            data = file.read(min(os.fstat(file.fileno()).st_size, most) + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CaptionError(f"{path}: can't be read: {cause_of(error)}") from error
    if len(data) > most:
        raise CaptionError(f"{path}: expected a caption, got more than {most >> 20} MiB of text")
    return data


def put_file(path: Path, data: bytes | None) -> None:
    """Put bytes in a file, whole or not at all; makes its folder. None removes the file.

    A link is followed, permissions stay. Raises CaptionError, and then the file is as before.
    """
    try:
        if data is None:
            openable(path).unlink(missing_ok=True)
        else:
            with replacing(path) as temporary:
                _put(temporary, data)
    except OSError as error:
        raise CaptionError(f"{path}: can't be written: {cause_of(error)}") from error


def is_full(error: BaseException) -> bool:
    """Whether an error of this module says that nothing more can be written there."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL


def move_file(path: Path, target: Path) -> None:
    """Move a file, with its times, also to another disk; makes the folder, overwrites nothing.

    Raises CaptionError, and then the file is where it was.
    """
    try:
        openable(target.parent).mkdir(parents=True, exist_ok=True)
        try:
            openable(path).rename(openable(target))
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _carry(openable(path), openable(target))
    except OSError as error:
        raise CaptionError(f"{path}: can't be moved to {target}: {cause_of(error)}") from error


def _carry(path: Path, target: Path) -> None:
    """Move to another disk: copied under a temporary name first."""
    temporary = _beside(target)
    try:
        shutil.copy2(path, temporary)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    path.unlink()


def sweep(folder: Path) -> int:
    """Remove the temporary files of runs that are dead; says how many there were."""
    swept = 0
    with suppress(OSError), os.scandir(openable(folder)) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.name.startswith(TEMPORARY) and _is_stray(entry):
                    Path(entry.path).unlink()
                    swept += 1
    return swept


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; at the end it takes the place of the file.

    A link is followed, permissions stay. Where the block fails, the file is as before and nothing
    else is left. Raises OSError.
    """
    path = openable(path)
    mode = _mode(path)
    if mode is not None and stat.S_ISLNK(mode):
        path = path.resolve()
        mode = _mode(path)
    if mode is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "read-only", str(path))
    temporary = _beside(path)
    try:
        yield temporary
        if mode is not None:
            temporary.chmod(mode & 0o7777)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _beside(path: Path) -> Path:
    return path.with_name(f"{TEMPORARY}{_run(os.getpid())}-{next(_NUMBERS)}")


def _mode(path: Path) -> int | None:
    """What is there: its kind and permissions; None if nothing is."""
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None


def _put(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


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
