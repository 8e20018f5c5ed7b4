"""Posts fetched from a site into an SQLite database, page by page, to be gone on with at any time.

    posts    id, md5, rating, created_at, ... and tag_string_general, ..., as the site says
    about    the site's name, and when it was asked
    reached  for each query the id before which the next page begins, and how many posts it gave

Posts younger than some days are left out: their tags have not settled. The showdown of taggers
skipped 150 pages for this; here their end is found by halving ids.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

from ..errors import DatasetError, DownloadError, OptionError
from ..options import check, option
from .fields import CATEGORIES
from .polite import Asker
from .sites import Site

COLUMNS = (
    "id", "created_at", "md5", "rating", "score", "fav_count", "file_ext", "file_size",
    "image_width", "image_height", "parent_id", "is_deleted", "is_banned", "is_pending",
    "is_flagged", "file_url", *(f"tag_string_{category}" for category in CATEGORIES),
)  # fmt: skip


_OWN = re.compile(r"(^|[\s-])(page|order|limit):", re.IGNORECASE)
"""What would turn the posts' order, by which fetching goes on."""
NEAR = 1000
"""Ids to which the end of the young posts is found before pages are asked for again."""
GLANCE = 20
"""Posts that are asked for on the way there; of a site that repeats some, one is new."""


@dataclass(frozen=True, kw_only=True)
class FetchOptions:
    """Which posts of a site are fetched, and how fast."""

    out: Path = option(help="SQLite file to make or go on with.", metavar="FILE")
    tags: str = option("", help="The query, as in the site's own search field.")
    limit: int = option(1000, help="Posts, at most; with --per-rating of each rating.", ge=1)
    per_rating: bool = option(False, help="As many posts of each rating, as far as there are.")
    older_than: int = option(
        30, help="Days that a post must be old, for its tags to have settled.", ge=0
    )
    rate: float = option(1.0, help="Requests a second, at most.", ge=0.01, le=2)

    def __post_init__(self) -> None:
        check(self)
        if _OWN.search(self.tags) or "\n" in self.tags:
            raise OptionError(
                "tags: expected tags as in the site's search, without page:, order: or limit: "
                f"(posts come by their ids), got {self.tags!r}"
            )
        if self.per_rating and "rating:" in self.tags.lower():
            raise OptionError(f"tags: expected no rating beside --per-rating, got {self.tags!r}")


def fetch(
    site: Site,
    options: FetchOptions,
    asker: Asker | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Fetch posts into `options.out`; gives how many it has of the queries now.

    Raises:
        DownloadError: the site refuses, or can't be reached; what was fetched stays.
        DatasetError: the file is another database, or can't be written.
    """
    asker = asker or Asker(options.rate, site.credentials())
    ratings = site.ratings if options.per_rating else ("",)
    queries = [" ".join(filter(None, (options.tags, f"rating:{r}" if r else ""))) for r in ratings]
    try:
        with closing(_open(options.out, site)) as database:
            done = 0
            for query in queries:
                for fetched in _fetch_query(site, options, asker, database, query):
                    tell(done + fetched, options.limit * len(queries))
                done += _reached(database, query)[1]
            return done
    except sqlite3.Error as error:
        raise DatasetError(f"{options.out}: expected a database to write, got {error}") from error


def _fetch_query(
    site: Site, options: FetchOptions, asker: Asker, database: sqlite3.Connection, query: str
) -> Iterator[int]:
    """Fetch one query page by page; gives how many posts it has after each."""
    settled = datetime.now(timezone.utc) - timedelta(days=options.older_than)
    before, fetched = _reached(database, query)
    leapt = False
    while fetched < options.limit:
        page = _page(site, asker, query, before)
        if not page:
            return
        before = int(page[-1]["id"])
        old = [post for post in page if _created(post) <= settled]
        kept = old[: options.limit - fetched]
        if len(kept) < len(old):  # the rest of the page is for a later, larger limit
            before = int(kept[-1]["id"])
        elif not (old or leapt):
            before, leapt = _leap(site, asker, query, before, settled), True
        fetched += len(kept)
        _keep(database, query, kept, before, fetched)
        yield fetched


def _page(
    site: Site, asker: Asker, query: str, before: int | None, limit: int = 0
) -> list[dict[str, Any]]:
    """The next posts of a query, the newest first; none where there are no more.

    Raises DownloadError for a site that gives the same again.
    """
    url = site.posts_url(query, before, limit)
    page = [post for post in site.posts(asker.json(url)) if _is_number(post.get("id"))]
    fresh = [post for post in page if before is None or int(post["id"]) < before]
    if page and not fresh:
        raise DownloadError(f"{url}: expected posts before {before}, got the same again")
    return sorted(fresh, key=lambda post: -int(post["id"]))


def _leap(site: Site, asker: Asker, query: str, before: int, settled: datetime) -> int:
    """The id before which the query's posts have settled, or some NEAR ids above it."""
    low = 0
    while before - low > NEAR:
        middle = (low + before) // 2
        newest = _page(site, asker, query, middle, GLANCE)
        if newest and _created(newest[0]) > settled:
            before = int(newest[0]["id"])
        else:
            low = middle
    return before


def _keep(
    database: sqlite3.Connection, query: str, posts: list[dict[str, Any]], before: int, fetched: int
) -> None:
    """Posts and how far the query is, both or neither."""
    marks = ", ".join("?" * len(COLUMNS))
    with database:
        database.executemany(
            f"INSERT OR REPLACE INTO posts VALUES ({marks})", [_row(post) for post in posts]
        )
        database.execute(
            "INSERT OR REPLACE INTO reached VALUES (?, ?, ?)", (query, before, fetched)
        )


def _open(path: Path, site: Site) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"{path}: expected a file to write, got {error.strerror}") from error
    database = sqlite3.connect(path)
    try:
        _prepare(database, path, site)
    except (sqlite3.Error, DatasetError):
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: Path, site: Site) -> None:
    """Make the tables that are not there; raises DatasetError for another site's."""
    with database:
        columns = ", ".join(COLUMNS[1:])
        database.execute(f"CREATE TABLE IF NOT EXISTS posts (id INTEGER PRIMARY KEY, {columns})")
        database.execute("CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT)")
        database.execute(
            "CREATE TABLE IF NOT EXISTS reached (query TEXT PRIMARY KEY, before INTEGER, "
            "fetched INTEGER)"
        )
        found = database.execute("SELECT value FROM about WHERE name = 'site'").fetchone()
        if found is None:
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            rows = [("site", site.name), ("asked", now)]
            database.executemany("INSERT INTO about VALUES (?, ?)", rows)
        elif found[0] != site.name:
            raise DatasetError(
                f"{path}: expected posts of {site.name}, got those of {found[0]}: name another file"
            )


def _reached(database: sqlite3.Connection, query: str) -> tuple[int | None, int]:
    """Before which id the next page begins, and how many posts there are."""
    found = database.execute("SELECT before, fetched FROM reached WHERE query = ?", (query,))
    return found.fetchone() or (None, 0)


def _row(post: Mapping[str, Any]) -> tuple[Any, ...]:
    """A post of either site as a row; e621's fields lie in others."""
    file, flags = _inner(post, "file"), _inner(post, "flags")
    flat = {
        "md5": file.get("md5"), "file_ext": file.get("ext"), "file_size": file.get("size"),
        "image_width": file.get("width"), "image_height": file.get("height"),
        "file_url": file.get("url"), "is_deleted": flags.get("deleted"),
        "is_pending": flags.get("pending"), "is_flagged": flags.get("flagged"),
        "parent_id": _inner(post, "relationships").get("parent_id"),
        "score": _inner(post, "score").get("total"),
        **{f"tag_string_{category}": " ".join(map(str, names))
           for category, names in _inner(post, "tags").items() if isinstance(names, list)},
    }  # fmt: skip
    return tuple(_plain(flat.get(name) if post.get(name) is None or isinstance(post[name], dict)
                        else post[name]) for name in COLUMNS)  # fmt: skip


def _inner(post: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = post.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, type(None))) else str(value)


def _is_number(value: object) -> bool:
    return str(value).isdigit()


def _created(post: Mapping[str, Any]) -> datetime:
    """When a post was uploaded; one that does not say counts as old."""
    try:
        found = datetime.fromisoformat(str(post.get("created_at")).replace("Z", "+00:00"))
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=timezone.utc)
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
