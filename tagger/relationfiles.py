"""Relations on disk: the exports of Danbooru and e621, our own `relations.json`, what home keeps.

Knows files and how several sources are joined; what relations mean is said by `relations`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .bytecount import readable
from .errors import OptionError, RelationError
from .home import make, part
from .options import check, from_dict, option
from .relations import EMPTY, Pair, Relations, prune

log = logging.getLogger(__name__)

NAME = "relations.json"
SCHEMA = 1
LARGEST = 512_000_000
"""Bytes of an export, unpacked; Danbooru's largest, the aliases as JSON, takes under 30 MB."""
_FROM, _TO = "antecedent_name", "consequent_name"


@dataclass(frozen=True)
class _Stored:
    """The whole of a `relations.json`."""

    schema: int = option(help="Version of this format: 1.", choices=(SCHEMA,))
    aliases: Mapping[str, str] = option(factory=dict, help="Another name to the tag itself.")
    implications: Mapping[str, tuple[str, ...]] = option(
        factory=dict, help="A tag to those it implies directly."
    )
    series: Mapping[str, tuple[str, ...]] = option(factory=dict, help="A character to its series.")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Update:
    """What came of reading exports; dropped: rows that contradict those before them."""

    relations: Relations
    dropped: tuple[Pair, ...]
    path: Path


def read_relations(path: Path) -> Relations:
    """Read a `relations.json`.

    Raises:
        RelationError: not JSON, another schema, or relations that contradict each other.
    """
    try:
        stored = from_dict(_Stored, _load(path), str(path))
    except OptionError as error:
        raise RelationError(str(error)) from None
    try:
        return Relations(stored.aliases, stored.implications, stored.series)
    except RelationError as error:
        raise RelationError(f"{path}: {error}") from None


def write_relations(path: Path, relations: Relations) -> None:
    """Write a `relations.json`, whole or not at all.

    Raises:
        OSError: the file can't be written.
    """
    stored = {"schema": SCHEMA}
    stored |= {name: dict(getattr(relations, name)) for name in _PARTS}
    text = json.dumps(stored, ensure_ascii=False, indent=0, sort_keys=True)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    beside.write_text(text + "\n", encoding="utf-8", newline="\n")
    beside.replace(path)


_PARTS = ("aliases", "implications", "series")


def home_relations() -> Relations:
    """What `tagger relations update` has put into our home; EMPTY where it never ran.

    Raises:
        RelationError: the file there is not what its name says.
    """
    path = part("relations") / NAME
    return read_relations(path) if path.is_file() else EMPTY


def update_home(exports: Sequence[Path]) -> Update:
    """Read exports into our home, in place of what was there; where two disagree the first holds.

    An export is told by its name, which holds `alias` or `implication` as the sites have it, and
    is JSON lines, a JSON list or CSV, also as `.gz`. Only active rows count.

    Raises:
        RelationError: a file is no such export, or breaks off; nothing was changed.
        UsageError: our home can't be written to.
    """
    aliases: list[Pair] = []
    implications: list[Pair] = []
    for path in exports:
        (aliases if _holds_aliases(path) else implications).extend(read_export(path))
    dropped: list[Pair] = []
    relations = Relations.from_rows(aliases, implications, dropped)
    path = make(part("relations")) / NAME
    write_relations(path, relations)
    return Update(relations, tuple(dropped), path)


def read_export(path: Path) -> Iterator[Pair]:
    """The active rows of one export of aliases or implications, (antecedent, consequent).

    Raises:
        RelationError: not JSON or CSV with these columns, not UTF-8, or broken off.
    """
    text = _unpacked(path)
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    rows = _csv_rows(path, text) if kind == "csv" else _json_rows(path, text)
    for where, row in rows:
        pair = (row.get(_FROM), row.get(_TO))
        if not all(isinstance(tag, str) and tag.strip() for tag in pair):
            raise RelationError(
                f"{where}: expected {_FROM} and {_TO}, got {pair[0]!r}, {pair[1]!r}"
            )
        if row.get("status", "active") in ("active", None):
            yield str(pair[0]).strip(), str(pair[1]).strip()


def join(relations: Sequence[Relations]) -> Relations:
    """One of several; where they disagree the first holds, and what contradicts it is left out."""
    told = [one for one in relations if one is not EMPTY]
    if len(told) < 2:
        return told[0] if told else EMPTY
    dropped: list[Pair] = []
    joined = Relations.from_rows(
        (pair for one in told for pair in one.aliases.items()),
        (pair for one in told for pair in _edges(one)),
        dropped,
    )
    if dropped:
        log.info("%d relations contradict others and are left out", len(dropped))
    series = {tag: all_of for one in reversed(told) for tag, all_of in one.series.items()}
    return replace(joined, series=series)


def among(relations: Relations, names: Iterable[str]) -> Relations:
    """Of the relations only what a vocabulary can use.

    Aliases of its names, implications between them (also those that went through a tag that it
    lacks), and the series of its characters.
    """
    tags = {relations.canonical(name) for name in names}
    implied = {tag: [one for one in relations.ancestors(tag) if one in tags] for tag in tags}
    return Relations(
        {name: tag for name, tag in relations.aliases.items() if tag in tags},
        {tag: tuple(prune(of, relations)) for tag, of in sorted(implied.items()) if of},
        {tag: series for tag, series in relations.series.items() if tag in tags},
    )


def _edges(relations: Relations) -> Iterator[Pair]:
    return ((tag, one) for tag, all_of in relations.implications.items() for one in all_of)


def _holds_aliases(path: Path) -> bool:
    found = [word in path.name.lower() for word in ("alias", "implication")]
    if sum(found) != 1:
        raise RelationError(
            f"{path}: expected an export named as the sites do, with alias or implication in its "
            f"name, got neither or both: rename it"
        )
    return found[0]


def _unpacked(path: Path) -> str:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        cause = getattr(error, "strerror", None) or error
        raise RelationError(f"{path}: expected an export, got {cause}") from error
    if len(data) > LARGEST:
        raise RelationError(f"{path}: expected at most {readable(LARGEST)}, got more")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RelationError(f"{path}: expected UTF-8, got {error.reason}") from error


def _csv_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if not {_FROM, _TO} <= set(rows.fieldnames or ()):
            got = ", ".join(rows.fieldnames or ()) or "none"
            raise RelationError(f"{path}: expected columns {_FROM} and {_TO}, got {got[:200]}")
        yield from ((f"{path}, line {rows.line_num}", row) for row in rows)
    except csv.Error as error:
        raise RelationError(f"{path}, line {rows.line_num}: expected CSV, got {error}") from error


def _json_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON list, or of a text with one on each line."""
    listed = text.lstrip().startswith("[")
    rows = enumerate(_parse(str(path), text), 1) if listed else _lines(path, text)
    word = "entry" if listed else "line"
    for number, row in rows:
        if not isinstance(row, dict):
            raise RelationError(f"{path}, {word} {number}: expected an object, got {str(row)[:80]}")
        yield f"{path}, {word} {number}", row


def _lines(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _parse(f"{path}, line {number}", line)


def _parse(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RelationError(f"{where}: expected JSON, got {error}") from error


def _load(path: Path) -> Any:
    try:
        if path.stat().st_size > LARGEST:
            raise RelationError(f"{path}: expected at most {readable(LARGEST)}, got a larger file")
        return _parse(str(path), path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise RelationError(f"{path}: expected UTF-8, got {error.reason}") from error
    except OSError as error:
        raise RelationError(f"{path}: expected a {NAME}, got {error.strerror}") from error
