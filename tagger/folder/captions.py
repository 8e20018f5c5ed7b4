"""The captions of folders, each with the pictures it belongs to; read one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from ..caption import CaptionFormat
from ..errors import UsageError
from ..settings import Folder
from .readings import Readings, Said, say
from .walk import Listing, Walk, walk
from .words import Reading, take_apart


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
    said: Said | None = field(default=None, compare=False, repr=False)

    @property
    def places(self) -> tuple[PurePath, ...]:
        """Where the pictures lie in the folder that was asked for."""
        return tuple(picture.relative_to(self.root) for picture in self.pictures)

    def read(self, form: CaptionFormat) -> Reading:
        """The caption taken apart; one that is not there says nothing."""
        return self.said.read(form) if self.said else take_apart(self.text or "", form)


class Captions:
    """The captions of some folders, in natural order. Each iteration reads the disk again.

    Attributes:
        unreadable: sub-folders that could not be listed in the last iteration, with the cause.
    """

    def __init__(
        self, roots: Sequence[Path], folder: Folder, readings: Readings | None = None
    ) -> None:
        """`readings` keeps what was read for the next time.

        Raises UsageError where a root is no folder.
        """
        if not roots:
            raise UsageError("expected a folder of pictures with captions, got none: name one")
        for root in roots:
            if not root.is_dir():
                got = "a file" if root.exists() else "nothing of that name"
                raise UsageError(f"{root}: expected a folder of pictures, got {got}")
        self.roots = tuple(roots)
        self.folder = folder
        if readings:
            readings.begin(self.roots, folder)
        self._say = readings.say if readings else say
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
            groups.setdefault(name.rpartition(".")[0], []).append(listing.folder / name)
        for stem, pictures in groups.items():
            caption = listing.folder / (stem + self.folder.extension)
            said = self._say(caption, self.folder.encoding)
            yield Captioned(tuple(pictures), listing.root, caption, said.text, said.fault, said)


def _no_pictures(roots: Sequence[Path], found: Walk) -> str:
    where = ", ".join(map(str, roots))
    if found.unreadable:
        path, cause = found.unreadable[0]
        return f"{where}: expected pictures, got none: {path} can't be listed, {cause}"
    return f"{where}: expected pictures, got none: name a folder that holds some"
