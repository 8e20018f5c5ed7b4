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

_COUNT = re.compile(r"^(\d+)\+?(?=[a-z])")
_SIGNS = re.compile(r"[~#%&*{}<>?!|\"\-^;.:_/\s]+")
SHORTEST = 3
"""Characters that a name needs."""


def clean(name: str) -> str:
    """The plainer name, with underscores between its words; empty where nothing is left."""
    plain = "_".join(filter(None, _SIGNS.split(_COUNT.sub(r"\1 ", name))))
    return plain if len(plain) >= SHORTEST else ""


def cleaned(
    names: Iterable[str], categories: Mapping[str, str], asked: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Names of the categories asked for with their plainer ones, where those differ.

    A name that `categories` lacks is general.
    """
    for name in sorted(set(names)):
        if categories.get(name, "general") in asked and (plain := clean(name)) not in ("", name):
            yield name, plain
