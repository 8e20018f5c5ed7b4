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
from pathlib import Path

from ..booru import danbooru
from ..booru.posts import BooruTag
from ..relations import Relations
from ..spelling import key

GENERAL = 0
"""Danbooru's category of a tag that nobody has put in another."""

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class SourceTags:
    """What one source says of tags: its list, aliases (old, name), implications (tag, implied)."""

    tags: Sequence[BooruTag]
    aliases: Pairs = ()
    implications: Pairs = ()


@dataclass(frozen=True)
class TagKnowledge:
    """What all sources together say of tags.

    categories: canonical tag to the site's category number; a tag that no list has is general.
    known: for each source the canonical tags that it can label. closed: category numbers in which
    every source names all that it shows. contradictions: alias and implication rows not used,
    since they go in a circle or against those of an earlier source.
    """

    relations: Relations
    categories: Mapping[str, int]
    known: tuple[frozenset[str], ...]
    closed: frozenset[int] = frozenset()
    contradictions: tuple[tuple[str, str], ...] = ()

    def category(self, tag: str) -> int:
        """The category number of a canonical tag."""
        return self.categories.get(tag, GENERAL)

    def knows(self, source: int, tag: str) -> bool:
        """Whether a canonical tag's absence on a post of the source means that it is not shown."""
        return tag in self.known[source] or self.category(tag) in self.closed

    def meaning(self, name: str) -> frozenset[str]:
        """The canonical tags that a name on a post stands for."""
        return frozenset(_meaning(self.relations, name))

    def names_meaning(self, tag: str, names: Iterable[str]) -> list[str]:
        """Those of the names that mean the tag, whatever its spelling."""
        wanted = self.relations.canonical(tag)
        return sorted(name for name in names if wanted in self.meaning(name))


def read_source_tags(folder: Path) -> SourceTags:
    """Read a dump's tag list, aliases and implications."""
    return SourceTags(
        danbooru.read_tags(folder),
        danbooru.read_aliases(folder),
        danbooru.read_implications(folder),
    )


def combine(
    sources: Sequence[SourceTags],
    seen: Sequence[Collection[str]],
    closed: frozenset[int] = frozenset(),
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
    names = {tag.name for tag in source.tags} | set(seen)
    return frozenset(relations.canonical(tag) for name in names for tag in _meaning(own, name))


def _categories(sources: Sequence[SourceTags], relations: Relations) -> dict[str, int]:
    """A tag's own entry goes before its aliases', an earlier source before a later one."""
    listed = [tag for source in sources for tag in source.tags]
    found = {key(tag.name): tag.category for tag in reversed(listed)}
    canonical: dict[str, int] = {}
    for tag in listed:
        name = relations.canonical(tag.name)
        canonical.setdefault(name, found.get(name, tag.category))
    return canonical


def _meaning(relations: Relations, name: str) -> set[str]:
    tag = relations.canonical(name)
    return {tag, *relations.ancestors(tag)}
