"""A booru's fields become the columns of the posts table, whatever they are called.

A reader stages its rows in a table of any columns; here each column of `posts` is found among them
by the names that sites and dumps use. A field of a type that a column cannot take makes NULL of
it; an id that is no number makes the row unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .posts import COLUMNS, changed
from .ratings import letters

if TYPE_CHECKING:
    import duckdb

NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "post_id"),
    "md5": ("md5",),
    "rating": ("rating",),
    "extension": ("file_ext", "ext", "extension", "file_extension"),
    "width": ("image_width", "width", "file_width"),
    "height": ("image_height", "height", "file_height"),
    "size": ("file_size", "size"),
    "score": ("score",),
    "favourites": ("fav_count", "favorite_count"),
    "created": ("created_at",),
    "parent": ("parent_id", "parent"),
    "deleted": ("is_deleted", "deleted"),
    "banned": ("is_banned", "banned"),
    "pending": ("is_pending", "pending"),
    "flagged": ("is_flagged", "flagged"),
    "url": ("file_url", "url"),
    "path": ("path", "file_path"),
    "split": ("split",),
}
CATEGORIES = ("general", "artist", "contributor", "copyright", "character", "species", "meta",
              "lore", "invalid")  # fmt: skip
WHOLE = ("tag_string", "tags", "tag_list")
"""Columns that hold tags of every category, the first of them goes before the parts."""


def part_names(category: str) -> tuple[str, ...]:
    """What a column of one category's tags is called."""
    return f"tag_string_{category}", f"tags_{category}", category


def describes_posts(columns: Sequence[str]) -> bool:
    """Whether a table of these columns says of posts which tags they have."""
    return bool({"id", "post_id"} & set(columns)) and bool(tag_columns(columns))


def tag_columns(columns: Sequence[str]) -> dict[str, str]:
    """The columns that hold tags: their category by their name, "" for all categories."""
    parts = {
        name: category
        for category in CATEGORIES
        for name in part_names(category)
        if name in columns
    }
    return parts or {name: "" for name in WHOLE if name in columns}


def add_posts(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    source: int,
    expressions: Mapping[str, str] | None = None,
) -> int:
    """Append the rows of a staged table to `posts`; gives how many.

    `expressions` are SQL for columns of `posts` that the names alone do not give.
    """
    types = column_types(connection, table)
    given = dict(expressions or {})
    chosen = {
        name: given.get(name) or _expression(name, types) for name in COLUMNS if name != "source"
    }
    columns = ", ".join(f"{expression} AS {name}" for name, expression in chosen.items())
    return changed(
        connection,
        f"INSERT INTO posts SELECT ?::INTEGER AS source, {columns} FROM {table}",
        [source],
    )


def add_seen_tags(
    connection: duckdb.DuckDBPyConnection, table: str, source: int, also: Sequence[str] = ()
) -> None:
    """Append to `tags` what a staged table's columns of one category each say.

    `also` are further SQL queries that give names and categories.
    """
    types = column_types(connection, table)
    parts = [(name, kind) for name, kind in tag_columns(tuple(types)).items() if kind]
    selects = [
        f"SELECT unnest({as_list(name, types[name])}) AS name, '{category}' AS category "
        f"FROM {table}"
        for name, category in parts
    ]
    if selects := [*selects, *also]:
        connection.execute(
            "INSERT INTO tags SELECT ?::INTEGER, name, category, count(*) "
            f"FROM ({' UNION ALL '.join(selects)}) WHERE name <> '' GROUP BY name, category",
            [source],
        )


def column_types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a table, in lower case, with their types."""
    found = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    return {name.lower(): kind for name, kind, *_ in found}


def as_list(name: str, kind: str) -> str:
    """The SQL that gives a column's tags as a list, as they are written."""
    if kind.endswith("[]"):
        return _names(f'coalesce("{name}", [])')
    if kind == "JSON":
        return _json_list(name)
    # hand-written and captioners' lists have commas, boorus' strings spaces
    others = " OR ".join(f'contains("{name}", chr({sign}))' for sign in (0, 9, 10, 12, 13))
    return _words(f"coalesce(\"{name}\", '')", others)


def _words(text: str, others: str) -> str:
    """The SQL that cuts a text at its white space; beside words the list may have empty ones.

    `others` is whether there may be other white space than the spaces that boorus write; cutting
    at these alone takes a tenth of the time.
    """
    return (
        f"CASE WHEN {others} THEN regexp_extract_all({text}, '[^\\s[:cntrl:]]+') "
        f"ELSE string_split({text}, ' ') END"
    )


def _names(listed: str) -> str:
    """The SQL that takes signs that nobody sees for spaces in a list's names."""
    plain = "trim(regexp_replace(CAST(t AS VARCHAR), '[\\s[:cntrl:]]+', ' ', 'g'))"
    return f"[{plain} FOR t IN {listed} IF t IS NOT NULL]"


def _expression(name: str, types: Mapping[str, str]) -> str:
    if name == "tags":
        return _tags(types)
    found = next((column for column in NAMES[name] if column in types), None)
    if found is None:
        return "false" if COLUMNS[name] == "BOOLEAN" else f"NULL::{COLUMNS[name]}"
    return clean(name, text_of(found, types[found]))


def text_of(column: str, kind: str) -> str:
    """The SQL that gives a field as text."""
    if kind == "JSON":
        return f"json_extract_string(\"{column}\", '$')"
    return f'CAST("{column}" AS VARCHAR)'


def clean(name: str, text: str) -> str:
    """The SQL that makes a column of `posts` of a field's text."""
    kind = COLUMNS[name]
    if name == "rating":
        return letters(text)
    if name == "extension":  # becomes part of a path, so only what cannot leave a folder is taken
        return f"nullif(regexp_extract(lower({text}), '^[a-z0-9]{{1,8}}$'), '')"
    if name == "md5":
        return f"nullif(lower({text}), '')"
    if name in ("parent", "width", "height", "size"):
        return f"nullif(try_cast({text} AS {kind}), 0)"
    if name == "created":  # the epoch stands for none in the older dumps
        return f"nullif(try_cast({text} AS TIMESTAMP), TIMESTAMP '1970-01-01')"
    if kind == "BOOLEAN":  # also Postgres' t and f
        return f"coalesce(try_cast({text} AS BOOLEAN), false)"
    return f"try_cast({text} AS {kind})" if kind != "VARCHAR" else text


def _tags(types: Mapping[str, str]) -> str:
    whole = [name for name in WHOLE if name in types]
    parts = [name for name, category in tag_columns(tuple(types)).items() if category]
    joined = " || ".join(as_list(name, types[name]) for name in parts) or "[]::VARCHAR[]"
    cases = " ".join(
        f'WHEN "{name}" IS NOT NULL THEN {as_list(name, types[name])}' for name in whole
    )
    every = f"CASE {cases} ELSE {joined} END" if cases else joined
    return f"list_sort(list_distinct([t FOR t IN ({every}) IF t <> '']))"


def _json_list(name: str) -> str:
    """Tags as objects with a name, as a list of names, as text, or as lists by category."""
    text = f"json_extract_string(\"{name}\", '$')"
    escaped = f'contains(CAST("{name}" AS VARCHAR), chr(92))'  # as JSON writes all but spaces
    objects, names, by_category = (
        _names(f"json_extract_string(\"{name}\", '{path}')")
        for path in ("$[*].name", "$[*]", "$.*[*]")
    )
    return (
        f'CASE json_type("{name}") '
        f"WHEN 'ARRAY' THEN CASE json_type(\"{name}\", '$[0]') "
        f"WHEN 'OBJECT' THEN {objects} ELSE {names} END "
        f"WHEN 'OBJECT' THEN {by_category} "
        f"WHEN 'VARCHAR' THEN {_words(text, escaped)} "
        "ELSE []::VARCHAR[] END"
    )
