"""The captions of two folders, each with its counterpart of the same place and name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...caption import CaptionFormat
from ...errors import CaptionError, UsageError
from ...folder.sidecars import read_caption
from ...folder.walk import natural_key
from ...options import check, option
from ...settings import Folder
from .changes import Changed, Difference, changed, read_tags


@dataclass(frozen=True)
class DiffOptions:
    """Which captions are compared."""

    a: Path = option(help="A folder of captions, before.", metavar="A")
    b: Path = option(help="Another of the same pictures, after.", metavar="B")
    extension: str = option(".txt", help="Ending of a caption file's name.")
    encoding: str = option("utf-8", help="Encoding of the captions.")

    def __post_init__(self) -> None:
        check(self)
        Folder(extension=self.extension, encoding=self.encoding)  # refuses what can be neither


def diff(options: DiffOptions, form: CaptionFormat | None = None) -> Difference:
    """Compare the captions of two folders. Raises UsageError where one has none."""
    before, after = (_captions(each, options.extension) for each in (options.a, options.b))
    form = form or CaptionFormat()
    names: dict[str, str] = {}
    same, prose = 0, 0
    respelled: list[str] = []
    found: list[Changed] = []
    unread: list[tuple[str, str]] = []
    for place in sorted(before.keys() & after.keys(), key=natural_key):
        try:
            one, other = (
                read_caption(each[place], encoding=options.encoding) or ""
                for each in (before, after)
            )
        except CaptionError as error:
            unread.append((place, str(error)))
            continue
        (tags, wordy), (others, wordy_too) = (read_tags(text, form) for text in (one, other))
        prose += wordy or wordy_too
        difference = changed(place, tags, others, names)
        if difference is not None:
            found.append(difference)
        elif one == other:
            same += 1
        else:
            respelled.append(place)
    return Difference(
        same,
        tuple(respelled),
        tuple(found),
        tuple(sorted(before.keys() - after.keys(), key=natural_key)),
        tuple(sorted(after.keys() - before.keys(), key=natural_key)),
        tuple(unread),
        prose,
    )


def _captions(folder: Path, extension: str) -> Mapping[str, Path]:
    """The caption files below a folder, by their place without the ending."""
    if not folder.is_dir():
        got = "a file" if folder.exists() else "nothing of that name"
        raise UsageError(f"{folder}: expected a folder of captions, got {got}")
    ending = "." + extension.removeprefix(".")
    found = {
        path.relative_to(folder).as_posix()[: -len(ending)]: path
        for path in folder.rglob(f"*{ending}")
        if path.is_file() and not path.name.startswith(".")
    }
    if not found:
        raise UsageError(f"{folder}: expected captions, got no file that ends in {ending}")
    return found
