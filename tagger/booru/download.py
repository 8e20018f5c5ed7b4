"""The pictures of posts, brought from a site to `{id % 1000:04d}/{id}.{ext}` below a folder.

One at a time, no faster than agreed; one that breaks off is gone on with, one that is not what its
md5 says is thrown away. What is there stays.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

from ..errors import DatasetError, DownloadError, OptionError
from ..images import EXTENSIONS
from ..options import check, option
from . import formats, posts
from .polite import Asker, PassingError
from .sites import SAMPLED, SITES, Site, Size

if TYPE_CHECKING:
    from http.client import HTTPResponse

PIECE = 1 << 20
LARGEST = 512 << 20
"""Bytes of a picture; what is larger is a film."""
DONE, HERE, NONE = "downloaded", "there already", "no picture but a film or another file"
MISSING = "not to be had"


@dataclass(frozen=True, kw_only=True)
class DownloadOptions:
    """Which pictures are brought where, and how fast."""

    source: Path = option(help="Posts of any format that docs/datasets.md lists.", metavar="SOURCE")
    images: Path = option(help="Folder for the pictures.", metavar="DIR")
    site: str = option("danbooru", help="Whose posts they are: danbooru or e621.")
    size: Size = option("original", help="original, sample (850 pixels wide at most) or preview.")
    rate: float = option(1.0, help="Requests a second, at most.", ge=0.01, le=5)
    format: str = option("auto", help="What the source is; auto looks.")

    def __post_init__(self) -> None:
        check(self)
        formats.check_format(self.format)
        if self.site not in SITES:
            raise OptionError(f"site: expected {' or '.join(SITES)}, got {self.site!r}")
        if self.size not in get_args(Size):
            raise OptionError(f"size: expected original, sample or preview, got {self.size!r}")


@dataclass(frozen=True)
class _Wanted:
    id: int
    md5: str
    extension: str
    url: str | None
    width: int | None


class _Place(NamedTuple):
    """Where a picture lies at the site and here, and what its md5 is, where that is known."""

    url: str
    target: Path
    md5: str | None


def download(
    options: DownloadOptions,
    asker: Asker | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Mapping[str, int]:
    """Bring the pictures of a source's posts; gives how many came, were there, or failed and why.

    Raises:
        DownloadError: the site can't be reached or refuses all; what came stays.
        DatasetError: the source is none.
        OSError: the folder can't be written.
    """
    site = SITES[options.site]
    asker = asker or Asker(options.rate)  # pictures need no account, and lie on another host
    outcomes: Counter[str] = Counter()
    with posts.connect() as connection:
        posts.create(connection)
        formats.read_source(connection, options.source, 0, options.format)
        found = connection.execute(
            "SELECT DISTINCT ON (id) id, md5, extension, url, width FROM posts "
            "WHERE id IS NOT NULL AND NOT deleted AND NOT banned ORDER BY id"
        ).fetchall()
    if not found:
        raise DatasetError(f"{options.source}: expected posts with pictures, got none")
    for row in found:
        outcomes[_bring(_Wanted(*row), site, options, asker)] += 1
        tell(outcomes.total(), len(found))
    return outcomes


def _bring(wanted: _Wanted, site: Site, options: DownloadOptions, asker: Asker) -> str:
    if not wanted.md5 or not wanted.extension:
        return MISSING
    if f".{wanted.extension}" not in EXTENSIONS:
        return NONE
    places = list(_places(wanted, site, options))
    if any(place.target.is_file() for place in places):
        return HERE
    outcomes = (_bring_from(place, asker) for place in places)
    return next((outcome for outcome in outcomes if outcome != MISSING), MISSING)


def _places(wanted: _Wanted, site: Site, options: DownloadOptions) -> Iterator[_Place]:
    """Where a picture may be, in the size asked for first.

    The sites have samples of wide pictures alone; for the others they show the original.
    """
    folder = options.images / f"{wanted.id % 1000:04d}"
    if options.size != "original" and not (
        options.size == "sample" and wanted.width and wanted.width <= SAMPLED
    ):
        url = site.picture_url(wanted.md5, wanted.extension, options.size)
        yield _Place(url, folder / f"{wanted.id}{Path(url).suffix}", None)
    if options.size != "preview":
        own = wanted.url if wanted.url and site.owns(wanted.url) else None
        url = own or site.picture_url(wanted.md5, wanted.extension, "original")
        yield _Place(url, folder / f"{wanted.id}.{wanted.extension}", wanted.md5)


def _bring_from(place: _Place, asker: Asker) -> str:
    place.target.parent.mkdir(parents=True, exist_ok=True)
    part = place.target.with_name(f"{place.target.name}.part")
    try:
        asker.patiently(lambda: _pour(asker, place.url, part), lambda: _length(part))
    except DownloadError as error:
        if isinstance(error.__cause__, PassingError):
            raise
        part.unlink(missing_ok=True)
        return MISSING
    if place.md5 and _md5(part) != place.md5:
        part.unlink()
        return "of another md5"
    part.replace(place.target)
    return DONE


def _pour(asker: Asker, url: str, part: Path) -> None:
    """Append to the part what is missing of it."""
    start = _length(part)
    with asker.open(url, start) as answer:
        if start and answer.status != 206:
            start = 0
        expected = answer.headers.get("Content-Length", "")
        came = 0
        with part.open("ab" if start else "wb") as file:
            for piece in _pieces(answer):
                came += len(piece)
                if start + came > LARGEST:
                    raise DownloadError(f"{url}: expected a picture, got over {LARGEST} bytes")
                file.write(piece)
        if expected.isdigit() and came < int(expected):
            raise PassingError(f"{url}: expected {expected} bytes, got {came}")


def _pieces(answer: HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            piece = answer.read(PIECE)
        except (OSError, HTTPException) as error:
            raise PassingError(f"the connection broke: {error!r}") from error
        if not piece:
            return
        yield piece


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
