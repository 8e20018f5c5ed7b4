"""One file: read within bounds, replaced whole or not at all, moved.

What is written goes under a short temporary name in the same folder and then takes its place, so
that a killed run leaves the old bytes or the new ones; names of 255 bytes work.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from ..bytecount import readable
from ..errors import CaptionError
from ..paths import cause_of, openable, patiently
from ..store.looks import SETTLED_NS
from .strays import beside

_LONGEST = 1_000_000  # bytes; what is larger is no caption
PIECE = 1 << 20
"""Bytes of a large file that are in memory at a time."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_OWN = getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_CLOEXEC", 0)
Stamp = tuple[int, int, int, int]
"""Size, times and inode of a file: while they stay, so does what it holds."""


class Seen(NamedTuple):
    """What a file held, None if there was none, and its stamp where that tells of any change."""

    data: bytes | None
    stamp: Stamp | None = None


def get_file(path: Path, *, most: int = _LONGEST) -> bytes | None:
    """The bytes of a file, a caption unless `most` says that it may be larger; None if none is.

    Raises CaptionError if it can't be read or is too large to be a caption.
    """
    return see(path, most=most).data


def see(path: Path, *, most: int = _LONGEST) -> Seen:
    """What a file holds now. Raises CaptionError as `get_file` does."""
    try:
        file = os.open(openable(path), _READ)
        try:
            status = os.fstat(file)
            # asked for more than there is, Python makes room for it
            data = os.read(file, min(status.st_size, most) + 1)
            while len(data) <= most and (more := os.read(file, min(PIECE, most + 1 - len(data)))):
                data += more
        finally:
            os.close(file)
    except FileNotFoundError:
        return Seen(None)
    except OSError as error:
        raise CaptionError(f"{path}: can't be read: {cause_of(error)}") from error
    if len(data) > most:
        raise CaptionError(f"{path}: expected a caption, got more than {readable(most)} of text")
    settled = abs(time.time_ns() - status.st_mtime_ns) > SETTLED_NS
    return Seen(data, stamp_of(status) if settled else None)


def holds(path: Path, seen: Seen, *, most: int = _LONGEST) -> bool:
    """Whether a file still holds what it held; read again only where its times do not tell.

    Raises CaptionError as `get_file` does.
    """
    if seen.stamp is not None:
        with suppress(OSError):
            if stamp_of(os.stat(openable(path))) == seen.stamp:
                return True
    return get_file(path, most=most) == seen.data


def digest(content: bytes) -> bytes:
    """What the journal knows a content by."""
    return hashlib.blake2b(content, digest_size=16).digest()


def digest_of(path: Path) -> bytes | None:
    """The `digest` of what a file holds, however large it is; None if there is none.

    Raises CaptionError if it can't be read.
    """
    found = hashlib.blake2b(digest_size=16)
    try:
        for piece in pieces(path):
            found.update(piece)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CaptionError(f"{path}: can't be read: {cause_of(error)}") from error
    return found.digest()


def pieces(path: Path) -> Iterator[bytes]:
    """What a file holds, a MiB or so at a time. Raises OSError."""
    with open(openable(path), "rb", buffering=0) as file:
        while piece := file.read(PIECE):
            yield piece


def stamp_of(status: os.stat_result) -> Stamp:
    """What tells of a file that it is another than it was."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def put_file(path: Path, data: bytes | None) -> None:
    """Put bytes in a file, whole or not at all; makes its folder. None removes the file.

    A link is followed, permissions stay. Raises CaptionError, and then the file is as before.
    """
    try:
        if data is None:
            place = openable(path)
            patiently(lambda: place.unlink(missing_ok=True))
        else:
            _replace(path, data)
    except OSError as error:
        raise CaptionError(f"{path}: can't be written: {cause_of(error)}") from error


def put_pieces(path: Path, parts: Iterable[bytes]) -> None:
    """As `put_file`, for bytes of any number."""
    try:
        openable(path.parent).mkdir(parents=True, exist_ok=True)
        with replacing(path) as place, place.open("wb") as file:
            file.writelines(parts)
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
            patiently(lambda: openable(path).rename(openable(target)))
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _carry(openable(path), openable(target))
    except OSError as error:
        raise CaptionError(f"{path}: can't be moved to {target}: {cause_of(error)}") from error


def _carry(path: Path, target: Path) -> None:
    """Move to another disk: copied under a temporary name first."""
    temporary = Path(beside(os.fspath(target)))
    try:
        shutil.copy2(path, temporary)
        temporary.replace(target)
    except BaseException:
        _remove(temporary)
        raise
    patiently(path.unlink)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; at the end it takes the place of the file.

    A link is followed, permissions stay. Where the block fails, or removes what it wrote, the file
    is as before and nothing else is left. Raises OSError.
    """
    where, mode = _found(path)
    temporary = Path(beside(where))
    try:
        yield temporary
        if not temporary.exists():
            return
        if mode is not None:
            temporary.chmod(mode & 0o7777)
        patiently(lambda: temporary.replace(where))
    except BaseException:
        _remove(temporary)
        raise


def _replace(path: Path, data: bytes) -> None:
    """What `replacing` does, without a Path for each step: captions are many."""
    where, mode = _found(path)
    temporary = beside(where)
    try:
        made = _put(temporary, data)
        if mode is not None and (mode ^ made) & 0o7777:
            os.chmod(temporary, mode & 0o7777)
        patiently(lambda: os.replace(temporary, where))
    except BaseException:
        _remove(temporary)
        raise


def _remove(temporary: str | Path) -> None:
    """Take away what was not finished; what can't be removed now, a later run sweeps."""
    with suppress(OSError):
        patiently(lambda: os.unlink(temporary))


def _found(path: Path) -> tuple[str, int | None]:
    """Where a path leads, links followed, and the mode of what is there, None if nothing is.

    Raises PermissionError where that may not be written to.
    """
    where = os.fspath(openable(path))
    mode = _mode(where)
    if mode is not None and stat.S_ISLNK(mode):
        where = os.path.realpath(where)
        mode = _mode(where)
    if mode is not None and not os.access(where, os.W_OK):
        raise PermissionError(errno.EACCES, "read-only", where)
    return where, mode


def _mode(path: str) -> int | None:
    """What is there: its kind and permissions; None if nothing is."""
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return None


def _put(path: str, data: bytes) -> int:
    """Write a new file, with the folders above it; its mode."""
    try:
        file = os.open(path, _FRESH, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = os.open(path, _FRESH, 0o666)
    try:  # captions are many: a file object each would take longer than the writing
        while data:
            data = data[os.write(file, data) :]
        return os.fstat(file).st_mode
    finally:
        os.close(file)


_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | _OWN
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | _OWN
