"""Rows of a label file: CSV bytes into records of typed fields, each wrong one named by its row.

Knows CSV and numbers; knows no labels. The header is row 1.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, cast

from .errors import LabelFileError

LARGEST_FILE = 64 << 20
"""Bytes; the largest vocabulary known, 108,036 labels, takes under 8 MB."""

_DIGITS = 18
_INTEGER = re.compile(rf"-?[0-9]{{1,{_DIGITS}}}(\.0*)?")
_NEEDS_QUOTES = re.compile(r'[",\r\n]').search


class Row(NamedTuple):
    """One record, and where it stands.

    A named tuple, since a vocabulary has ten thousand and more and is read at every start.
    """

    where: str
    number: int
    fields: Mapping[str, str]
    """By column; a column that the file lacks is empty."""

    def error(self, expected: str, got: str) -> LabelFileError:
        """Return the error that names this row."""
        return _error(self.where, self.number, expected, got)

    def text(self, column: str) -> str:
        return self.fields.get(column, "")

    def integer(self, column: str) -> int | None:
        """Read a whole number; `9.0` is one too, as tools write it whose columns had gaps."""
        text = self.text(column)
        if text.isdecimal() and text.isascii() and len(text) <= _DIGITS:
            return int(text)
        if not text:
            return None
        if not _INTEGER.fullmatch(text):
            raise self.error(f"a number for {column}", shown(text))
        return int(text.partition(".")[0])

    def fraction(self, column: str) -> float | None:
        """Read a number from 0 to 1; `nan` is none."""
        text = self.text(column)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.inf
        if math.isnan(value):
            return None
        if not 0 <= value <= 1:
            raise self.error(f"a {column} from 0 to 1", shown(text))
        return value

    def names(self, column: str) -> tuple[str, ...]:
        """Read a JSON list of strings."""
        text = self.text(column)
        if not text:
            return ()
        try:
            found: object = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        names = cast("list[object]", found) if isinstance(found, list) else [None]
        if not all(isinstance(name, str) for name in names):
            raise self.error(f"a JSON list of names for {column}", shown(text))
        return tuple(str(name) for name in names)


def read_text(path: Path) -> str:
    """Read a label file's bytes as UTF-8, with or without a byte order mark."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise LabelFileError(
            f"{path}: expected a label file, got {error.strerror or error}"
        ) from error
    if len(data) > LARGEST_FILE:
        raise LabelFileError(f"{path}: expected at most {LARGEST_FILE} bytes, got more")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        got = f"the byte 0x{data[error.start]:02x}"
        raise _error(str(path), row, "UTF-8 text", got) from error


def read_rows(text: str, where: str, needed: tuple[str, ...]) -> list[Row]:
    """Split CSV text into records under its header, which must have the needed columns.

    Rows of empty fields at the end are left out. Raises LabelFileError, naming `where` and row.
    """
    (header, *records) = _records(text, where)
    columns = [name.strip() for name in header]
    for column in needed:
        if column not in columns:
            raise _error(where, 1, f"a column {column}", shown(", ".join(columns)))
    while records and not any(records[-1]):
        records.pop()
    for number, fields in enumerate(records, 2):
        if len(fields) != len(columns):
            expected = f"{len(columns)} fields as in row 1"
            raise _error(where, number, expected, str(len(fields)))
    columns.reverse()  # of two columns of one name the first counts
    return [
        Row(where, number, dict(zip(columns, reversed(fields), strict=True)))
        for number, fields in enumerate(records, 2)
    ]


def quoted(text: str) -> str:
    """Quote a field where CSV needs it; csv.writer forgets a lone CR before Python 3.13."""
    if not _NEEDS_QUOTES(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def shown(text: str) -> str:
    """Return what a file said, short enough for a sentence."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _records(text: str, where: str) -> list[list[str]]:
    """Split CSV text into its records; blank lines are none, as other readers have it."""
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise _error(where, row, "text", "a NUL character")
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    records: list[list[str]] = []
    try:
        records += filter(None, reader)
    except csv.Error as error:
        raise _error(where, len(records) + 1, "comma-separated fields", str(error)) from error
    if not records:
        raise LabelFileError(f"{where}: expected a header and rows under it, got an empty file")
    return records


def _error(where: str, row: int, expected: str, got: str) -> LabelFileError:
    return LabelFileError(f"{where}, row {row}: expected {expected}, got {got}")
