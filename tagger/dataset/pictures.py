"""Which pictures can be read, their size and what they look like: many at once, in bounded memory.

A header that can be read is no promise that the rest can; `whole` decodes them, which takes as
long as a training's first epoch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..booru.posts import insert
from ..options import check, option

if TYPE_CHECKING:
    import duckdb

THREADS = 8
"""Waiting for the disk is most of the work, so more than there are cores."""
CHUNK = 20_000
BROKEN = "picture broken"
MISSING = "picture missing"
TINY = "picture too small"
_COLUMNS = ("post", "width", "height", "reason", "likeness")


@dataclass(frozen=True)
class PictureOptions:
    """How the pictures are looked at."""

    whole_pictures: bool = option(
        False, help="Decode every picture whole, not only its header, to find broken ones."
    )
    min_picture_side: int = option(
        1, help="Pixels of the shorter side of the picture on the disk, at least.", ge=1
    )
    alike: bool = option(
        False,
        help="Put pictures that look alike (equal difference hashes) into one split; "
        "decodes every picture.",
    )
    unseen: bool = option(
        False,
        help="Look at no picture: each is taken to be at {id % 1000:04d}/{id}.{ext} below "
        "--images, of the size that the source says.",
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Picture:
    """Width and height in pixels as stored, before any turning; or why there are none.

    likeness: a difference hash, 64 bits as a signed number; None where it was not asked for.
    """

    width: int = 0
    height: int = 0
    reason: str | None = None
    likeness: int | None = None


def look(
    connection: duckdb.DuckDBPyConnection,
    folders: Sequence[Path],
    options: PictureOptions,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Counter[str]:
    """Make `seen` of `found`: each post whose picture can be read, with its size and likeness.

    Gives the others by reason.
    """
    connection.execute(
        "CREATE TABLE looked (post BIGINT, width INTEGER, height INTEGER, reason VARCHAR, "
        "likeness BIGINT)"
    )
    total = connection.execute("SELECT count(*) FROM found").fetchall()[0][0]
    reasons: Counter[str] = Counter()
    done = 0
    tell(0, total)
    with ThreadPoolExecutor(THREADS) as pool:
        for rows in _chunks(connection):
            paths = [folders[source] / path for _, source, path in rows]
            pictures = list(pool.map(partial(measure, options=options), paths, chunksize=64))
            reasons.update(picture.reason for picture in pictures if picture.reason)
            insert(connection, "looked", _COLUMNS, map(_row, rows, pictures))
            done += len(rows)
            tell(done, total)
    connection.execute(
        "CREATE TABLE seen AS SELECT f.*, l.width, l.height, l.likeness "
        "FROM found f JOIN looked l USING (post) WHERE l.reason IS NULL"
    )
    connection.execute("DROP TABLE looked")
    return reasons


def trust(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `seen` of `found` without a look: of the size that the source says, else 0."""
    connection.execute(
        "CREATE TABLE seen AS SELECT f.*, coalesce(p.width, 0) AS width, "
        "coalesce(p.height, 0) AS height, NULL::BIGINT AS likeness "
        "FROM found f JOIN posts p ON p.rowid = f.post"
    )


def measure(path: Path, options: PictureOptions | None = None) -> Picture:
    """Read one picture's header, or all of it where the options need it."""
    options = options or PictureOptions()
    try:
        with Image.open(path) as image:
            width, height = image.size
            if min(width, height) < options.min_picture_side:
                return Picture(reason=TINY)
            if options.whole_pictures and not options.alike:
                image.load()
            return Picture(width, height, None, likeness(image) if options.alike else None)
    except (FileNotFoundError, NotADirectoryError):
        return Picture(reason=MISSING)
    # Pillow's plug-ins answer a broken header with whatever their parser raised.
    except Exception:
        return Picture(reason=BROKEN)


def likeness(image: Image.Image) -> int:
    """The difference hash: whether each of 8 x 8 places is brighter than its right neighbour.

    Krawetz: Kind of like that, 2013. 64 bits as a signed number.
    """
    small = image.convert("L").resize((9, 8), Image.Resampling.BILINEAR)
    pixels = np.asarray(small, np.int16)
    bits = np.packbits(pixels[:, 1:] > pixels[:, :-1])
    return int.from_bytes(bits.tobytes(), "big", signed=True)


def _row(found: tuple[int, int, str], picture: Picture) -> tuple[object, ...]:
    return found[0], picture.width, picture.height, picture.reason, picture.likeness


def _chunks(
    connection: duckdb.DuckDBPyConnection,
) -> Iterator[list[tuple[int, int, str]]]:
    """Post, source and path, by place, so that a disk reads a folder at a time."""
    cursor = connection.cursor()
    cursor.execute("SELECT post, source, path FROM found ORDER BY source, path")
    while rows := cursor.fetchmany(CHUNK):
        yield rows
