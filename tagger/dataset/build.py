"""From dumps to a DATASET: read, filter, look at the pictures, choose labels, deal out, write.

The same inputs and options give the same rows and content hash; nothing half-written is left.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..booru import danbooru, posts
from ..booru.posts import Reading
from ..errors import DatasetError, OptionError
from ..labels import DANBOORU, LabelSet, category
from ..options import option, to_dict
from ..relationfiles import NAME as RELATIONS
from ..relationfiles import among, write_relations
from . import index, rows
from .assemble import assemble, source_names
from .filters import Filters, judge
from .pictures import look
from .splits import SPLITS, SplitOptions
from .tags import TagKnowledge, combine, read_source_tags
from .vocabulary import TagCount, Vocabulary, VocabularyOptions, choose
from .whole import whole_folder

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done and how much there is; 0 of 0 at a start."""


MOST_USED = 20
"""Tags left out of the vocabulary that dataset.json names; a booru has half a million."""


@dataclass(frozen=True, kw_only=True)
class BuildOptions(Filters, VocabularyOptions, SplitOptions):
    """What `tagger dataset build` does: the settings of its steps, flat, as a recipe has them."""

    sources: tuple[Path, ...] = option(
        help="Folders of dumps, in Danbooru2021's layout.", metavar="SOURCE"
    )
    out: Path = option(help="Folder to make; it must be new or empty.")
    closed_categories: tuple[str, ...] = option(
        ("character", "copyright"),
        help="Categories in which each source names all it shows, so that a tag only another "
        "source has is absent; in the other categories it is unknown, and masked.",
    )

    def __post_init__(self) -> None:
        for part in (Filters, VocabularyOptions, SplitOptions):
            part.__post_init__(self)
        if not self.sources:
            raise OptionError("sources: expected at least one dump folder, got none")
        for name in self.closed_categories:
            category(DANBOORU, name)


@dataclass(frozen=True)
class BuildSummary:
    """What a build did; dataset.json records the same.

    posts: read from the sources. unreadable: lines that were no post. dropped: posts left out, by
    reason. rows: kept, by split. left_out: tags of the categories asked for that did not become
    labels, by reason. relations_not_used: rows of aliases and implications that contradict others.
    """

    out: Path
    content: str
    posts: int
    unreadable: int
    dropped: Mapping[str, int]
    rows: Mapping[str, int]
    vocabulary: LabelSet
    left_out: Mapping[str, tuple[str, ...]]
    relations_not_used: int = 0


def build(options: BuildOptions, progress: Progress | None = None) -> BuildSummary:
    """Build a DATASET in `options.out`, whole or not at all.

    Raises DatasetError if a source is no dump, the folder is not empty or no post is left.
    """
    tell = progress or (lambda stage, done, total: None)
    with whole_folder(options.out) as folder:
        with posts.connect(folder / "spill") as connection:
            readings = _read(connection, options.sources, tell)
            knowledge = _knowledge(connection, options)
            dropped = _select(connection, options, knowledge, tell)
            if not rows.count(connection, "rows"):
                raise _empty(readings, dropped)
            tell("choosing labels", 0, 0)
            chosen = _choose(connection, knowledge, options)
            table = rows.fetch(connection, chosen.labels.names)
        table = assemble(table, chosen.labels, knowledge, options.sources, options)
        tell("writing", 0, 0)
        about = _about(options, readings, dropped, chosen, table)
        about["relations_not_used"] = [list(pair) for pair in knowledge.contradictions]
        content = index.write(folder, table, chosen.labels, about)
        own = among(knowledge.relations, chosen.labels.names)
        write_relations(folder / RELATIONS, own)
    return BuildSummary(
        options.out,
        content,
        sum(one.posts for one in readings),
        sum(one.unreadable for one in readings),
        dropped,
        about["rows"],
        chosen.labels,
        chosen.left_out,
        len(knowledge.contradictions),
    )


def _read(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[Path], tell: Progress
) -> list[Reading]:
    posts.create(connection)
    readings: list[Reading] = []
    for number, source in enumerate(sources):
        tell("reading posts", number, len(sources))
        readings.append(danbooru.read_posts(connection, source, number))
    return readings


def _knowledge(connection: duckdb.DuckDBPyConnection, options: BuildOptions) -> TagKnowledge:
    closed = frozenset(category(DANBOORU, name).id for name in options.closed_categories)
    seen = rows.names_seen(connection, len(options.sources))
    return combine([read_source_tags(source) for source in options.sources], seen, closed)


def _select(
    connection: duckdb.DuckDBPyConnection,
    options: BuildOptions,
    knowledge: TagKnowledge,
    tell: Progress,
) -> dict[str, int]:
    """Make the tables up to `labelled`; gives the posts left out by reason."""
    tell("filtering", 0, 0)
    names = frozenset[str]().union(*rows.names_seen(connection, len(options.sources)))
    dropped = judge(connection, options, lambda tag: knowledge.names_meaning(tag, names))
    rows.link(connection)
    paths = rows.picture_paths(connection, options.sources)
    tell("looking at pictures", 0, len(paths))
    found = look(
        (options.sources[source] / path for source, _, path in paths),
        lambda done: tell("looking at pictures", done, len(paths)),
    )
    dropped |= rows.number(connection, paths, found)
    rows.label(connection, ((name, tag) for name in names for tag in knowledge.meaning(name)))
    return dropped


def _choose(
    connection: duckdb.DuckDBPyConnection, knowledge: TagKnowledge, options: VocabularyOptions
) -> Vocabulary:
    """Count each tag and the rows of which it is known, and choose the labels."""
    sources = rows.rows_by_source(connection, len(knowledge.known))
    having = rows.tag_counts(connection)
    counts = [
        TagCount(
            tag,
            knowledge.category(tag),
            sum(by_source.values()),
            sum(
                total if knowledge.knows(source, tag) else by_source.get(source, 0)
                for source, total in enumerate(sources)
            ),
        )
        for tag, by_source in having.items()
    ]
    chosen = choose(counts, options)
    if not len(chosen.labels):
        raise _no_labels(chosen)
    return chosen


def _about(
    options: BuildOptions,
    readings: Sequence[Reading],
    dropped: Mapping[str, int],
    chosen: Vocabulary,
    table: pa.Table,
) -> dict[str, Any]:
    """What dataset.json says; the sources' names are those of the index."""
    split = Counter(table["split"].to_pylist())
    source = Counter(table["source"].to_pylist())
    return {
        "tagger": __version__,
        "options": to_dict(options),
        "sources": [
            {
                "name": name,
                "root": str(folder.resolve()),
                "relative": os.path.relpath(folder.resolve(), options.out.resolve()),
                "posts": reading.posts,
                "unreadable": reading.unreadable,
                "unreadable_lines": list(reading.named),
                "rows": source[name],
            }
            for name, folder, reading in zip(
                source_names(options.sources), options.sources, readings, strict=True
            )
        ],
        "dropped": dict(dropped),
        "rows": {name: split[name] for name in SPLITS},
        "labels": len(chosen.labels),
        "left_out": {
            reason: {"tags": len(names), "most_used": list(names[:MOST_USED])}
            for reason, names in chosen.left_out.items()
        },
    }


def _empty(readings: Sequence[Reading], dropped: Mapping[str, int]) -> DatasetError:
    total = sum(reading.posts for reading in readings)
    unreadable = sum(reading.unreadable for reading in readings)
    counts = dict(dropped) | ({"unreadable lines": unreadable} if unreadable else {})
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in counts.items())
    return DatasetError(
        f"0 posts left of {total:,}: {reasons or 'the sources hold none'}: loosen the filters"
    )


def _no_labels(chosen: Vocabulary) -> DatasetError:
    reasons = ", ".join(f"{len(names):,} {reason}" for reason, names in chosen.left_out.items())
    return DatasetError(
        f"0 tags left as labels: {reasons or 'no post has a tag of these categories'}: "
        "lower minimum_count or name other categories"
    )
