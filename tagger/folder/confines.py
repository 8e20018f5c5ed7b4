"""Which folders a server may touch: a path is where it really is, links followed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import ClosedError


def is_within(path: Path, folders: Sequence[Path]) -> bool:
    """Whether a path, or what would be made there, lies in one of the folders or is one."""
    real = os.path.normcase(os.path.realpath(path))
    homes = (os.path.normcase(os.path.realpath(folder)) for folder in folders)
    return any(real == home or real.startswith(os.path.join(home, "")) for home in homes)  # noqa: PTH118 - ends in one /


def check_within(paths: Iterable[Path], folders: Sequence[Path]) -> None:
    """Refuse paths that lead out of the folders.

    Raises:
        ClosedError: naming the path as it was given, and nothing of what is there.
    """
    for path in paths:
        if not is_within(path, folders):
            open_ones = ", ".join(map(str, folders)) or "none: only uploads"
            raise ClosedError(
                f"{path}: expected a path in the folders that are open here ({open_ones}): name "
                f"another, or open it with --root (in a WebUI --tagger-root)"
            )
