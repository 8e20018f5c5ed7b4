"""A folder of pictures with captions beside them: what `tagger caption` wrote and people corrected.

So a model learns from corrections. A caption's words become tags; a word `rating:...` becomes the
rating. Which category a word is of, a `tags.csv` in the folder may say, or another source.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..caption import parse_caption
from ..errors import DatasetError, UsageError
from ..folder.captions import Captioned, Captions
from ..settings import Folder
from ..spelling import key, unescape
from .characters import post_number
from .files import Metadata
from .labellists import DANBOORU, add_labels
from .posts import Reading, chunks, insert

if TYPE_CHECKING:
    import duckdb

EXTENSIONS = (".txt", ".caption")
CHUNK = 50_000
_RATING = re.compile(r"rating:\s*(safe|[gsqe])\w*", re.IGNORECASE)
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""Signs that nobody sees, and that are no white space either."""
_COLUMNS = ("source", "id", "rating", "extension", "deleted", "banned", "pending", "flagged",
            "path", "tags")  # fmt: skip


def recognises(source: Path, files: Sequence[Metadata]) -> bool:
    """Whether a folder has a picture with a caption, and no posts."""
    if not source.is_dir() or any(file.kind in ("posts", "bare") for file in files):
        return False
    return bool(_extension(source))


def read(
    connection: duckdb.DuckDBPyConnection, source: Path, files: Sequence[Metadata], number: int
) -> Reading:
    """Append the folder's captioned pictures as posts, numbered by their places."""
    if not (extension := _extension(source)):
        raise DatasetError(f"{source}: expected pictures with captions beside them, got none")
    found = Captions([source], Folder(extension=extension))
    unreadable: list[tuple[int, str, int]] = []
    seen: Counter[str] = Counter()
    total = 0
    for rows in chunks(_rows(found, number, unreadable), CHUNK):
        seen.update(tag for row in rows for tag in row[-1])
        total += insert(connection, "posts", _COLUMNS, rows)
    insert(connection, "unreadable", ("source", "file", "line"), unreadable)
    add_labels(connection, files, number, DANBOORU)
    own = connection.execute("SELECT name FROM tags WHERE source = ?", [number]).fetchall()
    listed = {key(name) for (name,) in own}
    others = ((number, n, "general", c) for n, c in sorted(seen.items()) if key(n) not in listed)
    insert(connection, "tags", ("source", "name", "category", "count"), others)
    return Reading("captions", total, len(unreadable))


def _rows(
    found: Captions, number: int, unreadable: list[tuple[int, str, int]]
) -> Iterator[tuple[Any, ...]]:
    for captioned in found:
        if captioned.fault:
            name = captioned.caption.relative_to(captioned.root).as_posix()
            unreadable.append((number, name, 1))
        if captioned.text is None:
            continue
        rating, tags = _words(captioned.text)
        for place in captioned.places:
            extension = place.suffix[1:].lower()
            path = place.as_posix()
            yield (number, post_number(path), rating, extension, *(False,) * 4, path, tags)


def _extension(source: Path) -> str:
    """The ending of the captions in a folder; empty where it has none."""
    for extension in EXTENSIONS:
        for captioned in _captions(source, extension):
            if captioned.text is not None:
                return extension
    return ""


def _captions(source: Path, extension: str) -> Iterator[Captioned]:
    with suppress(UsageError):  # a folder without pictures
        yield from Captions([source], Folder(extension=extension))


def _words(text: str) -> tuple[str | None, list[str]]:
    rating: str | None = None
    tags: set[str] = set()
    for item in parse_caption(_UNSEEN.sub(" ", text)):
        said = _RATING.fullmatch(item.name)
        if said:
            rating = said[1].lower()
        elif name := "_".join(unescape(item.name).split()):
            tags.add(name)
    return rating, sorted(tags)
