"""The posts table: the one shape that every reader fills, whatever a booru calls its fields.

    column     type         meaning; NULL where the booru does not say
    source     INTEGER      which of the sources, counted from 0
    id         BIGINT       the post's number; NULL where the booru hides it
    md5        VARCHAR      of the file as uploaded, lower-case hex
    rating     VARCHAR      `g`, `s`, `q` or `e`, as the source writes it
    extension  VARCHAR      of the picture's file, lower case, letters and digits only
    parent     BIGINT       the post that this one is a version of
    deleted    BOOLEAN      never NULL, like the three below
    banned     BOOLEAN
    pending    BOOLEAN
    flagged    BOOLEAN
    tags       VARCHAR[]    names as the source writes them, of every category, never NULL

Aliases are not resolved and implications not applied here. An id that a source gives twice is two
rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

COLUMNS: Mapping[str, str] = {
    "source": "INTEGER",
    "id": "BIGINT",
    "md5": "VARCHAR",
    "rating": "VARCHAR",
    "extension": "VARCHAR",
    "parent": "BIGINT",
    "deleted": "BOOLEAN",
    "banned": "BOOLEAN",
    "pending": "BOOLEAN",
    "flagged": "BOOLEAN",
    "tags": "VARCHAR[]",
}
STATUSES = ("deleted", "banned", "pending", "flagged")


@dataclass(frozen=True)
class Reading:
    """What came of reading one source's posts.

    unreadable: lines that are no JSON object. named: the first of them, as "file:line".
    """

    posts: int
    unreadable: int = 0
    named: tuple[str, ...] = ()


@dataclass(frozen=True)
class BooruTag:
    """A tag in a source's own list: `category` by the site's number, `count` as the site says."""

    name: str
    category: int
    count: int = 0


def connect(spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB of our own in memory, which installs nothing and spills to the folder `spill`."""
    import duckdb

    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False})
    if spill is not None:
        connection.execute("SET temp_directory = ?", [str(spill)])
    return connection


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the empty table `posts`."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute(f"CREATE TABLE posts ({columns})")
