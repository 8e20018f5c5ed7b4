r"""A path as the system opens it: on Windows, past its 260 characters.

Windows refuses longer paths unless they are absolute and begin with `\\?\`. Captions lie deep in
people's folders and carry their pictures' names, so whatever opens or writes one comes by here.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePath, PureWindowsPath

# 260 with the closing zero; folders must leave 12 more for a name.
_LIMIT = 248


def openable(path: str | PurePath) -> Path:
    """The path as `open`, `os.replace` and the like take it; elsewhere than on Windows, itself."""
    if os.name != "nt":
        return Path(path)
    return Path(extended(PureWindowsPath(os.path.abspath(path))))  # noqa: PTH100 - `resolve` follows links


def extended(path: PureWindowsPath) -> PureWindowsPath:
    r"""Put `\\?\` before an absolute path that is too long; `\\?\UNC\` before a share's."""
    text = str(path)
    if len(text) < _LIMIT or text.startswith("\\\\?\\") or not path.is_absolute():
        return path
    if text.startswith("\\\\"):
        return PureWindowsPath("\\\\?\\UNC\\" + text[2:])
    return PureWindowsPath("\\\\?\\" + text)
