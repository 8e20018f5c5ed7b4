"""Which records of a file are no posts, by their numbers: lines, rows, or places in an array.

Looked for only where DuckDB found some, since it does not say where they stand. What is no post is
said twice, in `staging.id_or_nothing` as SQL and here.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterator
from typing import Any, cast

from .fields import NAMES
from .files import Metadata, lines, open_bytes

NUMBER = r"^\s*(-?[0-9]+)(\.0+)?\s*$"
"""An id: a whole number, also as tables write it that hold whole numbers as floats."""
_LARGEST = 1 << 63
_FIELD = 1 << 24
"""Characters of a field of CSV; a description of e621 passes Python's own limit."""


def places_of_nothing(file: Metadata, fields: Collection[str]) -> Iterator[int]:
    """The numbers, from 1, of a file's records that are no posts; none of parquet.

    Of CSV those whose id is no number, by the row, the header being 1, as DuckDB counts. `fields`
    are the names that a post in JSON must have one of.
    """
    if file.shape == "lines":
        for number, line in enumerate(lines(file.path), 1):
            if line.strip() and not _is_post(_parsed(line), fields):
                yield number
    elif file.shape == "array":
        with open_bytes(file.path) as opened:
            listed = _parsed(opened.read())
        for number, one in enumerate(listed if isinstance(listed, list) else (), 1):
            if not _is_post(one, fields):
                yield number
    elif file.shape == "csv":
        yield from _rows_of_nothing(file)


def _rows_of_nothing(file: Metadata) -> Iterator[int]:
    limit = csv.field_size_limit(_FIELD)
    try:
        with open_bytes(file.path) as opened:
            text = io.TextIOWrapper(opened, "utf-8-sig", "replace", newline="")
            rows = csv.reader(text)
            header = [name.strip().lower() for name in next(rows, ())]
            at = next(header.index(name) for name in NAMES["id"] if name in header)
            for number, row in enumerate(rows, 2):
                # of another length, DuckDB names it
                if len(row) == len(header) and any(row) and not _is_id(row[at]):
                    yield number
    except csv.Error:  # what else there is stays counted, but without a number
        return
    finally:
        csv.field_size_limit(limit)


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_post(found: object, fields: Collection[str]) -> bool:
    if not isinstance(found, dict):
        return False
    record = cast("dict[str, Any]", found)
    if all(record.get(name) is None for name in fields):
        return False
    name = next(name for name in NAMES["id"] if name in fields)
    return record.get(name) is None or _is_id(record[name])


def _is_id(value: object) -> bool:
    """Whether a field can be an id; an empty one is none, but its row is a post."""
    text = value if isinstance(value, str) else json.dumps(value)
    if not text:
        return True
    found = re.match(NUMBER, text)
    return bool(found) and -_LARGEST <= int(found[1]) < _LARGEST and int(found[1]) != -1
