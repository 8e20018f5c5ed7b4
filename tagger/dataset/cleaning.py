"""Plainer names of tags, as Animesion's DAF:re has them: words and nothing but words.

    1girl, 6+girls   the number stands apart: 1_girl, 6_girls
    ~ # % & * { } < > ? ! | " - ^ ; . : _ /   between words, and gone at the ends

Its script has these signs in one regular expression, in which `"-^` is a range that takes digits
and capitals too; here the signs are meant. Names of one or two characters, which it drops, mean
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from .tags import SourceTags

_COUNT = re.compile(r"^(\d+)\+?(?=[a-z])")
_SIGNS = re.compile(r"[~#%&*{}<>?!|\"\-^;.:_/\s]+")
SHORTEST = 3
"""Characters that a name needs."""


def clean(name: str) -> str:
    """The plainer name, with underscores between its words; empty where nothing is left."""
    plain = "_".join(filter(None, _SIGNS.split(_COUNT.sub(r"\1 ", name))))
    return plain if len(plain) >= SHORTEST else ""


def plainer(one: SourceTags, seen: Collection[str], asked: Collection[str]) -> SourceTags:
    """A source whose tags of the categories asked for have plainer names.

    They are aliases of their own, after the source's; `seen` are the names on its posts.
    """
    plain = cleaned(one.categories.keys() | set(seen), one.categories, asked)
    known = {name for name, _ in one.aliases}
    return replace(one, aliases=[*one.aliases, *(pair for pair in plain if pair[0] not in known)])


def cleaned(
    names: Iterable[str], categories: Mapping[str, str], asked: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Names of the categories asked for with their plainer ones, where those differ.

    A name that `categories` lacks is general.
    """
    for name in sorted(set(names)):
        if categories.get(name, "general") in asked and (plain := clean(name)) not in ("", name):
            yield name, plain
