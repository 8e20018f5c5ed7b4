"""Files of metadata as a table that DuckDB reads: of any columns, all of them text or JSON.

What can't be read is left out, counted and named by file and line; a file that breaks off is an
error, since nobody knows what it lacks.
"""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import DatasetError
from .fields import NAMES, column_types
from .files import FAULTS, Metadata, lines
from .nothings import NUMBER, places_of_nothing
from .posts import changed, insert, text

if TYPE_CHECKING:
    import duckdb

NOTHING = -1
"""The id of a row that is no post, until it is taken out; no site has it."""
LONGEST = 1 << 24
"""Bytes of a record: e621's descriptions pass 128 KiB."""
OBJECT = 1 << 26
"""Bytes of a JSON object."""


class Gone(NamedTuple):
    """What is no post: rows that were read and taken out again, and rows that DuckDB rejected."""

    rows: int
    rejected: int = 0


def table_of(files: Sequence[Metadata], fields: Collection[str] = ()) -> str:
    """The SQL of a table of files, a lot of `together`.

    JSON has the columns `fields`, of type JSON, of those that any of the files shows; the others
    have their own.
    """
    paths = "[" + ", ".join(text(glob.escape(str(file.path))) for file in files) + "]"
    shape = files[0].shape
    if shape == "parquet":
        return f"read_parquet({paths}, union_by_name=true)"
    if shape == "csv":
        return (
            f"read_csv({paths}, header=true, all_varchar=true, delim=',', quote='\"', "
            f"escape='\"', max_line_size={LONGEST}, ignore_errors=true, "
            "store_rejects=true)"
        )
    columns = ", ".join(f"{text(name)}: 'JSON'" for name in fields)
    written = "newline_delimited" if shape == "lines" else "array"
    return (
        f"read_json({paths}, columns={{{columns}}}, format='{written}', "
        f"maximum_object_size={OBJECT}, ignore_errors={'true' if shape == 'lines' else 'false'})"
    )


def together(files: Iterable[Metadata]) -> list[list[Metadata]]:
    """The files in lots that `table_of` reads as one: by shape, and each CSV alone.

    The columns of a CSV stand in its first line alone, so another's may be in another order.
    """
    lots: dict[str, list[Metadata]] = {}
    for file in files:
        lots.setdefault(str(file.path) if file.shape == "csv" else file.shape, []).append(file)
    return list(lots.values())


def id_or_nothing(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """The SQL of a row's id: NOTHING for a row without any field, or an id that is no number.

    Raises LookupError if there is no column for it.
    """
    types = column_types(connection, table)
    name = next((column for column in NAMES["id"] if column in types), "")
    if not name:
        raise LookupError(f"a table without ids, of the columns {', '.join(types):.80}")
    every = ", ".join(f'CAST("{column}" AS VARCHAR)' for column in types)
    text = f"json_extract_string(\"{name}\", '$')" if types[name] == "JSON" else f'"{name}"'
    text = f"CAST({text} AS VARCHAR)"
    number = f"try_cast(regexp_extract({text}, '{NUMBER}', 1) AS BIGINT)"
    return (
        f"CASE WHEN coalesce({every}) IS NULL THEN {NOTHING} "
        f"WHEN {text} IS NULL OR {text} = '' THEN NULL "
        f"ELSE coalesce({number}, {NOTHING}) END"
    )


def take_out_nothing(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Metadata],
    source: int,
    fields: Collection[str] = (),
) -> Gone:
    """Delete a source's rows that are no posts, and name their lines; of an array their places.

    `fields` are those that the files were read for.
    """
    rows = changed(connection, f"DELETE FROM posts WHERE source = ? AND id = {NOTHING}", [source])
    if rows:
        found = (
            (file.path.name, place) for file in files for place in places_of_nothing(file, fields)
        )
        named = ((source, name, place) for name, place in found)
        insert(connection, "unreadable", ("source", "file", "line"), named)
    if files[0].shape == "csv":
        return Gone(rows, _rejected(connection, files, source))
    return Gone(rows)


@contextmanager
def whole(source: Path) -> Iterator[None]:
    """Turn what DuckDB, the disk and a table without ids raise into a sentence on the source."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:  # which the files can't help
        raise
    except (duckdb.Error, LookupError, *FAULTS) as error:
        said = cause(error)
        raise DatasetError(f"{source}: expected whole files of metadata, got {said}") from error


def cause(error: Exception) -> str:
    """The first line of what DuckDB or the disk says."""
    return str(error).splitlines()[0].strip() if str(error) else type(error).__name__


def check_whole(files: Iterable[Metadata]) -> None:
    """Read each .gz of CSV to its end, where DuckDB would not say that it breaks off.

    Before 2.0 it takes such a file for a shorter one. Raises one of its FAULTS.
    """
    import duckdb

    if int(duckdb.__version__.partition(".")[0]) >= 2:
        return
    for file in files:
        if file.shape == "csv" and file.path.suffix == ".gz":
            for _ in lines(file.path):
                pass


def _rejected(connection: duckdb.DuckDBPyConnection, files: Sequence[Metadata], source: int) -> int:
    """What DuckDB wrote down of rows of another length; a row that spans lines counts as one."""
    return changed(
        connection,
        "INSERT INTO unreadable SELECT DISTINCT ?::INTEGER, "
        "regexp_extract(s.file_path, '[^/\\\\]+$'), r.line "
        "FROM reject_errors r JOIN reject_scans s USING (scan_id, file_id) "
        "WHERE list_contains(?, s.file_path)",
        [source, [str(file.path) for file in files]],
    )
