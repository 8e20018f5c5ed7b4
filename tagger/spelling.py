r"""When two tags are equal, whatever their spelling, and patterns over tags.

`long hair`, `long_hair` and `long\_hair` are one tag, and so are `saber \(fate\)` and
`saber_(fate)`. Knows nothing of labels, categories or captions: text in, text out.
"""

from __future__ import annotations

import importlib
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import OptionError

_FACES = "0_0 (o)_(o) +_+ +_- ._. <o>_<o> <|>_<|> =_= >_< 3_3 6_9 >_o @_@ ^_^ o_o u_u x_x |_| ||_||"
KAOMOJI = frozenset(_FACES.split())
"""The faces that keep their underscore: the list WD's own demo page uses, shared by its users."""

_PLAIN = re.compile(r"[!-@\[\]^`a-~]+(?:_[!-@\[\]^`a-~]+)*")
"""What is its own key: most names of a booru, of which there are half a million."""
_BACKSLASHES = re.compile(r"\\+([ ()\[\]]?)")
_ESCAPED = re.compile(r"\\([\\()\[\]])")
_SPECIAL = re.compile(r"([\\()\[\]])")

LONGEST_REGEX = 200
"""Characters a `/regex/` may have."""
LONGEST_NAME = 256
"""Characters of a name that a `/regex/` sees; Danbooru's longest tag has 111."""
MOST_WAYS = (LONGEST_NAME + 1) ** 3
"""Ways a `/regex/` may match from one place: three unbounded repeats in a row, and no more."""


def key(tag: str) -> str:
    r"""Return the one spelling of a tag: lower case, one underscore between words.

    A backslash before a bracket, space or underscore is an escape and goes; any other run of
    backslashes counts as one, so `\m/` and its escaped form `\\m/` are the same tag and neither
    is `m/`. Idempotent; `key(escape(to_spaces(tag))) == key(tag)` for every tag.
    """
    if _PLAIN.fullmatch(tag):
        return tag
    text = " ".join(tag.replace("_", " ").split())
    if "\\" in text:
        text = " ".join(_BACKSLASHES.sub(lambda found: found[1] or "\\", text).split())
    return text.replace(" ", "_").lower()


def to_spaces(tag: str) -> str:
    """Return the tag with spaces for underscores, a kaomoji as it is."""
    return tag if tag in KAOMOJI else tag.replace("_", " ")


def escape(tag: str) -> str:
    r"""Return the tag so that a prompt reads it literally, with a backslash before `\ ( ) [ ]`.

    These five are what the WebUI's prompt parser unescapes.
    """
    return _SPECIAL.sub(r"\\\1", tag)


def unescape(text: str) -> str:
    r"""Undo `escape` exactly; a backslash before any other character stays: `\m/`."""
    return _ESCAPED.sub(r"\1", text)


@dataclass(frozen=True)
class Pattern:
    """Which tags are meant: one by name, several by `*`, or several by `/regex/`.

    All three ignore case and spelling. A name or wildcard is about the whole tag, a regex about
    any part of it (`^` and `$` anchor), in the spelling of `key`; a space in it is an underscore.
    """

    text: str
    """As it was written."""
    pieces: tuple[str, ...]
    """What stands between the stars, in the spelling of `key`; one piece is a plain name."""
    regex: re.Pattern[str] | None = None

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read one pattern as a person writes it.

        Raises OptionError, naming the pattern, if it is empty, does not compile or could take
        for ever.
        """
        if len(text) > 2 and text.startswith("/") and text.endswith("/"):
            return cls(text, (), _compile(text))
        if not key(text):
            raise OptionError(f"expected a tag, a wildcard or a /regex/, got {text!r}")
        return cls(text, tuple(key(text).split("*")))

    @property
    def name(self) -> str:
        """The key of the one tag that is meant; empty for a wildcard and a regex."""
        return self.pieces[0] if len(self.pieces) == 1 else ""

    def matches(self, name: str) -> bool:
        """Tell whether a tag, already in the spelling of `key`, is meant."""
        if self.regex is not None:
            return self.regex.search(name[:LONGEST_NAME]) is not None
        if len(self.pieces) == 1:
            return name == self.pieces[0]
        return _matches_wildcard(self.pieces, name)


def match(
    patterns: Iterable[Pattern], names: Sequence[str], seconds: float = 0.5
) -> NDArray[np.bool_]:
    """Tell for each name, bool[n], whether any of the patterns means it.

    One pass over the names, whose spelling does not matter; an empty name is never meant. The
    clock is read between a few names, since a running regex can't be interrupted: OptionError after
    `seconds` of this thread's own work, however busy the machine.
    """
    patterns = list(patterns)
    if not patterns:
        return np.zeros(len(names), np.bool_)
    keys = [key(name) for name in names]
    plain = {one.pieces[0] for one in patterns if len(one.pieces) == 1}
    found = np.array([name in plain for name in keys], np.bool_)
    for pattern in patterns:
        if len(pattern.pieces) > 1:
            found |= np.array([pattern.matches(name) for name in keys], np.bool_)
    regexes = [pattern.regex for pattern in patterns if pattern.regex is not None]
    end = time.thread_time() + seconds if regexes else 0.0  # a clock is slow on some systems
    for regex in regexes:
        found |= np.array(_search(regex, keys, end), np.bool_)
    return found & np.array([bool(name) for name in keys], np.bool_)


def _search(regex: re.Pattern[str], keys: list[str], end: float) -> list[bool]:
    found: list[bool] = []
    for start in range(0, len(keys), 16):  # reading the clock costs more than most matches
        block = keys[start : start + 16]
        found += [regex.search(name[:LONGEST_NAME]) is not None for name in block]
        if time.thread_time() > end:
            raise OptionError(f"/{regex.pattern}/: takes too long: use a simpler pattern")
    return found


def _matches_wildcard(pieces: tuple[str, ...], name: str) -> bool:
    """Match without backtracking: the ends where they must be, the rest at the first chance."""
    first, *middle, last = pieces
    if len(name) < len(first) + len(last):
        return False
    if not (name.startswith(first) and name.endswith(last)):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        at = name.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _compile(text: str) -> re.Pattern[str]:
    source = text[1:-1].replace(" ", "_")
    if len(source) > LONGEST_REGEX:
        raise OptionError(
            f"{text[:40]}.../: expected at most {LONGEST_REGEX} characters, got {len(source)}"
        )
    try:
        if ways(source) <= MOST_WAYS:
            return re.compile(source, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise OptionError(f"{text}: expected a regular expression, got {error}") from error
    raise OptionError(
        f"{text}: expected a pattern that can't run for ever, got repeats within repeats or more "
        "than three in a row: write it with fewer * and +"
    )


def ways(source: str) -> float:
    """Bound the number of ways in which a regex may match from one place in a name; see MOST_WAYS.

    Raises `re.error` for what is no regex.
    """
    return _ways(_parse_tree(source))


def _parse_tree(source: str) -> Any:
    """Return the regex as the standard library's own parser sees it."""
    parser: Any = importlib.import_module(
        "re._parser" if sys.version_info >= (3, 11) else "sre_parse"
    )
    return parser.parse(source, re.IGNORECASE)


def _ways(tree: Any) -> float:
    """Bound the number of ways in which a regex's parts may share out LONGEST_NAME characters.

    That number is what a backtracking matcher may have to try: parts in a row multiply,
    alternatives add, a repeat of something with w ways has the sum of w**n over its counts n.
    """
    product = 1.0
    for operation, argument in tree:
        product *= _ways_of(operation.name, argument)
        if product > MOST_WAYS:
            return float("inf")
    return product


def _ways_of(name: str, argument: Any) -> float:
    if name in _ONE_WAY:
        return 1.0
    if name == "BRANCH":
        return sum(map(_ways, argument[1]))
    if name == "GROUPREF_EXISTS":
        return sum(_ways(branch) for branch in argument[1:] if branch is not None)
    if name in {"SUBPATTERN", "ASSERT", "ASSERT_NOT"}:
        return _ways(argument[-1])
    if name == "ATOMIC_GROUP":
        return _ways(argument)
    if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        return _ways_of_repeat(*argument)
    return float("inf")  # an operation of a newer Python: refused until it is understood


def _ways_of_repeat(least: int, most: int, body: Any) -> float:
    ways = min(_ways(body), MOST_WAYS + 1.0)
    if most > 1 and int(body.getwidth()[0]) == 0:
        return float("inf")  # what may be empty can be repeated without end
    most = min(most, LONGEST_NAME)
    least = min(least, most)
    if ways == 1:
        return most - least + 1.0
    if most > 24:  # 2**25 is already too many
        return float("inf")
    return sum(ways**count for count in range(least, most + 1))


_ONE_WAY = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "CATEGORY", "RANGE", "AT", "GROUPREF"})
