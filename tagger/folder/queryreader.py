"""Read a query: recursive descent over its words, in linear time, never deeper than DEEPEST."""

from __future__ import annotations

import re

from ..errors import OptionError
from ..spelling import Pattern
from .query import OPERATORS, Both, Either, Has, Length, Lies, Not, Query, Rated, Scored
from .querywords import WORDS, QueryError, Token, tokens

LONGEST = 10_000
"""Characters a query may have."""
DEEPEST = 50
"""Brackets and `not` that may stand in one another."""

_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


def parse(text: str) -> Query:
    """Read a query; QueryError, with the place, where it is none."""
    if len(text) > LONGEST:
        raise QueryError(
            f"expected at most {LONGEST:,} characters, got {len(text):,}: ask in parts", text, 0
        )
    reader = _Reader(text, tokens(text))
    query = reader.either(0)
    if reader.now.kind != "end":
        raise reader.refusal(f"expected `and`, `or` or the end{_hint(reader.now)}")
    return query


def _hint(token: Token) -> str:
    if token.kind == "op":
        return ", got a comparison: only len, score(TAG), rating and path are compared"
    if token.kind == ")":
        return ", got a bracket that nothing opens"
    return f", got {token.text!r}: put quotes around a tag with spaces"


class _Reader:
    """The tokens of one query, and how far they are read."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0

    @property
    def now(self) -> Token:
        return self._tokens[self._at]

    def refusal(self, why: str, token: Token | None = None) -> QueryError:
        return QueryError(why, self._text, (token or self.now).place)

    def either(self, depth: int) -> Query:
        queries = [self._both(depth)]
        while self.now.keyword == "or":
            self._take()
            queries.append(self._both(depth))
        return queries[0] if len(queries) == 1 else Either(tuple(queries))

    def _both(self, depth: int) -> Query:
        queries = [self._one(depth)]
        while self.now.keyword == "and":
            self._take()
            queries.append(self._one(depth))
        return queries[0] if len(queries) == 1 else Both(tuple(queries))

    def _one(self, depth: int) -> Query:
        if depth > DEEPEST:
            raise self.refusal(f"expected at most {DEEPEST} brackets and `not` in one another")
        token = self._take()
        if token.keyword == "not":
            return Not(self._one(depth + 1))
        if token.kind == "(":
            query = self.either(depth + 1)
            self._expect(")", f"expected `)` for the bracket at character {token.place + 1}")
            return query
        if token.keyword in ("len", "score", "rating", "path"):
            return self._compared(token)
        return Has(self._tag(token, "expected a tag, `not`, a bracket or a comparison"))

    def _compared(self, token: Token) -> Query:
        if token.keyword == "len":
            op = self._op(token, "len>75", *OPERATORS)
            return Length(op, int(self._number(_WHOLE, "a whole number")))
        if token.keyword == "rating":
            return Rated(self._op(token, "rating=general", "=", "!="), self._text_of("a rating"))
        if token.keyword == "path":
            return Lies(self._op(token, "path=*.png", "=", "!="), self._text_of("a path"))
        self._expect("(", "expected a tag in brackets, as in score(smile)>0.9")
        place = self._take()
        tag = self._tag(place, "expected a tag in the brackets")
        if len(Pattern.parse(tag).pieces) != 1:
            raise self.refusal("expected the name of one tag, got a pattern", place)
        self._expect(")", "expected `)` after the tag")
        return Scored(tag, self._op(token, "score(smile)>0.9", *OPERATORS), self._share())

    def _op(self, word: Token, example: str, *known: str) -> str:
        if self.now.kind == "op" and self.now.text in known:
            return self._take().text
        tag = f'; the tag is written "{word.text}"' if word.keyword != "score" else ""
        raise self.refusal(f"expected a comparison such as {example}{tag}")

    def _text_of(self, what: str) -> str:
        return self._named(self._take(), f"expected {what} after the comparison")

    def _share(self) -> float:
        token = self.now
        number = float(self._number(_NUMBER, "a number from 0 to 1"))
        if not 0 <= number <= 1:
            raise self.refusal(f"expected a number from 0 to 1, got {token.text}", token)
        return number

    def _number(self, form: re.Pattern[str], expected: str) -> str:
        if self.now.kind != "word" or not form.fullmatch(self.now.text):
            raise self.refusal(f"expected {expected}, got {self.now.text or 'the end'!r}")
        return self._take().text

    def _tag(self, token: Token, why: str) -> str:
        tag = self._named(token, why)
        try:
            Pattern.parse(tag)
        except OptionError as error:
            raise self.refusal(str(error), token) from error
        return tag

    def _named(self, token: Token, why: str) -> str:
        if token.kind == "quoted" or (token.kind == "word" and token.keyword not in WORDS):
            return token.text
        got = token.text or "the end"
        also = f': as a tag it is written "{got}"' if token.kind == "word" else ""
        raise self.refusal(f"{why}, got {got!r}{also}", token)

    def _expect(self, kind: str, why: str) -> None:
        if self.now.kind != kind:
            raise self.refusal(f"{why}, got {self.now.text or 'the end'!r}")
        self._take()

    def _take(self) -> Token:
        token = self.now
        self._at += token.kind != "end"
        return token
