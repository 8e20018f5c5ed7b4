"""When two names are one file: asked of a folder's file system, without making anything there."""

from __future__ import annotations

import itertools
import os
import unicodedata
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from ..paths import openable

Same = Callable[[str], str]
"""What two names of one file have in common."""

_GLANCED = 64


def sameness(folder: Path) -> Same:
    """Under what names of files in a folder are one; a folder that is not there yet is judged by
    those above it.
    """
    return _folded if _folds(folder) else str


def repeated(names: Collection[str], same: Same = str) -> set[str]:
    """The names that are not the only ones of their file, as `same` has them.

    There may be a few more: of a million names their hashes are kept, not they.
    """
    hashes = np.fromiter((hash(same(name)) for name in names), np.int64, len(names))
    hashes.sort()
    twice = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    return {same(name) for name in names if hash(same(name)) in twice} if twice else set()


def _folded(name: str) -> str:
    """As file systems that ignore case compare, those of Windows and of macOS."""
    return unicodedata.normalize("NFC", name).lower()


def _folds(folder: Path) -> bool:
    whole = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay as they are named
    for place in (whole, *whole.parents):
        found = _answer(place)
        if found is not None:
            return found
    return os.name == "nt"


def _answer(place: Path) -> bool | None:
    """Whether a folder ignores case, by what lies in it; None where nothing there tells."""
    try:
        with os.scandir(openable(place)) as entries:
            names = [entry.name for entry in itertools.islice(entries, _GLANCED)]
        name = next((name for name in names if name.swapcase() != name), None)
        if name is None:
            return None
        own, other = (openable(place / each).lstat() for each in (name, name.swapcase()))
    except FileNotFoundError:
        return False if place.is_dir() else None
    except OSError:
        return None
    if (own.st_dev, own.st_ino) != (other.st_dev, other.st_ino):
        return False
    return name.swapcase() not in os.listdir(place)  # noqa: PTH208 - two names of one file, linked
