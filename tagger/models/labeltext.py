"""Labels of one tag a line: DeepDanbooru's `tags.txt`, JoyTag's `top_tags.txt`."""

from __future__ import annotations

from pathlib import Path

from ..csvrows import read_text, shown
from ..errors import LabelFileError
from ..labels import DANBOORU, Category, LabelSet
from . import labelcategories as categories

LONGEST = 200
"""Characters; Danbooru's longest tag has 170."""


def read(path: Path, scheme: tuple[Category, ...] = DANBOORU) -> LabelSet:
    """Read a file of one tag a line; `rating:` marks a rating, all others are general.

    A DeepDanbooru project names its characters in `tags-character.txt` beside it.

    Raises:
        LabelFileError: not text, or not one tag a line.
    """
    lines = _lines(path)
    beside = path.with_name("tags-character.txt")
    characters = set(_lines(beside)) if beside != path and beside.is_file() else set[str]()
    kinds = {
        True: categories.named(scheme, "character"),
        False: categories.named(scheme, "general"),
    }
    return LabelSet(tuple(categories.label(tag, kinds[tag in characters]) for tag in lines))


def _lines(path: Path) -> list[str]:
    lines = [line.strip() for line in read_text(path).splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise LabelFileError(f"{path}: expected one tag a line, got an empty file")
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST or "\0" in line:
            raise LabelFileError(f"{path}, line {number}: expected one tag, got {shown(line)}")
    if 2 * sum("," in line for line in lines) > len(lines) or lines[0] in ("{", "["):
        raise LabelFileError(f"{path}, line 1: expected one tag a line, got {shown(lines[0])}")
    return lines
