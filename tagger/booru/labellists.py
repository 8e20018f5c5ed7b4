"""What a source says of tags: their categories, aliases and implications, as files of any shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .fields import column_types, text_of
from .files import Kind, Metadata
from .staging import table_of, together

if TYPE_CHECKING:
    import duckdb

DANBOORU: Mapping[int, str] = {
    0: "general", 1: "artist", 3: "copyright", 4: "character", 5: "meta",
}  # fmt: skip
E621: Mapping[int, str] = {
    0: "general", 1: "artist", 2: "contributor", 3: "copyright", 4: "character", 5: "species",
    6: "invalid", 7: "meta", 8: "lore",
}  # fmt: skip
KOHAKU: Mapping[int, str] = {
    0: "general", 1: "artist", 2: "character", 3: "copyright", 4: "meta",
}  # fmt: skip
"""danbooru2023's own numbers, which are not Danbooru's."""
COUNTS = ("post_count", "count", "popularity")


def add_labels(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Metadata],
    source: int,
    numbers: Mapping[int, str],
) -> None:
    """Append a source's own tags, aliases and implications to the tables beside `posts`.

    `numbers` are the site's, by category. Aliases and implications that are not active are left
    out.
    """
    for lot in together(file for file in files if file.kind == "tags"):
        _add_tags(connection, lot, source, numbers)
    for kind in ("aliases", "implications"):
        for lot in together(file for file in files if file.kind == kind):
            _add_pairs(connection, lot, source, kind)


def category_name(text: str, numbers: Mapping[int, str]) -> str:
    """The SQL that gives a category's name from its number or name."""
    cases = " ".join(f"WHEN '{number}' THEN '{name}'" for number, name in numbers.items())
    return (
        f"CASE {text} {cases} ELSE CASE WHEN try_cast({text} AS INTEGER) IS NULL "
        f"THEN coalesce({text}, 'general') ELSE 'category ' || {text} END END"
    )


def _add_tags(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Metadata],
    source: int,
    numbers: Mapping[int, str],
) -> None:
    table = table_of(files, ("name", "category", *COUNTS))
    types = column_types(connection, table)
    count = next((name for name in COUNTS if name in files[0].columns and name in types), None)
    name, kind = (text_of(column, types[column]) for column in ("name", "category"))
    number = f"try_cast({text_of(count, types[count])} AS BIGINT)" if count else "NULL"
    connection.execute(
        f"INSERT INTO tags SELECT DISTINCT ?::INTEGER, {name}, {category_name(kind, numbers)}, "
        f"coalesce({number}, 0) FROM {table} WHERE coalesce({name}, '') <> ''",
        [source],
    )


def _add_pairs(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Metadata], source: int, kind: Kind
) -> None:
    table = table_of(files, ("antecedent_name", "consequent_name", "status"))
    types = column_types(connection, table)
    old, new = (text_of(name, types[name]) for name in ("antecedent_name", "consequent_name"))
    status = text_of("status", types["status"]) if "status" in types else "NULL"
    connection.execute(
        f"INSERT INTO {kind} SELECT DISTINCT ?::INTEGER, {old}, {new} FROM {table} "
        f"WHERE coalesce({status}, 'active') = 'active' AND {old} <> {new}",
        [source],
    )
