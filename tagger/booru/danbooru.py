"""Dumps of the Danbooru2021 layout: JSON lines in `metadata/`, pictures beside it.

    metadata/posts*.json[.gz]              a post a line; keys may be missing
    metadata/tags*.json[.gz]               every tag the source can give, with its category
    metadata/tag_aliases*.json[.gz]        optional
    metadata/tag_implications*.json[.gz]   optional
    images/{id % 1000:04d}/{id}.{ext}      or `original/`, or `512px/`

Each of them may be one file or numbered shards. Numbers may be written as text, and a parent of
"0" is none, as in the older dumps.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DatasetError
from .posts import BooruTag, Reading, connect

if TYPE_CHECKING:
    import duckdb

IMAGE_FOLDERS = ("images", "original", "512px")
NAMED_LINES = 20
"""Unreadable lines that are named; the rest are only counted."""

_POST = {
    "id": "BIGINT",
    "md5": "VARCHAR",
    "rating": "VARCHAR",
    "file_ext": "VARCHAR",
    "parent_id": "BIGINT",
    "is_deleted": "BOOLEAN",
    "is_banned": "BOOLEAN",
    "is_pending": "BOOLEAN",
    "is_flagged": "BOOLEAN",
    "tag_string": "VARCHAR",
    "tag_string_general": "VARCHAR",
    "tag_string_artist": "VARCHAR",
    "tag_string_copyright": "VARCHAR",
    "tag_string_character": "VARCHAR",
    "tag_string_meta": "VARCHAR",
}
_PARTS = ", ".join(name for name in _POST if name.startswith("tag_string_"))
# The extension becomes part of a path, so only what cannot leave a folder is taken.
_INSERT = f"""
    INSERT INTO posts
    SELECT
        ?::INTEGER,
        id,
        nullif(lower(md5), ''),
        lower(rating),
        nullif(regexp_extract(lower(file_ext), '^[a-z0-9]{{1,8}}$'), ''),
        nullif(parent_id, 0),
        coalesce(is_deleted, false),
        coalesce(is_banned, false),
        coalesce(is_pending, false),
        coalesce(is_flagged, false),
        list_sort(list_distinct(regexp_extract_all(
            coalesce(tag_string, concat_ws(' ', {_PARTS})), '\\S+'
        )))
    FROM read_json(?, columns={{{", ".join(f"{name}: '{kind}'" for name, kind in _POST.items())}}},
        format='newline_delimited', ignore_errors=true)
"""
# What DuckDB makes of a line that is no JSON object: a row of nothing.
_NOTHING = (
    "source = ? AND id IS NULL AND md5 IS NULL AND rating IS NULL AND extension IS NULL "
    "AND parent IS NULL AND len(tags) = 0"
)


def read_posts(connection: duckdb.DuckDBPyConnection, folder: Path, source: int = 0) -> Reading:
    """Append a dump's posts to the table `posts` of `tagger.booru.posts`, streaming.

    Lines that are no JSON object are left out, counted and the first of them named. Raises
    DatasetError if the folder is no dump or a file breaks off.
    """
    import duckdb

    files = _files(folder, "posts")
    if not files:
        raise _no_dump(folder)
    try:
        total = _count(connection, _INSERT, [source, [glob.escape(str(path)) for path in files]])
        unreadable = _count(connection, f"DELETE FROM posts WHERE {_NOTHING}", [source])
        named = tuple(islice(_unreadable(files), NAMED_LINES)) if unreadable else ()
    # DuckDB before 2.0 takes a gz that breaks off for one with a broken last line.
    except (duckdb.Error, OSError, EOFError) as error:
        raise _broken(folder, error) from error
    return Reading(total - unreadable, unreadable, named)


def read_tags(folder: Path) -> tuple[BooruTag, ...]:
    """The source's own tags, by name. Raises DatasetError where `tags*.json` is not there."""
    if not _files(folder, "tags"):
        raise DatasetError(
            f"{folder}: expected metadata/tags*.json beside the posts, got none: a dump's tag "
            "list says what its posts can be labelled with"
        )
    fields = {"name": "VARCHAR", "category": "INTEGER", "post_count": "BIGINT"}
    rows = _rows(folder, "tags", fields, "name IS NOT NULL")
    return tuple(BooruTag(name, category or 0, count or 0) for name, category, count in rows)


def read_aliases(folder: Path) -> tuple[tuple[str, str], ...]:
    """Active aliases as (old name, name), in the order of the names."""
    return _pairs(folder, "tag_aliases")


def read_implications(folder: Path) -> tuple[tuple[str, str], ...]:
    """Active implications as (tag, the tag that it implies), in the order of the names."""
    return _pairs(folder, "tag_implications")


def images_folder(folder: Path) -> str:
    """The name of the folder that holds the pictures, `images` where there is none yet."""
    return next((name for name in IMAGE_FOLDERS if (folder / name).is_dir()), IMAGE_FOLDERS[0])


def picture(images: str, post: int, extension: str) -> str:
    """Where a post's picture lies, relative to the dump: `images/0001/1234001.png`."""
    return f"{images}/{post % 1000:04d}/{post}.{extension}"


def _count(connection: duckdb.DuckDBPyConnection, change: str, values: list[Any]) -> int:
    return connection.execute(change, values).fetchall()[0][0]


def _files(folder: Path, name: str) -> list[Path]:
    """The shards of one table: `posts.json`, `posts000000000000.json.gz`, not `posts_old.json`."""
    metadata = folder / "metadata"
    found = [*metadata.glob(f"{name}*.json"), *metadata.glob(f"{name}*.json.gz")]
    return sorted(path for path in found if not _shard(path, name).strip("0123456789"))


def _shard(path: Path, name: str) -> str:
    return path.name.split(".json")[0].removeprefix(name)


def _pairs(folder: Path, name: str) -> tuple[tuple[str, str], ...]:
    fields = {"antecedent_name": "VARCHAR", "consequent_name": "VARCHAR", "status": "VARCHAR"}
    where = "coalesce(status, 'active') = 'active' AND antecedent_name <> consequent_name"
    return tuple((before, after) for before, after, _ in _rows(folder, name, fields, where))


def _rows(folder: Path, name: str, fields: dict[str, str], where: str) -> Sequence[Any]:
    import duckdb

    files = _files(folder, name)
    if not files:
        return ()
    columns = ", ".join(f"{field}: '{kind}'" for field, kind in fields.items())
    query = (
        f"SELECT DISTINCT {', '.join(fields)} FROM read_json(?, columns={{{columns}}}, "
        f"format='newline_delimited', ignore_errors=true) WHERE {where} ORDER BY ALL"
    )
    try:
        with connect() as own:
            return own.execute(query, [[glob.escape(str(path)) for path in files]]).fetchall()
    except duckdb.Error as error:
        raise _broken(folder, error) from error


def _unreadable(files: Sequence[Path]) -> Iterator[str]:
    """Name, as "file:line", each line that is not an object with one of a post's fields."""
    for path in files:
        with _open(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip() and not _is_post(line):
                    yield f"{path.name}:{number}"


def _is_post(line: bytes) -> bool:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and any(found.get(name) is not None for name in _POST)


def _open(path: Path) -> Any:
    import gzip

    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _no_dump(folder: Path) -> DatasetError:
    return DatasetError(
        f"{folder}: expected a folder with metadata/posts*.json (a dump of Danbooru's layout), "
        f"got {'no such file' if folder.is_dir() else 'no such folder'}"
    )


def _broken(folder: Path, error: Exception) -> DatasetError:
    cause = str(error).splitlines()[0].strip()
    return DatasetError(f"{folder}: expected whole JSON lines in metadata/, got {cause}")
