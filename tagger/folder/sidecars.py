"""Caption files: read as UTF-8, written whole or not at all.

A caption is written under a short temporary name in the same folder and then takes its place, so
that a killed run leaves the old text or the new one; names of 255 bytes work.
"""

from __future__ import annotations

import codecs
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
from contextlib import suppress
from pathlib import Path

from ..errors import CaptionError
from ..paths import cause_of, openable

TEMPORARY = ".tagger-"
"""How the names of temporary files begin; nobody else's do."""

_LONGEST = 1 << 20  # bytes; what is larger is no caption
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_WAYS = "save it as UTF-8, or name what it is with --encoding"
_BLANK = 16  # bytes; what is larger is not read only to see whether it is blank
_ABANDONED_S = 24 * 3600  # a temporary file of another machine this old has no owner any more
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_NAME = re.compile(
    re.escape(TEMPORARY)
    + r"(?P<run>(?P<machine>[0-9a-f]{4})(?P<process>[0-9a-f]{1,8})\.[0-9a-f]{4})-\d+"
)
_TOKEN = secrets.token_hex(2)
_NUMBERS = itertools.count()


def read_caption(path: Path, *, strict: bool = True, encoding: str = "utf-8") -> str | None:
    """The text of a caption file, line ends as they are, without a BOM; None if there is no file.

    Raises CaptionError if it can't be read, is too large to be a caption, or is in another
    encoding; the last only if `strict`, else what can't be decoded is replaced.
    """
    data = get_file(path)
    return None if data is None else decode_caption(path, data, strict=strict, encoding=encoding)


def decode_caption(path: Path, data: bytes, *, strict: bool = True, encoding: str = "utf-8") -> str:
    """The text in a caption file's bytes; a BOM says more than `encoding`. Raises CaptionError."""
    for mark, marked in _MARKS.items():
        if data.startswith(mark) and (marked == "utf-8" or encoding != "utf-8"):
            data, encoding = data.removeprefix(mark), marked
            break
    if strict and encoding == "utf-8" and data.startswith(_UTF16):
        raise CaptionError(f"{path}: expected UTF-8, got UTF-16: {_WAYS}")
    try:
        return data.decode(encoding, "strict" if strict else "replace")
    except UnicodeDecodeError as error:
        raise CaptionError(
            f"{path}: expected {encoding.upper()}, got another encoding (byte {error.start}): "
            f"{_WAYS}"
        ) from error


def mark_of(data: bytes) -> bytes:
    """The BOM of UTF-8 that bytes begin with, if they do."""
    return codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""


def captions_in(folder: Path, extension: str) -> set[str]:
    """The names of a folder's caption files that hold a text, as `os.path.normcase` has them.

    Empty where there is no such folder, or none that can be listed: writing will say so.
    """
    names: set[str] = set()
    try:
        with os.scandir(openable(folder)) as entries:
            for entry in entries:
                name = os.path.normcase(entry.name)
                if name.endswith(os.path.normcase(extension)) and _has_text(entry):
                    names.add(name)
    except OSError:
        return names
    return names


def has_text(path: Path) -> bool:
    """Whether a caption file is there and holds a text."""
    try:
        size = openable(path).stat().st_size
        return size > _BLANK or bool(size and openable(path).read_bytes().strip())
    except FileNotFoundError:
        return False
    except OSError:
        return True  # something is there: never write over it


def _has_text(entry: os.DirEntry[str]) -> bool:
    try:
        if not entry.is_file():
            return False  # a folder of that name: reading it will say so
        size = entry.stat().st_size
        return size > _BLANK or bool(size and Path(entry.path).read_bytes().strip())
    except OSError:
        return True  # something is there: never write over it


def encode_caption(path: Path, text: str) -> bytes:
    """The bytes of a caption, never a blank one, that is to be written to `path`.

    Raises CaptionError if the text holds what is none.
    """
    if not text.strip():
        raise ValueError(f"{path}: an empty caption stops kohya's trainer")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CaptionError(
            f"{path}: expected text, got bytes of a file name that are none: rename the file"
        ) from error


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
            _replace(openable(path), data)
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
    temporary = target.with_name(f"{TEMPORARY}{_run(os.getpid())}-{next(_NUMBERS)}")
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


def _replace(path: Path, data: bytes) -> None:
    mode = _mode(path)
    if mode is not None and stat.S_ISLNK(mode):
        path = path.resolve()
        mode = _mode(path)
    if mode is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "read-only", str(path))
    temporary = path.with_name(f"{TEMPORARY}{_run(os.getpid())}-{next(_NUMBERS)}")
    try:
        _put(temporary, data)
        if mode is not None:
            temporary.chmod(mode & 0o7777)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


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
