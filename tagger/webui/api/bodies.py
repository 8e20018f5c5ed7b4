"""What the new routes take, as settings: ranges and sentences are those of the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...caption import CaptionFormat
from ...errors import OptionError
from ...folder.recall import Keeping
from ...options import check, option
from ...relations import Mode
from ...selection import Selection
from ...settings import Folder, OnExisting, Settings
from ..runs import FolderRequest

MOST_IMAGES = 64


@dataclass(frozen=True)
class _Asked:
    """What decides a caption, as every new route takes it."""

    model: str = option("", help="A listed model; without it the default.")
    selection: Selection = option(factory=Selection, help="Which scores become tags.")
    format: CaptionFormat = option(factory=CaptionFormat, help="How the tags are written.")
    implied: Mode = option("off", help="What is done with a tag and those it implies.")
    series: bool = option(False, help="Write what a character belongs to.")

    @property
    def settings(self) -> Settings:
        """The same as the rest of Tagger has it."""
        return Settings(self.selection, self.format, self.implied, self.series)


@dataclass(frozen=True)
class TagsBody(_Asked):
    """`POST tags`: one picture or up to 64."""

    image: str | None = option(
        None, help="A picture: base64, a data URL, or where the server allows it an http address."
    )
    images: tuple[str, ...] | None = option(None, help="Up to 64 pictures, likewise.")
    scores: bool = option(False, help="Give the score of every tag the model knows, too.")

    def __post_init__(self) -> None:
        check(self)
        if (self.image is None) == (self.images is None):
            raise OptionError("expected one of image and images")
        if self.images is not None and not 1 <= len(self.images) <= MOST_IMAGES:
            raise OptionError(f"images: expected 1 to {MOST_IMAGES}, got {len(self.images)}")

    @property
    def pictures(self) -> tuple[str, ...]:
        """The pictures, in order."""
        return (self.image,) if self.image is not None else self.images or ()


@dataclass(frozen=True)
class BatchBody(_Asked):
    """`POST batch`: a folder, or single pictures, on the server's disk."""

    folder: str | None = option(None, help="A folder of pictures on the server.")
    files: tuple[str, ...] = option((), help="Pictures on the server, instead of a folder.")
    include: tuple[str, ...] = option((), help="Only pictures whose path below the folder fits.")
    exclude: tuple[str, ...] = option((), help="No pictures whose path below the folder fits.")
    out: str | None = option(None, help="Folder for the captions; else beside the pictures.")
    on_existing: OnExisting = option("skip", help="What is done where a caption is there.")
    extension: str = option(".txt", help="Ending of a caption file's name.")
    name: str = option("", help="Name of a caption file, with [name], [extension] and so on.")
    recursive: bool = option(True, help="Go into sub-folders.")
    newline: bool = option(False, help="End the file with a line break.")
    encoding: str = option("utf-8", help="Encoding of the captions that are there.")
    json_sidecar: bool = option(False, help="Write the scores too, as JSON.")
    rehash: bool = option(False, help="Read every picture, also those that look unchanged.")
    all_scores: bool = option(False, help="Keep every score, not only those of 0.01 and more.")
    dry_run: bool = option(False, help="Say what would be done, and do nothing.")

    def __post_init__(self) -> None:
        check(self)
        if (self.folder is None) == (not self.files):
            raise OptionError("expected one of folder and files")

    def request(self, check_path: Callable[[str], Path]) -> FolderRequest:
        """What is asked of the folder room, every path checked.

        Raises:
            UsageError: a path that may not be touched, or settings that can't be.
        """
        named = (self.folder,) if self.folder is not None else self.files
        folder = Folder(
            check_path(self.out) if self.out is not None else None,
            self.on_existing,
            self.extension,
            self.recursive,
            self.newline,
            self.encoding,
            self.name,
            self.json_sidecar,
        )
        return FolderRequest(
            tuple(map(check_path, named)),
            self.model,
            self.settings,
            folder,
            self.include,
            self.exclude,
            Keeping(self.rehash, self.all_scores),
        )
