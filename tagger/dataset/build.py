"""From metadata to a DATASET: read, filter, look at the pictures, choose labels, deal out, write.

The same inputs and options give the same rows and content hash; nothing half-written is left.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..booru import posts
from ..booru.files import metadata_files
from ..booru.posts import Reading
from ..errors import DatasetError
from ..labels import LabelSet
from ..relationfiles import NAME as RELATIONS
from ..relationfiles import among, write_relations
from . import groups, index, pictures, places, rows
from .account import account, counted, no_labels, nothing_left, sentences, write_unreadable
from .assemble import assemble, source_names
from .before import Before
from .buildoptions import BuildOptions
from .cleaning import plainer
from .estimate import Estimate, check_room, estimate
from .filters import NO_EXTENSION, judge
from .reading import read
from .tagging import Tagging
from .tags import TagKnowledge, combine, read_source_tags
from .vocabulary import TagCount, Vocabulary, VocabularyOptions, choose
from .whole import whole_folder

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done and how much there is; 0 of 0 at a start."""


@dataclass(frozen=True)
class BuildSummary:
    """What a build did; dataset.json records the same.

    posts: read from the sources. unreadable: lines that were no post. dropped: posts left out, by
    reason. rows: kept, by split. left_out: tags of the categories asked for that did not become
    labels, by reason. relations_not_used: rows of aliases and implications that contradict others.
    said: what was found out of the sources, in sentences. strays: pictures of no post.
    taken_over: what an earlier build had done of this one, in a sentence; "" for nothing.
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
    said: tuple[str, ...] = ()
    strays: int = 0
    taken_over: str = ""


def build(
    options: BuildOptions,
    progress: Progress | None = None,
    expect: Callable[[Estimate], None] | None = None,
    kept: Path | None = None,
) -> BuildSummary:
    """Build a DATASET in `options.out`, whole or not at all.

    `expect` is told first what it will need. In the folder `kept` a build leaves for the next one
    the posts it read and what it saw of pictures, and takes over what is there already.

    Raises:
        DatasetError: a source is none, the disk has no room, the folder is not empty or no post is
            left.
    """
    tell = progress or (lambda stage, done, total: None)
    with whole_folder(options.out) as folder:
        files = [metadata_files(source) for source in options.sources]
        expected = estimate(options, files)
        if expect:
            expect(expected)
        check_room(expected, options.out)
        spill = folder / "spill"
        try:
            with (
                sentences(options),
                posts.connect(spill, options.memory or None) as connection,
                closing(Before.at(kept, expected.disk)) as before,
            ):
                readings = read(connection, options, files, before, tell)
                return _build(connection, options, readings, tell, folder, spill, before)
        finally:
            shutil.rmtree(spill, ignore_errors=True)


def _build(
    connection: duckdb.DuckDBPyConnection,
    options: BuildOptions,
    readings: Sequence[Reading],
    tell: Progress,
    folder: Path,
    spill: Path,
    before: Before,
) -> BuildSummary:
    seen = rows.names_seen(connection, len(options.sources))
    knowledge = _knowledge(connection, options, seen)
    dropped = _select(connection, options, knowledge, seen, tell, before)
    strays = dropped.pop("without metadata", 0)
    if not rows.count(connection, "rows"):
        raise nothing_left(readings, dropped)
    tell("choosing labels", 0, 0)
    tagging = Tagging(connection, knowledge, seen, spill, options.pseudo_tags)
    chosen = _choose(connection, tagging, knowledge, options)
    _drop_bare(connection, tagging, chosen, options, dropped)
    tell("writing", 0, 0)
    names = source_names(options.sources)
    about = account(options, readings, dropped, chosen)
    about["relations_not_used"] = [list(pair) for pair in knowledge.contradictions]
    tables = assemble(connection, tagging, chosen.labels, knowledge, names, options)
    content = index.write(folder, counted(tables, about), chosen.labels, about)
    write_relations(folder / RELATIONS, among(knowledge.relations, chosen.labels.names))
    write_unreadable(connection, folder, about)
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
        tuple(f"{name}: {one.rating_s}" for name, one in zip(names, readings, strict=True)
              if one.rating_s),
        strays,
        before.sentence,
    )  # fmt: skip


def _knowledge(
    connection: duckdb.DuckDBPyConnection,
    options: BuildOptions,
    seen: Sequence[frozenset[str]],
) -> TagKnowledge:
    own = [read_source_tags(connection, number) for number in range(len(options.sources))]
    if options.clean_names:
        names = options.clean_names
        own = [plainer(one, on_posts, names) for one, on_posts in zip(own, seen, strict=True)]
    return combine(own, seen, frozenset(options.closed_categories))


def _select(
    connection: duckdb.DuckDBPyConnection,
    options: BuildOptions,
    knowledge: TagKnowledge,
    seen: Sequence[frozenset[str]],
    tell: Progress,
    before: Before,
) -> dict[str, int]:
    """Make the tables up to `rows`; gives the posts left out by reason."""
    tell("filtering", 0, 0)
    asked = (*options.required_tags, *options.excluded_tags)
    meant = knowledge.names_meaning(asked, frozenset[str]().union(*seen))
    dropped = judge(connection, options, meant.__getitem__)
    if options.unseen:
        if unplaced := places.trust_layout(connection):
            dropped[NO_EXTENSION] = dropped.get(NO_EXTENSION, 0) + unplaced
        pictures.trust(connection)
    else:
        folders = options.picture_folders
        where = "listing pictures"
        missing = places.find_pictures(connection, folders, lambda done: tell(where, done, 0))
        told = "looking at pictures"
        broken, before.pictures = pictures.look(
            connection, folders, options, lambda *done: tell(told, *done), before.looked
        )
        reasons = Counter(missing) + broken
        dropped |= {reason: count for reason, count in reasons.items() if count}
    groups.link(connection)
    rows.number(connection)
    return dropped


def _choose(
    connection: duckdb.DuckDBPyConnection,
    tagging: Tagging,
    knowledge: TagKnowledge,
    options: VocabularyOptions,
) -> Vocabulary:
    """Count each tag and the rows of which it is known, and choose the labels."""
    totals = rows.rows_by_source(connection, len(knowledge.known))
    names, having = tagging.used()
    known = np.zeros(len(names), np.int64)
    for source, total in enumerate(totals):
        every = np.fromiter((knowledge.knows(source, tag) for tag in names), np.bool_, len(names))
        known += np.where(every, total, having[source])
    kinds = map(knowledge.category, names)
    counts = list(map(TagCount, names, kinds, having.sum(axis=0).tolist(), known.tolist()))
    chosen = choose(counts, options)
    if not len(chosen.labels):
        raise no_labels(chosen)
    return chosen


def _drop_bare(
    connection: duckdb.DuckDBPyConnection,
    tagging: Tagging,
    chosen: Vocabulary,
    options: BuildOptions,
    dropped: dict[str, int],
) -> None:
    """Leave out rows by how many labels they have; the labels stay as they were chosen."""
    least, most = options.min_labels, options.max_picture_labels
    if not (least or most):
        return
    counts = tagging.label_counts(chosen.labels)
    few, many = counts < least, (counts > most) & (most > 0)
    reasons = {"too few labels": int(few.sum()), "too many labels": int(many.sum())}
    dropped |= {reason: count for reason, count in reasons.items() if count}
    kept = np.flatnonzero(~(few | many))
    if not len(kept):
        asked = f"{least} to {most}" if most else f"{least}"
        raise DatasetError(
            f"0 posts left: none has {asked} of the {len(chosen.labels)} labels: loosen the filters"
        )
    rows.keep(connection, kept)
    tagging.keep(kept)
