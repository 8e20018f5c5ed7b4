"""A label file's columns: CSV bytes into typed fields, each wrong one named by its row.

Knows CSV and numbers; knows no labels. The header is row 1.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast

from .errors import LabelFileError

LARGEST_FILE = 64 << 20
"""Bytes; the largest vocabulary known, 108,036 labels, takes under 8 MB."""

T = TypeVar("T")

_DIGITS = 18
_INTEGER = re.compile(rf"-?[0-9]{{1,{_DIGITS}}}(\.0*)?")
_NEEDS_QUOTES = re.compile(r'[",\r\n]').search


class Table:
    """The records of a file, by column: a vocabulary has ten thousand and more at every start.

    A column that the file lacks is empty fields. Raises LabelFileError, naming the row, where a
    field is not what is asked for.
    """

    def __init__(self, where: str, columns: Mapping[str, Sequence[str]], rows: int) -> None:
        """`columns` has a field for each of so many `rows`; `where` is named in errors."""
        self.where, self._columns, self._rows = where, columns, rows

    def __len__(self) -> int:
        return self._rows

    def error(self, row: int, expected: str, got: str) -> LabelFileError:
        """Return the error that names a row, the first being 0."""
        return _error(self.where, row + 2, expected, got)

    def under(self, column: str) -> Table:
        """The same, with nothing in the rows that have nothing in this column."""
        kept = self.texts(column)
        if all(kept):
            return self
        columns = {
            name: [field if there else "" for field, there in zip(fields, kept, strict=True)]
            for name, fields in self._columns.items()
        }
        return Table(self.where, columns, self._rows)

    def texts(self, column: str) -> Sequence[str]:
        return self._columns.get(column) or [""] * self._rows

    def integers(self, column: str) -> list[int | None]:
        """Read whole numbers; `9.0` is one too, as tools write it whose columns had gaps."""
        texts = self.texts(column)
        if all(texts) and _are_digits(texts):
            return [*map(int, texts)]
        return self._read(column, _integer, "a number for {}")

    def fractions(self, column: str) -> list[float | None]:
        """Read numbers from 0 to 1; `nan` is none."""
        return self._read(column, _fraction, "a {} from 0 to 1")

    def names(self, column: str) -> list[tuple[str, ...]]:
        """Read JSON lists of strings; an empty field is an empty list."""
        found = self._read(column, _names, "a JSON list of names for {}")
        return [names or () for names in found]

    def _read(self, column: str, read: Callable[[str], T], expected: str) -> list[T | None]:
        texts = self.texts(column)
        if not any(texts):
            return [None] * self._rows
        found: list[T | None] = []
        for row, text in enumerate(texts):
            try:
                found.append(read(text) if text else None)
            except ValueError:
                raise self.error(row, expected.format(column), shown(text)) from None
        return found


def _are_digits(texts: Sequence[str]) -> bool:
    joined = "".join(texts)
    return joined.isascii() and joined.isdecimal() and max(map(len, texts)) <= _DIGITS


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text.partition(".")[0])


def _fraction(text: str) -> float | None:
    value = float(text)
    if math.isnan(value):
        return None
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _names(text: str) -> tuple[str, ...]:
    try:
        names: object = json.loads(text)
    except RecursionError:
        raise ValueError(text) from None
    if not isinstance(names, list):
        raise ValueError(text)
    found = cast("list[object]", names)
    if not all(isinstance(name, str) for name in found):
        raise ValueError(text)
    return tuple(map(str, found))


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


def read_table(text: str, where: str, needed: tuple[str, ...]) -> Table:
    """Split CSV text into columns under its header, which must have the needed ones.

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
    by_column = zip(reversed(columns), reversed([*zip(*records, strict=True)]), strict=True)
    # of two columns of one name the first counts
    return Table(where, dict(by_column) if records else {}, len(records))


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
