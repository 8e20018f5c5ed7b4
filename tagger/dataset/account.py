"""What a build records in dataset.json, and what it says where it ends without one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..booru.posts import Reading
from ..booru.remote import origin
from ..booru.staging import cause
from ..errors import DatasetError
from ..options import to_dict
from .assemble import source_names
from .buildoptions import BuildOptions
from .pictures import MISSING
from .splits import SPLITS
from .vocabulary import Vocabulary, labels_by_head

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

UNREADABLE, BROKEN = "unreadable.txt", "broken.txt"
"""The side files beside dataset.json: lines that are no post, pictures that can't be read."""
MOST_USED = 20
"""Tags left out of the vocabulary that dataset.json names; a booru has half a million."""


def account(
    options: BuildOptions,
    readings: Sequence[Reading],
    dropped: Mapping[str, int],
    chosen: Vocabulary,
) -> dict[str, Any]:
    """What dataset.json says; the sources' names are those of the index.

    `rows` and the sources' are counted while the index is written.
    """
    sources = zip(
        source_names(options.sources), options.picture_folders, options.sources, readings,
        strict=True,
    )  # fmt: skip
    heads = labels_by_head(options.heads, chosen.labels)
    return {
        "tagger": __version__,
        "options": to_dict(options),
        "sources": [
            {
                "name": name,
                "root": str(folder.resolve()),
                "relative": os.path.relpath(folder.resolve(), options.out.resolve()),
                "metadata": origin(source) or str(source.resolve()),
                "format": reading.format,
                "posts": reading.posts,
                "unreadable": reading.unreadable,
                "rating_s": reading.rating_s,
                "rows": 0,
            }
            for name, folder, source, reading in sources
        ],
        "dropped": dict(dropped),
        "rows": dict.fromkeys(SPLITS, 0),
        "labels": len(chosen.labels),
        **({"heads": heads} if heads else {}),
        "left_out": {
            reason: {"tags": len(names), "most_used": list(names[:MOST_USED])}
            for reason, names in chosen.left_out.items()
        },
    }


def counted(tables: Iterator[pa.Table], about: dict[str, Any]) -> Iterator[pa.Table]:
    """The tables, their rows counted in `about` by split and source."""
    by_source = {own["name"]: own for own in about["sources"]}
    for table in tables:
        for split, count in _counts(table["split"]):
            about["rows"][split] += count
        for source, count in _counts(table["source"]):
            by_source[source]["rows"] += count
        yield table


def _counts(column: pa.ChunkedArray) -> Iterator[tuple[str, int]]:
    for found in column.value_counts().to_pylist():
        yield found["values"], found["counts"]


def nothing_left(readings: Sequence[Reading], dropped: Mapping[str, int]) -> DatasetError:
    total = sum(reading.posts for reading in readings)
    unreadable = sum(reading.unreadable for reading in readings)
    counts = dict(dropped) | ({"unreadable lines": unreadable} if unreadable else {})
    if not counts:
        return DatasetError("0 posts left of 0: the sources hold none")
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in counts.items())
    most = max(counts, key=counts.__getitem__)
    advice = "name their folder by --images" if most == MISSING else "loosen the filters"
    return DatasetError(f"0 posts left of {total:,}: {reasons}: {advice}")


def no_labels(chosen: Vocabulary) -> DatasetError:
    reasons = ", ".join(f"{len(names):,} {reason}" for reason, names in chosen.left_out.items())
    return DatasetError(
        f"0 tags left as labels: {reasons or 'no post has a tag of these categories'}: "
        "lower minimum_count or name other categories"
    )


def write_unreadable(
    connection: duckdb.DuckDBPyConnection, folder: Path, about: Mapping[str, Any]
) -> None:
    """A line for each line that is no post, and each picture that can't be read, if there are any.

    Its source, the file or picture, and the line's number or what is wrong.
    """
    names = [own["name"] for own in about["sources"]]
    _write(folder / UNREADABLE, names, connection.execute(
        "SELECT source, file || ':' || line FROM unreadable ORDER BY source, file, line"
    ))  # fmt: skip
    _write(folder / BROKEN, names, connection.execute(
        "SELECT source, regexp_replace(path, '[[:cntrl:]]', '?', 'g') || chr(9) || reason "
        "FROM unread ORDER BY source, path"
    ))  # fmt: skip


def _write(path: Path, names: Sequence[str], found: duckdb.DuckDBPyConnection) -> None:
    lines = [f"{names[source]}\t{said}\n" for source, said in found.fetchall()]
    if lines:
        path.write_text("".join(lines), encoding="utf-8", newline="\n")


@contextmanager
def sentences(options: BuildOptions) -> Iterator[None]:
    """Turn what DuckDB raises, where tables have no room, into one sentence."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise DatasetError(
            f"memory: expected room for the tables, got {cause(error)}: say --memory and a larger "
            "size, or make room on the disk"
        ) from error
    except duckdb.Error as error:
        raise DatasetError(f"{options.out}: expected a build, got {cause(error)}") from error
