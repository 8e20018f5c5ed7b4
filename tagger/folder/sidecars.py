"""Caption files: their bytes as text and back; which of them hold one."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

from ..errors import CaptionError
from ..paths import openable
from .sameness import Same
from .wholefile import get_file

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_WAYS = "save it as UTF-8, or name its encoding"
_BLANK = 16  # bytes; what is larger is not read only to see whether it is blank


def read_caption(path: Path, *, strict: bool = True, encoding: str = "utf-8") -> str | None:
    """The text of a caption file, line ends as they are, without a BOM; None if there is no file.

    Raises CaptionError if it can't be read, is too large to be a caption, or is in another
    encoding; the last only if `strict`, else what can't be decoded is replaced.
    """
    data = get_file(path)
    return None if data is None else decode_caption(path, data, strict=strict, encoding=encoding)


def decode_caption(path: Path, data: bytes, *, strict: bool = True, encoding: str = "utf-8") -> str:
    """The text in a caption file's bytes; a BOM says more than `encoding`. Raises CaptionError."""
    for mark, marked in _MARKS.items():
        if data.startswith(mark) and (marked == "utf-8" or encoding != "utf-8"):
            data, encoding = data.removeprefix(mark), marked
            break
    if strict and encoding == "utf-8" and data.startswith(_UTF16):
        raise CaptionError(f"{path}: expected UTF-8, got UTF-16: {_WAYS}")
    try:
        return data.decode(encoding, "strict" if strict else "replace")
    except UnicodeDecodeError as error:
        raise CaptionError(
            f"{path}: expected {encoding.upper()}, got another encoding (byte {error.start}): "
            f"{_WAYS}"
        ) from error


def mark_of(data: bytes) -> bytes:
    """The BOM of UTF-8 that bytes begin with, if they do."""
    return codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""


def captions_in(folder: Path, extension: str, same: Same = str) -> set[str]:
    """The names of a folder's caption files that hold a text, as `same` has them.

    Empty where there is no such folder, or none that can be listed: writing will say so.
    """
    names: set[str] = set()
    ending = same(extension)
    try:
        with os.scandir(openable(folder)) as entries:
            for entry in entries:
                name = same(entry.name)
                if name.endswith(ending) and _has_text(entry):
                    names.add(name)
    except OSError:
        return names
    return names


def has_text(path: Path) -> bool:
    """Whether a caption file is there and holds a text."""
    try:
        size = openable(path).stat().st_size
        return size > _BLANK or bool(size and openable(path).read_bytes().strip())
    except FileNotFoundError:
        return False
    except OSError:
        return True  # something is there: never write over it


def _has_text(entry: os.DirEntry[str]) -> bool:
    try:
        if not entry.is_file():
            return False  # a folder of that name: reading it will say so
        size = entry.stat().st_size
        return size > _BLANK or bool(size and Path(entry.path).read_bytes().strip())
    except OSError:
        return True  # something is there: never write over it


def encode_caption(path: Path, text: str) -> bytes:
    """The bytes of a caption, never a blank one, that is to be written to `path`.

    Raises CaptionError if the text holds what is none.
    """
    if not text.strip():
        raise ValueError(f"{path}: an empty caption stops kohya's trainer")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CaptionError(
            f"{path}: expected text, got bytes of a file name that are none: rename the file"
        ) from error
