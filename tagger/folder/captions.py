"""The captions of folders, each with the pictures it belongs to; read one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from ..errors import CaptionError, UsageError
from ..settings import Folder
from .sidecars import read_caption
from .walk import Listing, Walk, walk


@dataclass(frozen=True)
class Captioned:
    """A caption file, there or not, and its pictures: more than one where they share a name.

    text: None if there is none, or none that can be read; then `fault` says why.
    """

    pictures: tuple[Path, ...]
    root: Path
    caption: Path
    text: str | None
    fault: str = ""

    @property
    def places(self) -> tuple[PurePath, ...]:
        """Where the pictures lie in the folder that was asked for."""
        return tuple(picture.relative_to(self.root) for picture in self.pictures)


class Captions:
    """The captions of some folders, in natural order. Each iteration reads the disk again.

    Attributes:
        unreadable: sub-folders that could not be listed in the last iteration, with the cause.
    """

    def __init__(self, roots: Sequence[Path], folder: Folder) -> None:
        """Raises UsageError where a root is no folder."""
        if not roots:
            raise UsageError("expected a folder of pictures with captions, got none: name one")
        for root in roots:
            if not root.is_dir():
                got = "a file" if root.exists() else "nothing of that name"
                raise UsageError(f"{root}: expected a folder of pictures, got {got}")
        self.roots = tuple(roots)
        self.folder = folder
        self.unreadable: list[tuple[Path, str]] = []

    def __iter__(self) -> Iterator[Captioned]:
        found = walk(self.roots, self.folder.recursive)
        self.unreadable = found.unreadable
        for listing in found.listings():
            yield from self._of(listing)
        if not found.pictures:
            raise UsageError(_no_pictures(self.roots, found))

    def _of(self, listing: Listing) -> Iterator[Captioned]:
        groups: dict[str, list[Path]] = {}
        for name in listing.names:
            picture = listing.folder / name
            groups.setdefault(picture.stem, []).append(picture)
        for stem, pictures in groups.items():
            caption = listing.folder / (stem + self.folder.extension)
            try:
                text, fault = read_caption(caption, encoding=self.folder.encoding), ""
            except CaptionError as error:
                text, fault = None, str(error)
            yield Captioned(tuple(pictures), listing.root, caption, text, fault)


def _no_pictures(roots: Sequence[Path], found: Walk) -> str:
    where = ", ".join(map(str, roots))
    if found.unreadable:
        path, cause = found.unreadable[0]
        return f"{where}: expected pictures, got none: {path} can't be listed, {cause}"
    return f"{where}: expected pictures, got none: name a folder that holds some"
