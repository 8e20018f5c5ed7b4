"""The edits of a caption's tags: small values; `edit` applies them.

None looks at another caption; those that need counts of the folder are in `corpus`, which turns
them into `Drop` and `Rank`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ..caption import COUNT, REST, CaptionFormat
from ..errors import OptionError
from ..relations import Relations
from ..spelling import key
from ..wording import count_rank, is_one_tag
from .words import Word, Words, category_of, meant


class TagEdit(Protocol):
    """An edit of a caption's tags; `said` is its line in the preview."""

    @property
    def said(self) -> str: ...
    def apply(self, words: Words) -> Words: ...


@dataclass(frozen=True)
class Add:
    """Tags put at the front or the back; one that is there in any spelling is not added."""

    tags: tuple[str, ...]
    place: Literal["front", "back"] = "back"

    def __post_init__(self) -> None:
        for tag in self.tags:
            check_tag("add" if self.place == "back" else "add front", tag)

    @property
    def said(self) -> str:
        return f"add at the {self.place}: {', '.join(self.tags)}"

    def apply(self, words: Words) -> Words:
        there = {word.key for word in words}
        new = dict.fromkeys(tag for tag in self.tags if key(tag) not in there)
        if self.place == "back":
            return (*words, *(Word(tag, key(tag)) for tag in new))
        head = bool(words) and words[0].head
        return (*(Word(tag, key(tag), head) for tag in new), *words)


@dataclass(frozen=True)
class Remove:
    """Tags taken out: names in any spelling, wildcards, or each a /regex/."""

    patterns: tuple[str, ...]

    def __post_init__(self) -> None:
        meant(self.patterns)

    @property
    def said(self) -> str:
        return f"remove {', '.join(self.patterns)}"

    def apply(self, words: Words) -> Words:
        gone = meant(self.patterns).of([word.key for word in words])
        return tuple(word for word, out in zip(words, gone, strict=True) if not out)


@dataclass(frozen=True)
class Replace:
    """Tags that a pattern means become another, once; no other drops them."""

    pattern: str
    tag: str

    def __post_init__(self) -> None:
        meant((self.pattern,))
        if self.tag:
            check_tag("replace", self.tag)

    @property
    def said(self) -> str:
        return f"replace {self.pattern} by {self.tag or 'nothing'}"

    def apply(self, words: Words) -> Words:
        hit = meant((self.pattern,)).of([word.key for word in words])
        if not any(hit):
            return words
        name = key(self.tag)
        there = any(w.key == name for w, h in zip(words, hit, strict=True) if not h)
        after: list[Word] = []
        for word, found in zip(words, hit, strict=True):
            if not found:
                after.append(word)
            elif name and not there:
                there = True
                after.append(word.rewritten(self.tag))
        return tuple(after)


@dataclass(frozen=True)
class Dedupe:
    """Of tags that are one in any spelling, the first stays."""

    said: str = "remove duplicates"

    def apply(self, words: Words) -> Words:
        first: dict[str, Word] = {}
        for word in words:
            first.setdefault(word.key, word)
        return tuple(first.values())


@dataclass(frozen=True)
class PruneImplied:
    """Tags that another one of the caption implies are taken out."""

    relations: Relations
    said: str = "remove what another tag implies"

    def apply(self, words: Words) -> Words:
        implied = {one for word in words for one in self.relations.ancestors(word.key)}
        return tuple(w for w in words if self.relations.canonical(w.key) not in implied)


@dataclass(frozen=True)
class Sort:
    """Tags in another order; what stands before a head separator stays there.

    by: `alphabetical`, or `template`: by groups, which are categories, `count` and `*`, in which
    the order stays. categories: from a tag's key to its category; what is not there is general.
    """

    by: Literal["alphabetical", "template"] = "alphabetical"
    template: tuple[str, ...] = CaptionFormat().template
    categories: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def said(self) -> str:
        return f"sort: {self.by if self.by == 'alphabetical' else ', '.join(self.template)}"

    def apply(self, words: Words) -> Words:
        if self.by == "alphabetical":
            return tuple(sorted(words, key=lambda word: (not word.head, word.key)))
        return tuple(sorted(words, key=lambda word: (not word.head, *self._place(word.key))))

    def _place(self, name: str) -> tuple[int, int]:
        rank = count_rank(name) if COUNT in self.template else None
        if rank is not None:
            return self.template.index(COUNT), rank
        group = category_of(name, self.categories)
        group = group if group in self.template else REST
        return (self.template.index(group) if group in self.template else len(self.template)), 0


@dataclass(frozen=True)
class Trigger:
    """A word that comes first, from wherever it stood."""

    word: str

    def __post_init__(self) -> None:
        check_tag("trigger", self.word)

    @property
    def said(self) -> str:
        return f"put first: {self.word}"

    def apply(self, words: Words) -> Words:
        name = key(self.word)
        head = bool(words) and words[0].head
        there = next((word.text for word in words if word.key == name), self.word)
        rest = (word for word in words if word.key != name)
        return (Word(there, name, head), *rest)


@dataclass(frozen=True)
class KeepFirst:
    """The first so many tags stay, the others go."""

    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise OptionError(f"keep first: expected 1 or more, got {self.count}")

    @property
    def said(self) -> str:
        return f"keep the first {self.count}"

    def apply(self, words: Words) -> Words:
        return words[: self.count]


@dataclass(frozen=True)
class Drop:
    """Tags taken out by their keys, in captions that have the tag `beside`, if one is named."""

    keys: frozenset[str]
    said: str
    beside: str = ""

    def apply(self, words: Words) -> Words:
        if self.beside and all(word.key != self.beside for word in words):
            return words
        return tuple(word for word in words if word.key not in self.keys)


@dataclass(frozen=True)
class Rank:
    """Tags in the order of their ranks, the lowest first; what stands in a head stays there."""

    ranks: Mapping[str, int] = field(repr=False)
    said: str = "sort: the most frequent first"

    def apply(self, words: Words) -> Words:
        last = len(self.ranks)
        return tuple(sorted(words, key=lambda w: (not w.head, self.ranks.get(w.key, last))))


def check_tag(what: str, tag: str) -> None:
    """Raise OptionError for a text that a trainer would not read as one tag."""
    if not is_one_tag(tag) or not key(tag) or re.search(r"^\s|\s$", tag):
        raise OptionError(
            f"{what}: expected one tag, without commas, braces or line breaks, got {tag!r}: "
            f"give several one by one"
        )
