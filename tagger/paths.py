r"""A path as the system opens it, what it says when it refuses, and when to ask it again.

Windows refuses longer paths unless they are absolute and begin with `\\?\`. Captions lie deep in
people's folders and carry their pictures' names, so whatever opens or writes one comes by here.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path, PurePath, PureWindowsPath
from typing import TypeVar

T = TypeVar("T")

# 260 with the closing zero; folders must leave 12 more for a name.
_LIMIT = 248

_CAUSES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOENT: "no such file or folder",
    errno.EISDIR: "a folder, not a file",
    errno.ENOTDIR: "a file, where the path has a folder",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EIO: "the disk reports an error",
    errno.EMFILE: "too many open files",
}
_IN_USE = (32, 33)  # Windows: ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION
_REPLACED_IN_USE = 5  # Windows: ERROR_ACCESS_DENIED, which replacing an open file is
_BUSY = (errno.EBUSY, errno.ETXTBSY)
_TRIES_S = (0.01, 0.03, 0.1, 0.3)
"""Seconds between the tries at a file that another program has open: scanners soon let go."""


def expanded(text: str | PurePath) -> Path:
    """A path as a person writes it: `~` is the home of who asks; of somebody unknown it stays."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path's own raises where there is no home


def openable(path: str | PurePath) -> Path:
    """The path as `open`, `os.replace` and the like take it; elsewhere than on Windows, itself."""
    if os.name != "nt":
        return path if isinstance(path, Path) else Path(path)
    return Path(extended(PureWindowsPath(os.path.abspath(path))))  # noqa: PTH100 - `resolve` follows links


def extended(path: PureWindowsPath) -> PureWindowsPath:
    r"""Put `\\?\` before an absolute path that is too long; `\\?\UNC\` before a share's."""
    text = str(path)
    if len(text) < _LIMIT or text.startswith("\\\\?\\") or not path.is_absolute():
        return path
    if text.startswith("\\\\"):
        return PureWindowsPath("\\\\?\\UNC\\" + text[2:])
    return PureWindowsPath("\\\\?\\" + text)


def cause_of(error: OSError) -> str:
    """What the system said, as a phrase for people: "the disk is full"."""
    if getattr(error, "winerror", None) in _IN_USE:
        return "another program has it open"
    return _CAUSES.get(error.errno or 0) or (error.strerror or "the system refuses").lower()


def patiently(act: Callable[[], T]) -> T:
    """Do something to a file that another program may have open for a moment.

    Windows refuses then to replace, move or remove it. Raises OSError where it stays so.
    """
    for seconds in _TRIES_S:
        try:
            return act()
        except OSError as error:
            if not _is_in_use(error):
                raise
            time.sleep(seconds)
    return act()


def _is_in_use(error: OSError) -> bool:
    code = getattr(error, "winerror", None)
    return error.errno in _BUSY if code is None else code in (*_IN_USE, _REPLACED_IN_USE)
