"""Labels in a CSV, told by the header: WD's `selected_tags.csv` and all that look like it.

name, category              WD, Z3D, animetimm (best_threshold), PixAI (ips)
tag_id, name, category      DeepGelbooru: the number is the output, in any order of rows
tag, category               JTP-3
name or tag alone           ML-Danbooru: everything is general
"""

from __future__ import annotations

import re
from pathlib import Path

from ..csvrows import Table, read_table, read_text
from ..errors import LabelFileError
from ..labels import DANBOORU, UNNAMED, Category, Label, LabelSet, category, labels_of
from . import labelcategories as categories

_NUMBER = re.compile(r"-?[0-9]+(\.0*)?")


def read(path: Path, scheme: tuple[Category, ...] = DANBOORU) -> LabelSet:
    """Read a CSV of labels; category numbers are those of `scheme`, names stand for themselves.

    Raises:
        LabelFileError: no known header, or a row that does not fit it.
    """
    text, where = read_text(path), str(path)
    header = _header(text)
    column = next((name for name in ("name", "tag") if name in header), "")
    if not column:
        raise LabelFileError(
            f"{path}, row 1: expected a column name or tag, got {', '.join(header)[:80]!r}"
        )
    table = read_table(text, where, needed=(column,))
    if not table:
        raise LabelFileError(f"{path}: expected labels under the header, got none")
    if {"name", "category"} <= set(header) and not _speaks(table):
        found = labels_of(table, scheme)
        numbers = [one.tag_id for one in found if one.tag_id is not None]
        if header == ["tag_id", "name", "category"] and sorted(numbers) == [*range(len(found))]:
            return categories.ordered(zip(numbers, found, strict=True), where)
        return LabelSet(tuple(map(_sorted_out, found)))
    said = {text: kind(text, scheme) for text in {*table.texts("category")}}
    rows = zip(table.texts(column), table.texts("category"), strict=True)
    return LabelSet(tuple(categories.label(name, said[text]) for name, text in rows))


def read_implications(path: Path) -> tuple[tuple[str, str], ...]:
    """The pairs (tag, implied tag) of JTP-3's table, whose last column lists them with spaces.

    Raises:
        LabelFileError: no such columns.
    """
    table = read_table(read_text(path), str(path), needed=("tag", "implications"))
    rows = zip(table.texts("tag"), table.texts("implications"), strict=True)
    return tuple((tag, one) for tag, implied in rows for one in implied.split())


def kind(said: str, scheme: tuple[Category, ...]) -> Category:
    """A row's category: by number, by name, or general where the file has no such column."""
    if not said:
        return categories.named(scheme, "general")
    return (
        category(scheme, int(float(said)))
        if _NUMBER.fullmatch(said)
        else categories.named(scheme, said)
    )


def _header(text: str) -> list[str]:
    first = text.removeprefix("\ufeff").split("\n", 1)[0]
    return [name.strip().strip('"') for name in first.split(",")]


def _speaks(table: Table) -> bool:
    """Whether the categories are names, not numbers."""
    rows = zip(table.texts("name"), table.texts("category"), strict=True)
    first = next((category for name, category in rows if name), "")
    return bool(first) and first[0].isalpha()


def _sorted_out(one: Label) -> Label:
    """Placeholders unnamed, `rating:` rows as ratings; everything else as it was read."""
    if not categories.is_special(one.name):
        return one
    plain = categories.label(one.name, one.category)
    if plain.category == one.category:
        return one
    return plain if plain.category == UNNAMED else Label(one.name, plain.category, one.count)
