"""Where our own things lie: `TAGGER_HOME`, else the platform's data folder.

Knows the names of the parts, not what is in them. Nothing is made before something is written.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal, get_args

from .errors import UsageError
from .paths import expanded

Part = Literal["scores", "runs", "presets", "relations", "models", "cache", "training"]
PARTS: tuple[Part, ...] = get_args(Part)


def home() -> Path:
    """The folder of everything that Tagger keeps, whether it exists yet or not.

    `TAGGER_HOME` where it is set (`~` is understood, a relative path counts from the working
    folder), else the platform's folder for a user's data.
    """
    named = os.environ.get("TAGGER_HOME", "").strip()
    if named:
        return Path(os.path.abspath(expanded(named)))  # noqa: PTH100  links stay as named
    return _data_folder() / "sd-webui-tagger"


def part(name: Part) -> Path:
    """The folder of one part, whether it exists yet or not."""
    if name not in PARTS:
        raise ValueError(f"expected one of {', '.join(PARTS)}, got {name!r}")
    return home() / name


def make(folder: Path) -> Path:
    """Make a folder, with those above it, and give it back.

    Raises:
        UsageError: the folder can't be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(folder, error.strerror or str(error)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refused(folder, "no permission to write")
    return folder


def _data_folder() -> Path:
    """Where the platform keeps a user's data; as platformdirs has it, which hosts lack."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if named := os.environ.get("XDG_DATA_HOME", "").strip():
        return Path(named)
    mac = sys.platform == "darwin"
    return Path.home() / ("Library/Application Support" if mac else ".local/share")


def _refused(folder: Path, cause: str) -> UsageError:
    return UsageError(
        f"expected to write to {folder}, got {cause}: set TAGGER_HOME to a folder of yours"
    )
