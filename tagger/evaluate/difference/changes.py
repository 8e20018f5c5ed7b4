"""Difference: what two captions of each picture do not have in common, by picture and by tag.

A tag is the same whatever its spelling, its weight and its place; so two captions may differ in
text and not in tags.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...caption import CaptionFormat
from ...folder.words import read_words
from ...spelling import unescape
from ...wording import unweigh

Tags = Mapping[str, str]
"""A caption's tags in its order: from the key to the name as it stands there, without weight."""
OFTEN = 2
"""Pictures in which one tag went and another came, from which on it counts as replaced."""


@dataclass(frozen=True)
class Changed:
    """A picture whose tags differ. added, removed, kept: names, in the order of the captions."""

    name: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True)
class TagChange:
    """A tag, and in how many pictures it was added and removed."""

    tag: str
    added: int
    removed: int


@dataclass(frozen=True)
class Replaced:
    """A tag that went, one that came in its place, and in how many pictures both."""

    old: str
    new: str
    pictures: int


@dataclass(frozen=True)
class Difference:
    """Two folders of captions, A before B.

    same: pictures whose captions are equal, letter by letter. respelled: those whose text differs
    and whose tags do not. changed: those whose tags differ. only_a, only_b: those with a caption
    in one folder alone. unread: captions that can't be read, and why. prose: captions in which
    something reads as a sentence, which is taken as a tag here.
    """

    same: int = 0
    respelled: tuple[str, ...] = ()
    changed: tuple[Changed, ...] = ()
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    prose: int = 0

    @property
    def pictures(self) -> int:
        """Those with a caption in both folders."""
        return self.same + len(self.respelled) + len(self.changed)

    @cached_property
    def tags(self) -> tuple[TagChange, ...]:
        """Every tag that changed, those that changed most first."""
        added = Counter(tag for each in self.changed for tag in each.added)
        removed = Counter(tag for each in self.changed for tag in each.removed)
        rows = [TagChange(tag, added[tag], removed[tag]) for tag in added.keys() | removed.keys()]
        return tuple(sorted(rows, key=lambda row: (-(row.added + row.removed), row.tag)))

    @cached_property
    def replaced(self) -> tuple[Replaced, ...]:
        """Tags in whose place another came: in most of the pictures where either changed."""
        both = Counter(
            (old, new) for each in self.changed for old in each.removed for new in each.added
        )
        by_tag = {row.tag: row for row in self.tags}
        rows = [
            Replaced(old, new, count)
            for (old, new), count in both.items()
            if count >= OFTEN and 2 * count > max(by_tag[old].removed, by_tag[new].added)
        ]
        return tuple(sorted(rows, key=lambda row: (-row.pictures, row.old, row.new)))


def read_tags(text: str, form: CaptionFormat) -> tuple[Tags, bool]:
    """A caption's tags, and whether something in it reads as a sentence."""
    found: dict[str, str] = {}
    words = read_words(text, form)
    for word in words:
        found.setdefault(word.key, unescape(unweigh(word.text)[0]))
    return found, any(word.prose for word in words)


def changed(name: str, before: Tags, after: Tags, names: dict[str, str]) -> Changed | None:
    """What differs between two captions; None where the tags are the same.

    `names` is how each tag is called, as it was first met; it grows.
    """
    for key, written in (*before.items(), *after.items()):
        names.setdefault(key, written)
    if before.keys() == after.keys():
        return None
    return Changed(
        name,
        tuple(names[key] for key in after if key not in before),
        tuple(names[key] for key in before if key not in after),
        tuple(names[key] for key in before if key in after),
    )


def as_json(of: Difference) -> dict[str, Any]:
    """The difference as plain values."""
    return {
        "schema": 1,
        "pictures": of.pictures,
        "same": of.same,
        "changed": [
            {"picture": each.name, "added": list(each.added), "removed": list(each.removed)}
            for each in of.changed
        ],
        "same_tags_other_text": list(of.respelled),
        "only_a": list(of.only_a),
        "only_b": list(of.only_b),
        "unread": [{"caption": name, "error": why} for name, why in of.unread],
        "prose": of.prose,
        "tags": [{"tag": row.tag, "added": row.added, "removed": row.removed} for row in of.tags],
        "replaced": [
            {"old": row.old, "new": row.new, "pictures": row.pictures} for row in of.replaced
        ],
    }


def rows(of: Difference) -> Sequence[Mapping[str, str]]:
    """A row for each tag of each picture that was added or removed."""
    return [
        {"picture": each.name, "change": change, "tag": tag}
        for each in of.changed
        for change, tags in (("added", each.added), ("removed", each.removed))
        for tag in tags
    ]


COLUMNS = ("picture", "change", "tag")
"""Of the rows."""
