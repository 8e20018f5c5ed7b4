"""The pictures of folders, folder by folder, in natural order; what else lies there is counted.

Names are taken literally: `[ ] *` mean nothing. What a file really is, is for `images` to say;
here its extension decides whether it is asked.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..images import EXTENSIONS
from ..paths import cause_of, openable
from .strays import TEMPORARY

_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Found:
    """A picture, and the folder that was asked for when it was found."""

    path: Path
    root: Path


@dataclass(frozen=True)
class Listing:
    """The names of one folder's pictures, in natural order."""

    folder: Path
    root: Path
    names: tuple[str, ...]


class Walk:
    """What lies under some folders; iterate over it once, the counts grow meanwhile.

    Attributes:
        pictures: how many were found.
        ignored: how many other files, by extension in lower case.
        unreadable: folders that could not be listed, each with the cause.
    """

    def __init__(self, roots: Iterable[Path], recursive: bool = True) -> None:
        self._roots = tuple(roots)
        self._recursive = recursive
        self._visited: set[tuple[int, int]] = set()
        self.pictures = 0
        self.ignored: Counter[str] = Counter()
        self.unreadable: list[tuple[Path, str]] = []

    def __iter__(self) -> Iterator[Found]:
        for listing in self.listings():
            for name in listing.names:
                yield Found(listing.folder / name, listing.root)

    def listings(self) -> Iterator[Listing]:
        """Folder by folder: a folder's own pictures, then those of its sub-folders."""
        single: dict[str, tuple[Path, set[str]]] = {}
        for root in self._roots:
            if root.is_dir():
                yield from self._descend(root)
            else:
                folder = os.path.realpath(root.parent)
                single.setdefault(folder, (root.parent, set()))[1].add(root.name)
        for folder, names in single.values():
            if self._first_visit(folder):
                self.pictures += len(names)
                yield Listing(folder, folder, tuple(sorted(names, key=natural_key)))

    def _descend(self, root: Path) -> Iterator[Listing]:
        waiting = [root]
        while waiting:
            folder = waiting.pop()
            try:
                # A link to a folder is followed, to one that was seen already it is not: no loop.
                if not self._first_visit(folder):
                    continue
                names, below = self._list(folder)
            except OSError as error:
                self.unreadable.append((folder, cause_of(error)))
                continue
            if names:
                self.pictures += len(names)
                yield Listing(folder, root, tuple(names))
            if self._recursive:
                waiting += [folder / name for name in reversed(below)]

    def _first_visit(self, folder: Path) -> bool:
        status = openable(folder).stat()
        identity = (status.st_dev, status.st_ino)
        if identity in self._visited:
            return False
        self._visited.add(identity)
        return True

    def _list(self, folder: Path) -> tuple[list[str], list[str]]:
        """The names of pictures and of sub-folders."""
        names: list[str] = []
        below: list[str] = []
        with os.scandir(openable(folder)) as entries:
            for entry in entries:
                if entry.name.startswith(TEMPORARY):
                    continue
                if _leads_to(entry.is_dir):
                    below.append(entry.name)
                elif _is_picture(entry):
                    names.append(entry.name)
                else:
                    self.ignored[_extension(entry.name)] += 1
        return sorted(names, key=natural_key), sorted(below, key=natural_key)


def walk(roots: Iterable[Path], recursive: bool = True) -> Walk:
    """Find the pictures of folders; a root may also be one picture.

    Each real folder is visited once, however many links or roots lead there. A sub-folder that
    can't be listed is noted and passed.
    """
    return Walk(roots, recursive)


def natural_key(name: str) -> str:
    """Sort key of a name as people count: 9 before 10, case aside; equal ones by their letters.

    One text, since a folder may hold a million: before each number stands how many digits it has.
    """
    return f"{_DIGITS.sub(_counted, name.casefold())}\0\0{name}"


def _counted(digits: re.Match[str]) -> str:
    number = str(int(digits[0]))
    return f"\0{chr(len(number))}{number}"


def _extension(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path a file would cost a second


def _is_picture(entry: os.DirEntry[str]) -> bool:
    """By extension; a broken link counts, so that it is reported, a pipe or socket does not.

    `._name` is what macOS leaves beside `name` on foreign disks.
    """
    if _extension(entry.name) not in EXTENSIONS or entry.name.startswith("._"):
        return False
    return _leads_to(entry.is_file) or entry.is_symlink()


def _leads_to(kind: Callable[[], bool]) -> bool:
    """Whether an entry is of a kind; no, if it is a link to itself or to what is closed to us."""
    try:
        return kind()
    except OSError:
        return False
