"""Captions of many pictures in one file, as trainers and data sets read them.

kohya's JSON and JSONL, Hugging Face's `metadata.jsonl`, CSV. What a file holds already stays: only
the pictures given are new in it, and of those only the fields that are ours.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..errors import UsageError


@dataclass(frozen=True)
class Row:
    """A picture's caption. key: its path as the file names it. size: width and height."""

    key: str
    text: str
    size: tuple[int, int] | None = None


Records = dict[str, dict[str, Any]]


def merged(file: Path, old: str | None, rows: Sequence[Row]) -> str:
    """The text of a file with these pictures in it, in the order of the old and then the new ones.

    Raises:
        UsageError: an ending that is not known, or an old text that is not of its kind.
    """
    form = _form(file)
    records = form.read(old) if old and old.strip() else {}
    for row in rows:
        record = records.setdefault(row.key, {})
        record |= form.fields(row, record)
    return form.write(records)


def check_name(file: Path) -> None:
    """Raises UsageError for a file whose ending is not known."""
    _form(file)


@dataclass(frozen=True)
class _Form:
    read: Callable[[str], Records]
    fields: Callable[[Row, Mapping[str, Any]], Mapping[str, Any]]
    write: Callable[[Records], str]


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


def _refuser(file: Path) -> Callable[[str, str], UsageError]:
    def refuse(expected: str, got: str) -> UsageError:
        return UsageError(f"{file}: expected {expected}, got {got}: name another file")

    return refuse


# kohya: a picture's path -> its fields; `tags` and `caption` are joined, sizes sort into buckets
def _kohya_json(row: Row, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"tags": row.text} | _size(row)


def _kohya_line(row: Row, old: Mapping[str, Any]) -> dict[str, Any]:
    """kohya's tagger puts tags in `caption`; where a line has `tags`, its caption is a sentence."""
    return {"image_path": row.key, "tags" if "tags" in old else "caption": row.text} | _size(row)


def _hugging_face(row: Row, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"file_name": row.key, "text": row.text}


def _size(row: Row) -> dict[str, Any]:
    return {"image_size": list(row.size)} if row.size else {}


def _read_json(text: str, refuse: Callable[[str, str], UsageError]) -> Records:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refuse("kohya's metadata", f"no JSON ({error})") from error
    if not isinstance(found, dict) or not all(
        isinstance(each, dict) for each in cast("dict[str, Any]", found).values()
    ):
        raise refuse("kohya's metadata, an object for each path", "other JSON")
    return cast("Records", found)


def _read_lines(text: str, key: str, refuse: Callable[[str, str], UsageError]) -> Records:
    records: Records = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found: Any = json.loads(line)
            records[str(found[key])] = found
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise refuse(
                f'a JSON object with "{key}" to a line', f"another line {number}"
            ) from error
    return records


def _read_csv(text: str, refuse: Callable[[str, str], UsageError]) -> Records:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if "file_name" not in (rows.fieldnames or ()):
        raise refuse("a column file_name", f"{rows.fieldnames}")
    try:
        records = {row["file_name"]: row for row in rows}
    except csv.Error as error:
        raise refuse("a table", f"none ({error})") from error
    if any(None in row for row in records.values()):
        raise refuse("rows as long as the head", "a longer one")
    return records


def _json(records: Records) -> str:
    return json.dumps(records, ensure_ascii=False, indent=2) + "\n"


def _lines(records: Records) -> str:
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records.values())


def _csv(records: Records) -> str:
    names = list(dict.fromkeys(name for each in records.values() for name in each))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(records.values())
    return out.getvalue()
