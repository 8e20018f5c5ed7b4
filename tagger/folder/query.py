"""Queries over pictures and their captions: `1girl and not sword`, `len>75`, as values and as text.

`queryreader` reads them, `matching` says which pictures are meant. The grammar, loosest first,
with names and keywords in any case:

    either   both {"or" both}
    both     one {"and" one}
    one      "not" one | "(" either ")" | compared | TAG
    compared "len" OP NUMBER | "score" "(" TAG ")" OP NUMBER | ("rating" | "path") ("=" | "!=") TEXT

TAG and TEXT are bare words, in which brackets may stand in pairs as in `saber_(fate)`, or
anything in double quotes, in which a backslash before a quote or a backslash escapes it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .querywords import WORDS, word_end

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Has:
    """The caption has a tag: a name in any spelling, a wildcard or a /regex/."""

    tag: str


@dataclass(frozen=True)
class Length:
    """The number of tags, compared."""

    op: str
    number: int


@dataclass(frozen=True)
class Scored:
    """The kept score of a tag, 0 to 1, compared."""

    tag: str
    op: str
    number: float


@dataclass(frozen=True)
class Rated:
    """The rating is, or is not, of this name."""

    op: str
    name: str


@dataclass(frozen=True)
class Lies:
    """The picture's path in the folder is, or is not, like this: `*` and `?` are wildcards."""

    op: str
    glob: str


@dataclass(frozen=True)
class Not:
    """What it holds is not so."""

    query: Query


@dataclass(frozen=True)
class Both:
    """All of two or more are so."""

    queries: tuple[Query, ...]


@dataclass(frozen=True)
class Either:
    """One at least of two or more is so."""

    queries: tuple[Query, ...]


Query = Has | Length | Scored | Rated | Lies | Not | Both | Either


def show(query: Query) -> str:
    """Write a query so that `queryreader.parse` reads the same back."""
    match query:
        case Has(tag):
            return _quoted(tag)
        case Length(op, number):
            return f"len{op}{number}"
        case Scored(tag, op, number):
            return f"score({_quoted(tag)}){op}{number!r}"
        case Rated(op, name):
            return f"rating{op}{_quoted(name)}"
        case Lies(op, glob):
            return f"path{op}{_quoted(glob)}"
        case Not(inner):
            return f"not {_grouped(inner, Both, Either)}"
        case Both(queries):
            return " and ".join(_grouped(each, Both, Either) for each in queries)
        case Either(queries):
            return " or ".join(_grouped(each, Either) for each in queries)


def _grouped(query: Query, *kinds: type) -> str:
    return f"({show(query)})" if isinstance(query, kinds) else show(query)


def _quoted(text: str) -> str:
    if (
        text
        and text.lower() not in WORDS
        and text[0] not in '"()'
        and text.count("(") == text.count(")")  # `score(` closes at the first that is over
        and word_end(text, 0) == len(text)
    ):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
