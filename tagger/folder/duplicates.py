"""Pictures of the same bytes under several names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ImageError
from ..images import content_hash
from ..paths import cause_of, openable


@dataclass
class Duplicates:
    """groups: pictures that are the same, the first found first. unread: which could not be."""

    groups: list[tuple[Path, ...]] = field(default_factory=list[tuple[Path, ...]])
    unread: list[tuple[Path, str]] = field(default_factory=list[tuple[Path, str]])


def find_duplicates(pictures: Iterable[Path]) -> Duplicates:
    """Group pictures by content; only those of one size are read."""
    found = Duplicates()
    sizes: dict[int, list[Path]] = {}
    for picture in pictures:
        try:
            sizes.setdefault(openable(picture).stat().st_size, []).append(picture)
        except OSError as error:
            found.unread.append((picture, cause_of(error)))
    for alike in sizes.values():
        if len(alike) > 1:
            found.groups += _same(alike, found.unread)
    return found


def _same(pictures: Iterable[Path], unread: list[tuple[Path, str]]) -> list[tuple[Path, ...]]:
    contents: dict[str, list[Path]] = {}
    for picture in pictures:
        try:
            contents.setdefault(content_hash(picture), []).append(picture)
        except ImageError as error:
            unread.append((picture, error.cause))
    return [tuple(group) for group in contents.values() if len(group) > 1]
