"""Posts as JSON: the dumps of 2017 to 2022, BigQuery's, and pages of the sites' own interface.

    2017 to 2020   a post a line; numbers as text, "0" and 1970 for none; tags as objects
    2021 and on    a post a line; tags as text, by category too; keys may be missing
    posts.json     pages, an array of posts each; e621's nest file, flags and tags by category

Lines and arrays may be mixed among the files of a folder, compressed or not, in any number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DatasetError
from .fields import CATEGORIES, NAMES, WHOLE, add_posts, add_seen_tags, clean, part_names
from .files import Metadata
from .labellists import DANBOORU, E621, add_labels, category_name
from .posts import Reading
from .ratings import letters, settle
from .staging import id_or_nothing, table_of, take_out_nothing, together, whole

if TYPE_CHECKING:
    import duckdb

_NESTED = ("file", "flags", "relationships")
_FIELDS = (
    *(name for names in NAMES.values() for name in names),
    *WHOLE,
    *(name for category in CATEGORIES for name in part_names(category)),
    *_NESTED,
)
_IN_FILE = {
    "md5": "md5",
    "extension": "ext",
    "width": "width",
    "height": "height",
    "size": "size",
    "url": "url",
}


def recognises(files: Sequence[Metadata]) -> bool:
    """Whether there are posts as JSON among the files."""
    return any(_is_ours(file) for file in files)


def read(
    connection: duckdb.DuckDBPyConnection, source: Path, files: Sequence[Metadata], number: int
) -> Reading:
    """Append a source's posts, and what it says of tags, to the tables of `booru.posts`."""
    own = [file for file in files if _is_ours(file)]
    if not own:
        raise DatasetError(f"{source}: expected posts as JSON, got none")
    nested = any(set(_NESTED) <= set(file.columns) for file in own)
    listed = any(file.kind == "tags" for file in files)
    posts = unreadable = 0
    with whole(source):
        for lot in together(own):
            added, gone = _read(connection, lot, number, nested=nested, listed=listed)
            posts, unreadable = posts + added, unreadable + gone
        add_labels(connection, files, number, E621 if nested else DANBOORU)
    said = settle(connection, number, three=nested)
    return Reading("e621 pages" if nested else "danbooru", posts, unreadable, said)


def _is_ours(file: Metadata) -> bool:
    return file.kind == "posts" and file.shape in ("lines", "array")


def _read(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Metadata],
    source: int,
    *,
    nested: bool,
    listed: bool,
) -> tuple[int, int]:
    """Posts added and lines that are none."""
    shown = {name for file in files for name in file.columns}
    # what the first records lack, later ones may have: a post without a parent has no key for it
    fields = [name for name in _FIELDS if nested or name not in _NESTED]
    parts = [name for name in fields if name in CATEGORIES or name.startswith("tags_")]
    fields = [name for name in fields if name in shown or name not in parts]
    table = table_of(files, fields)
    given = {"id": id_or_nothing(connection, table), "rating": _rating()}
    added = add_posts(connection, table, source, given | (_nested() if nested else {}))
    if not listed:
        add_seen_tags(connection, table, source, [_objects(table)] if "tags" in shown else ())
    gone = take_out_nothing(connection, files, source, fields).rows
    return added - gone, gone


def _rating() -> str:
    """A record that writes its numbers as text is of the years of three ratings."""
    text = letters("json_extract_string(rating, '$')")
    return f"CASE WHEN {text} = 's' AND json_type(id) = 'VARCHAR' THEN 'safe' ELSE {text} END"


def _nested() -> dict[str, str]:
    """e621's fields that lie in others; a page of Danbooru's has none of them."""
    found = {
        name: clean(name, f"json_extract_string(file, '$.{inner}')")
        for name, inner in _IN_FILE.items()
    }
    for name in ("deleted", "pending", "flagged"):
        found[name] = clean(name, f"json_extract_string(flags, '$.{name}')")
    found["parent"] = clean("parent", "json_extract_string(relationships, '$.parent_id')")
    found["score"] = clean("score", "json_extract_string(score, '$.total')")
    return found


def _objects(table: str) -> str:
    """The SQL of tags with their categories, where posts have them as objects or by category."""
    each = "SELECT unnest(json_extract(tags, '$[*]')) AS tag FROM " + table
    listed = " UNION ALL ".join(
        f"SELECT unnest(json_extract_string(tags, '$.{category}[*]')) AS name, "
        f"'{category}' AS category FROM {table} WHERE json_type(tags) = 'OBJECT'"
        for category in CATEGORIES
    )
    kind = category_name("json_extract_string(tag, '$.category')", DANBOORU)
    return (
        f"SELECT json_extract_string(tag, '$.name') AS name, {kind} AS category "
        f"FROM ({each}) WHERE json_type(tag) = 'OBJECT' UNION ALL {listed}"
    )
