"""What the sources' tag names mean, and which tags each source can label.

A name on a post means its canonical tag and everything that tag implies, by the aliases and
implications of all sources together. A source can label the tags of its own list, as its own
aliases and implications read them, and those seen on its posts: absent there is a no. What other
sources alone can label is not known of its posts, neither yes nor no, unless its category is
closed: a source names all the characters and series it shows, so another's are not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..relations import Relations
from ..spelling import key

if TYPE_CHECKING:
    import duckdb

GENERAL = "general"
"""The category of a tag that nobody has put in another."""

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class SourceTags:
    """What one source says of tags: categories, aliases and implications as (name, name)."""

    categories: Mapping[str, str]
    aliases: Pairs = ()
    implications: Pairs = ()


@dataclass(frozen=True)
class TagKnowledge:
    """What all sources together say of tags.

    categories: canonical tag to its category; a tag that no list has is general. known: for each
    source the canonical tags that it can label. closed: categories in which every source names
    all that it shows. contradictions: alias and implication rows not used, since they go in a
    circle or against those of an earlier source.
    """

    relations: Relations
    categories: Mapping[str, str]
    known: tuple[frozenset[str], ...]
    closed: frozenset[str] = frozenset()
    contradictions: tuple[tuple[str, str], ...] = ()

    def category(self, tag: str) -> str:
        """The category of a canonical tag."""
        return self.categories.get(tag, GENERAL)

    def knows(self, source: int, tag: str) -> bool:
        """Whether a canonical tag's absence on a post of the source means that it is not shown."""
        return tag in self.known[source] or self.category(tag) in self.closed

    def meaning(self, name: str) -> frozenset[str]:
        """The canonical tags that a name on a post stands for."""
        return frozenset(_meaning(self.relations, name))

    def names_meaning(self, tags: Iterable[str], names: Iterable[str]) -> dict[str, list[str]]:
        """For each of the tags, whatever its spelling, those of the names that mean it."""
        wanted: dict[str, list[str]] = {self.relations.canonical(tag): [] for tag in tags}
        for name in sorted(names) if wanted else ():
            for tag in self.meaning(name) & wanted.keys():
                wanted[tag].append(name)
        return {tag: wanted[self.relations.canonical(tag)] for tag in tags}


def read_source_tags(connection: duckdb.DuckDBPyConnection, source: int) -> SourceTags:
    """What the tables beside `posts` say of one source's tags.

    A tag that is given several categories has the one it has most often.
    """

    def rows(query: str) -> list[tuple[str, str]]:
        return connection.execute(query, [source]).fetchall()

    categories = rows(
        "SELECT name, arg_max(category, (uses, category)) FROM (SELECT name, category, "
        "sum(count) AS uses FROM tags WHERE source = ? GROUP BY name, category) "
        "GROUP BY name ORDER BY name"
    )
    pairs = "SELECT DISTINCT name, {} FROM {} WHERE source = ? ORDER BY ALL"
    return SourceTags(
        dict(categories),
        rows(pairs.format("meaning", "aliases")),
        rows(pairs.format("implied", "implications")),
    )


def combine(
    sources: Sequence[SourceTags],
    seen: Sequence[Collection[str]],
    closed: frozenset[str] = frozenset(),
) -> TagKnowledge:
    """Join what the sources say; `seen` are the names on each source's posts."""
    dropped: list[tuple[str, str]] = []
    relations = Relations.from_rows(
        [pair for source in sources for pair in source.aliases],
        [pair for source in sources for pair in source.implications],
        dropped,
    )
    return TagKnowledge(
        relations,
        _categories(sources, relations),
        tuple(_known(one, names, relations) for one, names in zip(sources, seen, strict=True)),
        closed,
        tuple(dropped),
    )


def _known(source: SourceTags, seen: Collection[str], relations: Relations) -> frozenset[str]:
    """By the source's own relations: what another's imply says yes, but never no."""
    own = Relations.from_rows(source.aliases, source.implications, [])
    names = set(source.categories) | set(seen)
    return frozenset(relations.canonical(tag) for name in names for tag in _meaning(own, name))


def _categories(sources: Sequence[SourceTags], relations: Relations) -> dict[str, str]:
    """A tag's own entry goes before its aliases', an earlier source before a later one."""
    listed = [entry for source in sources for entry in source.categories.items()]
    found = {key(name): kind for name, kind in reversed(listed)}
    canonical: dict[str, str] = {}
    for name, kind in listed:
        tag = relations.canonical(name)
        canonical.setdefault(tag, found.get(tag, kind))
    return canonical


def _meaning(relations: Relations, name: str) -> set[str]:
    tag = relations.canonical(name)
    if not tag:  # of signs that nobody sees
        return set()
    return {tag, *relations.ancestors(tag)} if tag in relations.implications else {tag}
