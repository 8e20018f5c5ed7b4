"""Files that a verb writes for other programs: whole or not at all; JSON, CSV and text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..folder.wholefile import replacing
from ..paths import cause_of, openable


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8. Raises UsageError, one sentence, where that can't be."""
    try:
        with replacing(path) as place:
            openable(place).write_text(text, encoding="utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise UsageError(f"{path}: expected to write there, got {cause_of(error)}") from error


def write_json(path: Path, value: Any) -> None:
    """Write plain values as JSON."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def write_rows(path: Path, head: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV under a head; what a row lacks is empty.

    A cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, list(head), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _inert(cell) for name, cell in row.items()} for row in rows)
    write_text(path, out.getvalue())


def check_file(flag: str, path: Path | None) -> None:
    """Refuse a place where no file can be written, before anything runs."""
    if path is None:
        return
    if path.is_dir():
        raise UsageError(f"{flag}: expected a file to write, got the folder {path}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{flag}: expected a folder at {path.parent}, got none")


def _inert(cell: Any) -> Any:
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{cell}"
    return cell
