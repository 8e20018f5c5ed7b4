"""The files that belong to a picture by their names: they go where it goes.

Beside `a.png` these are `a.txt`, `a.caption`, `a.json`, kohya's latents and text encoder outputs
(`a.npz`, `a_0512x0768_sdxl.npz`, `a_te_outputs.npz`), and what bears its whole name, `a.png.json`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence, Set
from pathlib import Path

from ..images import EXTENSIONS
from ..paths import openable

_ENDINGS = (".txt", ".caption", ".json", ".npz")
# sd-scripts, library/strategy_*.py: size, family and flipping of latents; text encoder outputs
_CACHE = re.compile(r"_\d{2,5}x\d{2,5}(_[a-z0-9]+)?(_flip)?\.npz|(_[a-z0-9]+)?_te(_outputs)?\.npz")

Beside = dict[str, list[Path]]
"""Files by the picture that they belong to."""


def companions(folder: Path, extension: str) -> Beside:
    """The files of a folder by the picture that they belong to: by its name, or by its stem.

    Those by stem belong to every picture of that stem. `extension` is that of captions. Empty for
    a folder that can't be listed.
    """
    try:
        with os.scandir(openable(folder)) as entries:
            names = [each.name for each in entries if each.is_symlink() or not each.is_dir()]
    except OSError:
        return Beside()
    pictures = {name for name in names if _ending(name) in EXTENSIONS}
    known = pictures | {name[: -len(_ending(name))] for name in pictures}
    found = Beside()
    for name in sorted(set(names) - pictures):
        owner = _owner(name, known, (*_ENDINGS, extension))
        if owner:
            found.setdefault(owner, []).append(folder / name)
    return found


def _owner(name: str, known: Set[str], endings: Sequence[str]) -> str:
    """Whose file this is: the longest name that fits; empty if it is nobody's."""
    for ending in endings:
        if name.endswith(ending) and name[: -len(ending)] in known:
            return name[: -len(ending)]
    if name.endswith(".npz"):
        for place in (at for at in range(len(name) - 1, 0, -1) if name[at] == "_"):
            if name[:place] in known and _CACHE.fullmatch(name, place):
                return name[:place]
    return ""


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - there may be many
