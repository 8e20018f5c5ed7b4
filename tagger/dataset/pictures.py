"""Which pictures can be read, their size and what they look like: many at once, in bounded memory.

A header that can be read is no promise that the rest can; `whole` decodes them, which takes as
long as a training's first epoch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from ..booru.posts import insert
from ..errors import ImageError, ImageSizeError
from ..images import open_header
from ..options import check, option
from .before import Looked, Sight, Stamp, stamp_of

if TYPE_CHECKING:
    import duckdb

THREADS = 8
"""Waiting for the disk is most of the work, so more than there are cores."""
CHUNK = 20_000
BROKEN = "picture broken"
MISSING = "picture missing"
TINY = "picture too small"
OTHER_MODE = "picture in another mode"
HUGE = "picture too large"
"""Of more pixels, or a longer side, than Tagger decodes anywhere."""
LARGE = 32_000_000
"""Pixels from which on pictures are decoded one at a time, so that few of them fill no memory."""
Mode = Literal["RGB", "RGBA", "L", "LA", "P", "PA", "1", "CMYK", "YCbCr", "I", "I;16", "F"]
_ONE = Lock()
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
    modes: tuple[Mode, ...] = option(
        (),
        help="Only pictures stored in these of Pillow's modes; RGB leaves out what is grey, has a "
        "palette or an alpha channel.",
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

    mode: Pillow's name of how its pixels are stored. likeness: a difference hash, 64 bits as a
    signed number; None where it was not asked for. known: whether an earlier build saw it.
    """

    width: int = 0
    height: int = 0
    reason: str | None = None
    mode: str = ""
    likeness: int | None = None
    known: bool = False


def look(
    connection: duckdb.DuckDBPyConnection,
    folders: Sequence[Path],
    options: PictureOptions,
    tell: Callable[[int, int], None] = lambda done, total: None,
    before: Looked | None = None,
) -> tuple[Counter[str], int]:
    """Make `seen` of `found`: each post whose picture can be read, with its size and likeness.

    And `unread` of those that can't: source, path, reason. Gives all others by reason, and how many
    were not opened: those that `before` has the sight of, and that have not changed. New sights are
    written there as they come.
    """
    connection.execute(
        "CREATE TABLE looked (post BIGINT, width INTEGER, height INTEGER, reason VARCHAR, "
        "likeness BIGINT)"
    )
    total = connection.execute("SELECT count(*) FROM found").fetchall()[0][0]
    reasons: Counter[str] = Counter()
    done = known = 0
    tell(0, total)
    with ThreadPoolExecutor(THREADS) as pool:
        for source, rows in _chunks(connection):
            look_at = _Look(folders[source], options, before, [path for _, path in rows])
            pictures = list(pool.map(look_at, look_at.paths, chunksize=64))
            look_at.keep(pictures)
            reasons.update(picture.reason for picture in pictures if picture.reason)
            insert(connection, "looked", _COLUMNS, map(_row, rows, pictures))
            known += sum(picture.known for picture in pictures)
            done += len(rows)
            tell(done, total)
    connection.execute(
        "CREATE TABLE seen AS SELECT f.*, l.width, l.height, l.likeness "
        "FROM found f JOIN looked l USING (post) WHERE l.reason IS NULL"
    )
    connection.execute(
        "CREATE TABLE unread AS SELECT f.source, f.path, l.reason FROM found f "
        f"JOIN looked l USING (post) WHERE l.reason IN ('{BROKEN}', '{HUGE}')"
    )
    connection.execute("DROP TABLE looked")
    return reasons, known


class _Look:
    """Looks at pictures of one folder, in any thread; some were seen by an earlier build."""

    def __init__(
        self, folder: Path, options: PictureOptions, before: Looked | None, paths: list[str]
    ) -> None:
        self.paths = paths
        self._folder, self._options, self._before = folder, options, before
        self._sights = before.of(folder, paths) if before else {}
        self._stamps: dict[str, Stamp] = {}

    def __call__(self, path: str) -> Picture:
        stamp = stamp_of(self._folder / path) if self._before else None
        sight = self._sights.get(path)
        if sight and sight.stamp == stamp and _says_enough(sight, self._options):
            return _judged(sight, self._options)
        if stamp:
            self._stamps[path] = stamp
        return measure(self._folder / path, self._options)

    def keep(self, pictures: Sequence[Picture]) -> None:
        """Write down what was seen of those that could be read."""
        whole = self._options.whole_pictures or self._options.alike
        new = [
            (path, Sight(self._stamps[path], whole, one.width, one.height, one.mode, one.likeness))
            for path, one in zip(self.paths, pictures, strict=True)
            if path in self._stamps and not one.reason
        ]
        if self._before and new:
            self._before.keep(self._folder, new)


def _says_enough(sight: Sight, options: PictureOptions) -> bool:
    if options.alike:
        return sight.likeness is not None
    return sight.whole or not options.whole_pictures


def _judged(sight: Sight, options: PictureOptions) -> Picture:
    if reason := _unfit((sight.width, sight.height), sight.mode, options):
        return Picture(reason=reason, known=True)
    likeness = sight.likeness if options.alike else None
    return Picture(sight.width, sight.height, None, sight.mode, likeness, known=True)


def _unfit(size: tuple[int, int], mode: str, options: PictureOptions) -> str | None:
    if min(size) < options.min_picture_side:
        return TINY
    return OTHER_MODE if options.modes and mode not in options.modes else None


def trust(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `seen` of `found` without a look: of the size that the source says, else 0."""
    connection.execute("CREATE TABLE unread (source INTEGER, path VARCHAR, reason VARCHAR)")
    connection.execute(
        "CREATE TABLE seen AS SELECT f.*, coalesce(p.width, 0) AS width, "
        "coalesce(p.height, 0) AS height, NULL::BIGINT AS likeness "
        "FROM found f JOIN posts p ON p.rowid = f.post"
    )


def measure(path: Path, options: PictureOptions | None = None) -> Picture:
    """Read one picture's header, or all of it where the options need it."""
    options = options or PictureOptions()
    try:
        with open_header(path) as image:
            (width, height), mode = image.size, image.mode
            if reason := _unfit(image.size, mode, options):
                return Picture(reason=reason)
            if not (options.whole_pictures or options.alike):
                return Picture(width, height, None, mode)
            with _ONE if width * height > LARGE else nullcontext():
                image.load()
                alike = likeness(image) if options.alike else None
                return Picture(width, height, None, mode, alike)
    except ImageSizeError:
        return Picture(reason=HUGE)
    except ImageError as error:
        gone = isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError))
        return Picture(reason=MISSING if gone else BROKEN)


def likeness(image: Image.Image) -> int:
    """The difference hash: whether each of 8 x 8 places is brighter than its right neighbour.

    Krawetz: Kind of like that, 2013. 64 bits as a signed number.
    """
    small = image.convert("L").resize((9, 8), Image.Resampling.BILINEAR)
    pixels = np.asarray(small, np.int16)
    bits = np.packbits(pixels[:, 1:] > pixels[:, :-1])
    return int.from_bytes(bits.tobytes(), "big", signed=True)


def _row(found: tuple[int, str], picture: Picture) -> tuple[object, ...]:
    return found[0], picture.width, picture.height, picture.reason, picture.likeness


def _chunks(
    connection: duckdb.DuckDBPyConnection,
) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """A source, and posts with their paths, by place, so that a disk reads a folder at a time."""
    cursor = connection.cursor()
    cursor.execute("SELECT source, post, path FROM found ORDER BY source, path")
    while rows := cursor.fetchmany(CHUNK):
        for source, own in groupby(rows, itemgetter(0)):
            yield source, [(post, path) for _, post, path in own]
