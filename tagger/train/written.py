"""A file of a run, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from ..errors import TaggerError
from ..folder.wholefile import replacing
from ..paths import cause_of


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with LF. Raises TaggerError where that can't be; the old file stays then."""
    try:
        with replacing(path) as place:
            place.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise TaggerError(cannot_write(path, error)) from error


def write_json(path: Path, values: Any) -> None:
    """Write plain values as people read JSON. Raises TaggerError as `write_text` does."""
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def write_png(path: Path, picture: Image.Image) -> None:
    """Write a picture as PNG; makes its folder. Raises TaggerError as `write_text` does."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as place:
            picture.save(place, "PNG")
    except OSError as error:
        raise TaggerError(cannot_write(path, error)) from error


def cannot_write(path: Path, error: OSError) -> str:
    """What is said where a run's file can't be written."""
    return f"{path}: expected to write, got {cause_of(error)}: --resume when there is room"
