"""Search and replace in a whole caption: literal, or by a regex that can't run for ever."""

from __future__ import annotations

import functools
import re
import time
from dataclasses import dataclass

from ..errors import OptionError
from ..spelling import LONGEST_NAME, Pattern, ways

LONGEST = 4096
"""Characters of a caption that a regex is let at: longer ones stay as they are."""
MOST_WAYS = 16 * (LONGEST_NAME + 1)
"""Ways a regex may match from one place, as `spelling.ways` counts them: one repeat without a
bound and a few choices, so that the work grows with the square of the caption's length at most."""
SECONDS = 20.0
"""Of a thread's own work that one regex may take in all."""


@dataclass(frozen=True)
class Search:
    """Each place where `find` stands becomes `into`; case counts.

    `find` is literal unless it is written /between slashes/: then it is a regex that ignores
    case, and `into` may name its groups as \\1.
    """

    find: str
    into: str = ""

    def __post_init__(self) -> None:
        if not self.find:
            raise OptionError("search: expected a text to search for, got nothing")
        if len(self.into.splitlines()) > 1 or self.into.endswith(("\n", "\r")):
            raise OptionError(f"search: expected one line to put there, got {self.into!r}")
        if any("\ud800" <= char <= "\udfff" for char in self.into):
            raise OptionError(f"search: expected text to put there, got bytes: {self.into!r}")
        if self.is_regex:
            _compiled(self.find, self.into)

    @property
    def is_regex(self) -> bool:
        """Whether a regex was asked for."""
        return len(self.find) > 2 and self.find.startswith("/") and self.find.endswith("/")

    @property
    def said(self) -> str:
        """Its line in the preview."""
        return f"search {self.find!r}, put {self.into!r}"

    def why_left(self, text: str) -> str:
        """Why a caption is not searched; empty if it is."""
        return "too long for a /regex/" if self.is_regex and len(text) > LONGEST else ""

    def rewrite(self, text: str) -> str:
        """The caption after it. OptionError if a regex takes too long in all."""
        if not self.is_regex:
            return text.replace(self.find, self.into)
        return _compiled(self.find, self.into).sub(self.into, text)


class _Timed:
    """A compiled regex, and how much work it has been."""

    def __init__(self, find: str) -> None:
        Pattern.parse(find)  # refuses what does not compile or could explode
        source = find[1:-1]
        if ways(source) > MOST_WAYS:
            raise OptionError(
                f"search: expected a regex with one * or + at most, got {find}: bound the others, "
                f"as in \\d{{1,3}}"
            )
        self._regex = re.compile(source, re.IGNORECASE)
        self._find = find
        self._spent = 0.0

    def sub(self, into: str, text: str) -> str:
        start = time.thread_time()
        try:
            after = self._regex.sub(into, text)
        except (re.error, IndexError) as error:
            raise OptionError(
                f"search: expected a text to put for {self._find}, got {error}"
            ) from error
        self._spent += time.thread_time() - start
        if self._spent > SECONDS:
            raise OptionError(f"search: {self._find} takes too long: use a simpler pattern")
        return after


@functools.lru_cache(maxsize=16)
def _compiled(find: str, into: str) -> _Timed:
    timed = _Timed(find)
    timed.sub(into, "")  # refuses what can't be put there
    return timed
