"""The posts table: the one shape that every reader fills, whatever a booru calls its fields.

    column      type        meaning; NULL where the source does not say
    source      INTEGER     which of the sources, counted from 0
    id          BIGINT      the post's number; of a picture without a post, one made of its path
    md5         VARCHAR     of the file as uploaded, lower-case hex
    rating      VARCHAR     `g`, `s`, `q` or `e`; `safe` where the source has no more than three
    extension   VARCHAR     of the picture's file, lower case, letters and digits only
    width       INTEGER     of the file as uploaded, in pixels
    height      INTEGER
    size        BIGINT      of the file as uploaded, in bytes
    score       INTEGER     votes for, less votes against
    favourites  INTEGER
    created     TIMESTAMP   when it was uploaded
    parent      BIGINT      the post that this one is a version of
    deleted     BOOLEAN     never NULL, like the three below
    banned      BOOLEAN
    pending     BOOLEAN
    flagged     BOOLEAN
    url         VARCHAR     where the site has the file as uploaded
    path        VARCHAR     the picture's place below the folder of pictures, if the source says it
    split       VARCHAR     the part that the source puts it in: train, calibration, validation
    tags        VARCHAR[]   names as the source writes them, of every category, never NULL

Beside it three tables of what the source says of tags: `tags` (source, name, category, count),
`aliases` (source, name, meaning) and `implications` (source, name, implied); a category by its
name. What could not be read is in `unreadable` (source, file, line).

Aliases are not resolved and implications not applied here. An id that a source gives twice is two
rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")

MEMORY = 4
"""Gigabytes that DuckDB takes at most where nothing else is said."""

COLUMNS: Mapping[str, str] = {
    "source": "INTEGER",
    "id": "BIGINT",
    "md5": "VARCHAR",
    "rating": "VARCHAR",
    "extension": "VARCHAR",
    "width": "INTEGER",
    "height": "INTEGER",
    "size": "BIGINT",
    "score": "INTEGER",
    "favourites": "INTEGER",
    "created": "TIMESTAMP",
    "parent": "BIGINT",
    "deleted": "BOOLEAN",
    "banned": "BOOLEAN",
    "pending": "BOOLEAN",
    "flagged": "BOOLEAN",
    "url": "VARCHAR",
    "path": "VARCHAR",
    "split": "VARCHAR",
    "tags": "VARCHAR[]",
}
STATUSES = ("deleted", "banned", "pending", "flagged")
BESIDE: Mapping[str, str] = {
    "tags": "source INTEGER, name VARCHAR, category VARCHAR, count BIGINT",
    "aliases": "source INTEGER, name VARCHAR, meaning VARCHAR",
    "implications": "source INTEGER, name VARCHAR, implied VARCHAR",
    "unreadable": "source INTEGER, file VARCHAR, line BIGINT",
}


@dataclass(frozen=True)
class Reading:
    """What came of reading one source.

    format: the name of its format. posts: rows added. unreadable: lines or rows that are no post.
    rating_s: what the rating `s` means there, a sentence; empty where nothing is rated so.
    """

    format: str
    posts: int
    unreadable: int = 0
    rating_s: str = ""


def connect(spill: Path | None = None, memory: str | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB of our own that installs nothing.

    It lives in main memory; given a folder `spill` on the disk there, so that tables may be larger
    than memory, of which it takes at most `memory`: MEMORY where none is said, and 80 % of the
    machine's.
    """
    import duckdb

    config: dict[str, Any] = {"autoinstall_known_extensions": False}
    if memory:
        config["memory_limit"] = memory
    if spill is not None:
        spill.mkdir(parents=True, exist_ok=True)
    place = ":memory:" if spill is None else spill / "build.duckdb"
    connection = duckdb.connect(place, config=config)
    connection.execute("SET enable_progress_bar = false")  # it writes to stdout, over our own
    if spill is None:
        return connection
    if not memory and _gigabytes(connection) > MEMORY:
        connection.execute(f"SET memory_limit = '{MEMORY}GB'")
    connection.execute("SET temp_directory = ?", [str(spill)])
    connection.execute("SET preserve_insertion_order = false")  # every query says its order
    return connection


def _gigabytes(connection: duckdb.DuckDBPyConnection) -> float:
    """The memory that DuckDB means to take, which it says as "18.8 GiB"."""
    said: str = connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    amount, _, unit = said.partition(" ")
    powers = {"TiB": 4, "GiB": 3, "MiB": 2, "KiB": 1}
    return float(amount) * 1024 ** powers.get(unit, 0) / 1e9


def text(value: object) -> str:
    """A text as SQL writes it, where a statement takes no parameter."""
    return "'" + str(value).replace("'", "''") + "'"


def second(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A second connection to the same tables, to read from while the first is used."""
    found = connection.execute("SELECT current_setting('search_path')").fetchall()
    cursor = connection.cursor()
    cursor.execute("SET search_path = ?", found[0])
    return cursor


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the empty table `posts` and those beside it."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute(f"CREATE TABLE posts ({columns})")
    for name, kinds in BESIDE.items():
        connection.execute(f"CREATE TABLE {name} ({kinds})")


def changed(connection: duckdb.DuckDBPyConnection, change: str, values: Sequence[Any] = ()) -> int:
    """Run an INSERT, UPDATE or DELETE; gives the rows it struck."""
    return connection.execute(change, list(values)).fetchall()[0][0]


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, names: Sequence[str], rows: Iterable[Any]
) -> int:
    """Append rows of Python values, in the order of `names`; gives how many."""
    import pyarrow as pa

    columns = list(zip(*rows, strict=True))
    if not columns:
        return 0
    connection.register("given", pa.table(dict(zip(names, map(list, columns), strict=True))))
    try:
        listed = ", ".join(names)
        return changed(connection, f"INSERT INTO {table} ({listed}) SELECT {listed} FROM given")
    finally:
        connection.unregister("given")


def chunks(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """The rows in lists of `size`, the last one shorter: what is inserted at once."""
    waiting = iter(rows)
    while chunk := list(islice(waiting, size)):
        yield chunk
