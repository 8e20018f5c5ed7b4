"""How many posts the files of a source hold, guessed from a look at their beginnings.

Nothing is read whole: a table says its rows, of others the size and the first records do.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

from .files import FAULTS, FIRST, Metadata, Shape, in_array, open_part

SAMPLE = 1 << 23
"""Bytes that are looked at, enough that a reader's own look ahead weighs little."""
_FLOOR = 100
"""Bytes of a post in SQLite at least, where the first ones can't be read."""


def guess_posts(files: Iterable[Metadata]) -> int:
    """The posts in files of metadata, as their beginnings suggest; 0 of what can't be read.

    What is wrong with a file, its reader says.
    """
    return sum(_guess(file) for file in files if file.kind in ("posts", "bare"))


def _guess(file: Metadata) -> int:
    try:
        if file.shape == "parquet":
            return _rows_of_parquet(file.path)
        if file.shape == "sqlite":
            return _rows_of_sqlite(file.path)
        return _records(file)
    except (*FAULTS, ValueError, sqlite3.Error):
        return 0


def _records(file: Metadata) -> int:
    """From the bytes of the first records and how far the file is compressed."""
    size = file.path.stat().st_size
    with file.path.open("rb") as raw, open_part(raw, file.path.suffix) as opened:
        head = opened.read(SAMPLE)
        taken = min(raw.tell(), size)
    if len(head) < SAMPLE:
        taken = size  # all of it is here
    total = len(head) * size / max(taken, 1)
    seen = list(islice(_whole_ones(head.decode("utf-8", "replace"), file.shape), FIRST))
    return round(total / max(sum(seen) / len(seen), 1)) if seen else 0


def _rows_of_parquet(path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        return parquet.read_metadata(path).num_rows
    except pa.ArrowException:
        return 0


def _rows_of_sqlite(path: Path) -> int:
    """At most so many: counting them would read the file."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master")]
        table = next((name for name in names if name in ("posts", "post")), None)
        if table is None:
            return 0
        last = db.execute(f'SELECT max(rowid) FROM "{table}"').fetchone()[0] or 0
        rows = db.execute(f'SELECT * FROM "{table}" LIMIT {FIRST}').fetchall()
    mean = sum(len(str(value)) for row in rows for value in row) / max(len(rows), 1)
    return min(last, round(path.stat().st_size / max(mean, _FLOOR)))


def _whole_ones(text: str, shape: Shape) -> Iterator[int]:
    """The characters of each whole record at a file's beginning, as lines, CSV or an array."""
    if shape == "csv":
        rows = islice(csv.reader(io.StringIO(text, newline="")), 1, None)
        with suppress(csv.Error):  # a field that is too long for Python's reader
            yield from (sum(map(len, row)) + len(row) for row in rows)
    elif shape == "array":
        yield from (len(json.dumps(one)) for one in in_array(text.lstrip("\ufeff \t\r\n")))
    else:
        yield from map(len, text.splitlines(keepends=True))
