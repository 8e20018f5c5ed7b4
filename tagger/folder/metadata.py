"""Captions of many pictures in one file, as trainers and data sets read them.

kohya's JSON and JSONL, Hugging Face's `metadata.jsonl`, CSV. What a file holds already stays: only
the pictures given are new in it, and of those only the fields that are ours.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, cast

from ..errors import UsageError
from .records import NoObjectError, Record, Rows, members


@dataclass(frozen=True)
class Row:
    """A picture's caption. key: its path as the file names it. size: width and height."""

    key: str
    text: str
    size: tuple[int, int] | None = None


Refuse = Callable[[str, str], UsageError]
"""Makes the error that says what was expected, and what there was instead."""


def merge(file: Path, old: TextIO | None, rows: Iterable[Row], into: TextIO) -> int:
    """Write a file anew with these pictures in it, the old ones first; says how many were given.

    Only a row is in memory at a time: what was read lies in a temporary database.

    Raises:
        UsageError: an ending that is not known, or an old text that is not of its kind.
    """
    form, count = _form(file), 0
    with Rows() as records:
        for key, record in form.read(old) if old is not None else ():
            records.put(key, record)
        for row in rows:
            record = records.get(row.key)
            records.put(row.key, record | form.fields(row, record))
            count += 1
        into.writelines(form.write(records))
    return count


def check_name(file: Path) -> None:
    """Raises UsageError for a file whose ending is not known."""
    _form(file)


@dataclass(frozen=True)
class _Form:
    read: Callable[[TextIO], Iterator[tuple[str, Record]]]
    fields: Callable[[Row, Record], Record]
    write: Callable[[Rows], Iterator[str]]


def _form(file: Path) -> _Form:
    refuse = _refuser(file)
    if file.name == "metadata.jsonl":
        return _Form(lambda t: _read_lines(t, "file_name", refuse), _hugging_face, _lines)
    match file.suffix.lower():
        case ".json":
            return _Form(lambda t: _read_json(t, refuse), _kohya_json, _json)
        case ".jsonl":
            return _Form(lambda t: _read_lines(t, "image_path", refuse), _kohya_line, _lines)
        case ".csv":
            return _Form(lambda t: _read_csv(t, refuse), _hugging_face, _csv)
        case _:
            raise UsageError(f"{file}: expected a name ending in .json, .jsonl, .csv or .parquet")


def _refuser(file: Path) -> Refuse:
    def refuse(expected: str, got: str) -> UsageError:
        return UsageError(f"{file}: expected {expected}, got {got}: name another file")

    return refuse


# kohya: a picture's path -> its fields; `tags` and `caption` are joined, sizes sort into buckets
def _kohya_json(row: Row, _: Record) -> Record:
    return {"tags": row.text} | _size(row)


def _kohya_line(row: Row, old: Record) -> Record:
    """kohya's tagger puts tags in `caption`; where a line has `tags`, its caption is a sentence."""
    return {"image_path": row.key, "tags" if "tags" in old else "caption": row.text} | _size(row)


def _hugging_face(row: Row, _: Record) -> Record:
    return {"file_name": row.key, "text": row.text}


def _size(row: Row) -> Record:
    return {"image_size": list(row.size)} if row.size else {}


def _read_json(text: TextIO, refuse: Refuse) -> Iterator[tuple[str, Record]]:
    try:
        for key, found in members(text):
            if not isinstance(found, dict):
                raise refuse("kohya's metadata, an object for each path", "other JSON")
            yield key, cast("Record", found)
    except UnicodeDecodeError:
        raise
    except NoObjectError as error:
        raise refuse("kohya's metadata, an object for each path", "other JSON") from error
    except (ValueError, RecursionError) as error:
        raise refuse("kohya's metadata", f"no JSON ({error})") from error


def _read_lines(text: TextIO, key: str, refuse: Refuse) -> Iterator[tuple[str, Record]]:
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        try:
            found: Any = json.loads(line)
            name = str(found[key])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise refuse(
                f'a JSON object with "{key}" to a line', f"another line {number}"
            ) from error
        yield name, found


def _read_csv(text: TextIO, refuse: Refuse) -> Iterator[tuple[str, Record]]:
    rows = csv.DictReader(text)
    try:
        names = rows.fieldnames
        if names is None:
            return
        if "file_name" not in names:
            raise refuse("a column file_name", f"{names}")
        for row in rows:
            if None in row:
                raise refuse("rows as long as the head", "a longer one")
            yield row["file_name"], row
    except csv.Error as error:
        raise refuse("a table", f"none ({error})") from error


def _json(records: Rows) -> Iterator[str]:
    """As `json.dumps` indents it, a picture at a time."""
    before = "{"
    for key, record in records:
        said = json.dumps(record, ensure_ascii=False, indent=2).replace("\n", "\n  ")
        yield f"{before}\n  {json.dumps(key, ensure_ascii=False)}: {said}"
        before = ","
    yield "{}\n" if before == "{" else "\n}\n"


def _lines(records: Rows) -> Iterator[str]:
    return (json.dumps(record, ensure_ascii=False) + "\n" for _, record in records)


def _csv(records: Rows) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.DictWriter(
        out, list(records.names), restval="", extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    for _, record in records:
        writer.writerow(record)
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()  # the head, where there was no row
