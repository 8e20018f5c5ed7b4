"""Answers: what one contestant said of pictures, kept in a file so that nothing is asked twice.

    about    name, value: whose answers these are, what was measured
    labels   id, name, kind: every tag met, as the contestant spells it
    answers  picture, labels, scores, ratings, fault: a row a picture; uint32 and float32, packed

Scores are rounded as everywhere, by `scores`; what is 0 then is not kept.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..scores import rounded

SCHEMA = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS labels (id INTEGER PRIMARY KEY, name TEXT UNIQUE, kind TEXT);
CREATE TABLE IF NOT EXISTS answers
  (picture TEXT PRIMARY KEY, labels BLOB, scores BLOB, ratings TEXT, fault TEXT) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Said:
    """What was said of one picture: scores from 0 to 1 by tag and by rating.

    fault: why there are none, a sentence's tail; empty where there are.
    """

    tags: Mapping[str, float] = field(default_factory=dict[str, float])
    ratings: Mapping[str, float] = field(default_factory=dict[str, float])
    fault: str = ""


class Answers:
    """One contestant's answers; with a path they are gone on with, without one they are not kept.

    Raises StoreError where the file is something else or can't be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(str(path or ":memory:"), isolation_level=None)
            self._check_schema()
            self._database.executescript(_TABLES)
            found = self._database.execute("SELECT id, name, kind FROM labels ORDER BY id")
            rows = found.fetchall()
        except (sqlite3.Error, OSError) as error:
            raise self._refusal(error) from error
        self._ids = {name: number for number, name, _ in rows}
        self.kinds: dict[str, str] = {name: kind for _, name, kind in rows}

    @property
    def names(self) -> tuple[str, ...]:
        """Every tag met, in the order of their numbers."""
        return tuple(self._ids)

    def said(self, name: str) -> Any:
        """One thing about the contestant, None where it was not said."""
        row = self._ask("SELECT value FROM about WHERE name = ?", name).fetchone()
        return json.loads(row[0]) if row else None

    def say(self, name: str, value: Any) -> None:
        """Keep one thing about the contestant, as JSON."""
        self._ask("INSERT OR REPLACE INTO about VALUES (?, ?)", name, json.dumps(value))

    def know(self, kinds: Mapping[str, str]) -> None:
        """Keep tags with their category before anything is said of them."""
        new = [name for name in kinds if name not in self._ids]
        rows = [(len(self._ids) + at, name, kinds[name]) for at, name in enumerate(new)]
        self._many("INSERT INTO labels VALUES (?, ?, ?)", rows)
        self._ids.update((name, number) for number, name, _ in rows)
        self.kinds.update((name, kinds[name]) for name in new)

    def done(self, pictures: Sequence[str]) -> set[str]:
        """Those of the pictures that have been answered; a fault is no answer."""
        rows = self._ask("SELECT picture FROM answers WHERE fault = ''").fetchall()
        return {picture for (picture,) in rows} & set(pictures)

    def keep(self, rows: Sequence[tuple[str, Said]]) -> None:
        """Keep what was said of pictures, all or none of it."""
        self.know({name: "" for _, said in rows for name in said.tags if name not in self._ids})
        packed = [(picture, *self._packed(said)) for picture, said in rows]
        self._many("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", packed)

    def forget(self) -> None:
        """Drop what was said, to ask anew."""
        for table in ("answers", "about"):
            self._ask(f"DELETE FROM {table}")

    def scores(self, pictures: Sequence[str]) -> Iterator[NDArray[np.float32]]:
        """For each picture its scores by label, float32[labels], 0 where nothing was said."""
        for picture in pictures:
            row = self._row(picture)
            values = np.zeros(len(self._ids), np.float32)
            if row and row[0]:
                values[_unpacked(row[0], np.uint32)] = _unpacked(row[1], np.float32)
            yield values

    def ratings(self, pictures: Sequence[str]) -> list[str]:
        """For each picture the rating with the highest score, empty where there is none."""
        rows = [self._row(picture) for picture in pictures]
        said: list[dict[str, float]] = [json.loads(row[2]) if row else {} for row in rows]
        return [max(each, key=lambda name: each[name]) if each else "" for each in said]

    def faults(self, pictures: Sequence[str]) -> dict[str, str]:
        """The pictures that have no answer, and why."""
        rows = ((picture, self._row(picture)) for picture in pictures)
        found = {picture: row[3] if row else "never asked" for picture, row in rows}
        return {picture: fault for picture, fault in found.items() if fault}

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _check_schema(self) -> None:
        (found,) = self._database.execute("PRAGMA user_version").fetchone()
        if found not in (0, SCHEMA):
            raise sqlite3.DatabaseError(f"answers of another version of Tagger, {found}")
        self._database.execute(f"PRAGMA user_version = {SCHEMA}")

    def _row(self, picture: str) -> Any:
        return self._ask(
            "SELECT labels, scores, ratings, fault FROM answers WHERE picture = ?", picture
        ).fetchone()

    def _packed(self, said: Said) -> tuple[bytes, bytes, str, str]:
        values = rounded(list(said.tags.values()))
        some = values > 0
        ids = np.array([self._ids[name] for name in said.tags], np.uint32)[some]
        return (
            zlib.compress(ids.tobytes(), 1),
            zlib.compress(values[some].tobytes(), 1),
            json.dumps(dict(said.ratings)),
            said.fault,
        )

    def _ask(self, query: str, *values: Any) -> sqlite3.Cursor:
        try:
            return self._database.execute(query, values)
        except sqlite3.Error as error:
            raise self._refusal(error) from error

    def _many(self, query: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self._ask("BEGIN")
        try:
            self._database.executemany(query, rows)
            self._ask("COMMIT")
        except BaseException as error:
            self._database.rollback()
            if isinstance(error, sqlite3.Error):
                raise self._refusal(error) from error
            raise

    def _refusal(self, error: Exception) -> StoreError:
        return StoreError(
            f"{self._path}: expected to keep a contestant's answers, got {error}: name another "
            f"folder with --work"
        )


def _unpacked(data: bytes, kind: Any) -> NDArray[Any]:
    return np.frombuffer(zlib.decompress(data), kind)
