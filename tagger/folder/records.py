"""Records by name, more of them than memory holds: in a temporary database, and read from JSON."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from typing import Any, TextIO

Record = dict[str, Any]

_TABLE = "CREATE TABLE record (number INTEGER PRIMARY KEY, key BLOB UNIQUE, fields TEXT NOT NULL)"
_PUT = """
INSERT INTO record (key, fields) VALUES (?, ?)
ON CONFLICT (key) DO UPDATE SET fields = excluded.fields
"""
_PIECE = 1 << 20  # characters read at once
_CLOSES, _AFTER = frozenset('}]"'), frozenset(" \t\n\r,:]}")
_SPACE = re.compile(r"[ \t\n\r]*")


class Rows:
    """Records in the order in which they first came; iterate for (name, record).

    Attributes:
        names: the names of all their fields, in the order in which these first came.
    """

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self._database = sqlite3.connect("", isolation_level=None)  # a file that no name leads to
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-16000"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute(_TABLE)

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def __iter__(self) -> Iterator[tuple[str, Record]]:
        rows = self._database.execute("SELECT key, fields FROM record ORDER BY number")
        for key, fields in rows:
            yield key.decode("utf-8", "surrogatepass"), json.loads(fields)

    def get(self, key: str) -> Record:
        """The record of a name; an empty one where there is none."""
        asked = "SELECT fields FROM record WHERE key = ?"
        for (fields,) in self._database.execute(asked, (_encoded(key),)):
            return json.loads(fields)
        return {}

    def put(self, key: str, record: Record) -> None:
        """Keep a record under a name, in the place of an earlier one."""
        self.names.update(dict.fromkeys(record))
        self._database.execute(_PUT, (_encoded(key), json.dumps(record)))


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")


class NoObjectError(ValueError):
    """JSON that is no object."""


def members(text: TextIO) -> Iterator[tuple[str, Any]]:
    """The members of one JSON object, each as soon as it is read.

    Nothing at all counts as an empty object. Raises NoObjectError for other JSON, ValueError for
    what is none.
    """
    read = _Reading(text)
    if not read.peek():
        return
    if read.peek() != "{":
        read.value()
        raise NoObjectError("no object")
    read.skip("{")
    while read.peek() != "}":
        if read.peek() != '"':
            raise ValueError(f"expected a name, got {read.peek()!r}")
        key = read.value()
        read.skip(":")
        yield key, read.value()
        if read.peek() != "}":
            read.skip(",")
    read.skip("}")
    if read.peek():
        raise ValueError("more after its end")


class _Reading:
    """A text of JSON, read a piece at a time."""

    def __init__(self, text: TextIO) -> None:
        self._text, self._piece, self._at, self._ended = text, "", 0, False
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """The next character that is no space; nothing at the end."""
        while True:
            found = _SPACE.match(self._piece, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._piece) or not self._more():
                return self._piece[self._at : self._at + 1]

    def skip(self, char: str) -> None:
        """Go past a character. Raises ValueError if there is another."""
        if self.peek() != char:
            raise ValueError(f"expected {char!r}, got {self.peek() or 'its end'!r}")
        self._at += 1

    def value(self) -> Any:
        """The next value, whole. Raises ValueError if there is none."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._piece, self._at)
            except ValueError:
                if not self._more():
                    raise
                continue
            if self._is_whole(end) or not self._more():
                self._at = end
                return value

    def _is_whole(self, end: int) -> bool:
        """Whether a value surely ends here; a number may go on."""
        return self._piece[end - 1] in _CLOSES or self._piece[end : end + 1] in _AFTER

    def _more(self) -> bool:
        """Read as much again as is not used yet, a piece at least; whether there was any."""
        if not self._ended:
            more = self._text.read(max(_PIECE, len(self._piece) - self._at))
            self._ended = not more
            self._piece, self._at = self._piece[self._at :] + more, 0
        return not self._ended
