"""Posts as a table: e621's exports as CSV, and CSV or parquet of any columns, one row a post.

e621       posts.csv with 29 or 32 columns, beside it tags.csv, tag_aliases.csv and
           tag_implications.csv, each compressed or not
others     a column for all tags, or one for each category, as text or lists
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DatasetError
from .fields import add_posts, add_seen_tags
from .files import Metadata
from .labellists import DANBOORU, E621, add_labels
from .posts import Reading
from .ratings import settle
from .staging import check_whole, id_or_nothing, table_of, take_out_nothing, together, whole

if TYPE_CHECKING:
    import duckdb

_E621 = {"locked_tags", "change_seq", "is_rating_locked"}
"""Columns that only e621's export has."""


def recognises(files: Sequence[Metadata]) -> bool:
    """Whether there are posts as CSV or parquet among the files."""
    return any(_is_ours(file) for file in files)


def read(
    connection: duckdb.DuckDBPyConnection, source: Path, files: Sequence[Metadata], number: int
) -> Reading:
    """Append a source's posts, and what it says of tags, to the tables of `booru.posts`."""
    own = [file for file in files if _is_ours(file)]
    if not own:
        raise DatasetError(f"{source}: expected posts as CSV or parquet, got none")
    e621 = all(set(file.columns) >= _E621 for file in own)
    posts = unreadable = 0
    with whole(source):
        check_whole(own)
        for lot in together(own):
            added, gone = _read(connection, lot, number)
            posts, unreadable = posts + added, unreadable + gone
        add_labels(connection, files, number, E621 if e621 else DANBOORU)
    said = settle(connection, number, three=e621)
    return Reading("e621" if e621 else own[0].shape, posts, unreadable, said)


def _is_ours(file: Metadata) -> bool:
    return file.kind == "posts" and file.shape in ("csv", "parquet")


def _read(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Metadata], source: int
) -> tuple[int, int]:
    table = table_of(files)
    added = add_posts(connection, table, source, {"id": id_or_nothing(connection, table)})
    add_seen_tags(connection, table, source)
    gone = take_out_nothing(connection, files, source)
    return added - gone.rows, gone.rows + gone.rejected
