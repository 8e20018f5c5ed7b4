"""The words of a query: bare, in quotes, comparisons, brackets; and the place of an error."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import OptionError

WORDS = frozenset({"and", "or", "not", "len", "score", "rating", "path"})
"""What has a meaning of its own; as a tag it stands in quotes."""


class QueryError(OptionError):
    """A query that can't be read, and why; whoever asked for it says what it is called there.

    text: the query. place: of what is wrong in it, in characters from 0.
    """

    def __init__(self, why: str, text: str, place: int) -> None:
        super().__init__(f"character {place + 1}: {why}")
        self.text = text
        self.place = place

    def pointed(self) -> str:
        """Two lines: the query around the place, and a caret under it."""
        start = max(0, self.place - 60)
        shown = "".join(c if c.isprintable() else " " for c in self.text[start : start + 100])
        return f"{shown}\n{' ' * (self.place - start)}^"


@dataclass(frozen=True)
class Token:
    """kind: word, quoted, op, the bracket itself, or end. text: a quoted one's without quotes."""

    kind: str
    text: str
    place: int

    @property
    def keyword(self) -> str:
        return self.text.lower() if self.kind == "word" else ""


_SPACE = re.compile(r"\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_OPERATOR = re.compile(r"<=|>=|!=|==|=|<|>")


def tokens(text: str) -> list[Token]:
    """Split a query; the last token is the end. QueryError where a quote is not closed."""
    found: list[Token] = []
    at = _end_of_space(text, 0)
    while at < len(text):
        token, end = _token(text, at)
        found.append(token)
        at = _end_of_space(text, end)
    return [*found, Token("end", "", len(text))]


def _token(text: str, at: int) -> tuple[Token, int]:
    if text[at] in "()":
        return Token(text[at], text[at], at), at + 1
    if op := _OPERATOR.match(text, at):
        return Token("op", op[0].replace("==", "="), at), op.end()
    if text[at] != '"':
        end = word_end(text, at)
        return Token("word", text[at:end], at), end
    quoted = _QUOTED.match(text, at)
    if quoted is None:
        raise QueryError("expected a closing quote, got none: put one after the tag", text, at)
    return Token("quoted", re.sub(r'\\(["\\])', r"\1", quoted[1]), at), quoted.end()


def word_end(text: str, start: int) -> int:
    """Where a bare word ends: at a space, quote, operator, or a bracket that closes another's."""
    depth = 0
    for at in range(start, len(text)):
        char = text[at]
        if char.isspace() or char in '"<>=' or text.startswith("!=", at):
            return at
        if char == "(":
            if at - start == 5 and text[start:at].lower() == "score":
                return at
            depth += 1
        elif char == ")":
            if depth == 0:
                return at
            depth -= 1
    return len(text)


def _end_of_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
