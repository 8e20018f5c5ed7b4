"""One tag's text in a caption: what it may hold, its weight, its tokens, and what else reads as it.

Knows no captions: `caption` puts the texts in order and joins them.
"""

from __future__ import annotations

import functools
import re
from functools import partial
from pathlib import PurePath
from typing import NamedTuple

from .spelling import escape, key, to_spaces

PROSE = 6
"""Words of the longest item that is taken for a tag and not for a part of a sentence."""
LONGEST = 256
"""Characters of the longest item that is searched for weights; Danbooru's longest tag has 111."""

# Trainers split at , and ||| and ;;; and take braces for wildcards; a caption is one line of
# UTF-8, which has no surrogates (a file name that is no UTF-8 brings them).
_FORBIDDEN = re.compile(r"[,{}\n\r\v\f\x1c-\x1e\x85\u2028\u2029\ud800-\udfff]|\|\|\||;;;")
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_WEIGHTED = re.compile(rf"\((.*):({_NUMBER})\)", re.DOTALL)
_EMPHASISED = re.compile(rf"[(\[](.*?)(?::\s*{_NUMBER}\s*)?(?<!\\)[)\]]", re.DOTALL)
_GROUP_END = re.compile(rf"(?::\s*{_NUMBER}\s*)?(?<!\\)[)\]]+$")
_SENTENCE_BREAK = re.compile(r"\w{3}[.!?] +[A-Z]")
_REPEATS = re.compile(r"^\d+_(?=.)")  # kohya's folder names: 10_name is shown ten times an epoch
_COUNTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\d+\+?girls?",
        r"\d+\+?boys?",
        r"\d+\+?others?",
        r"multiple_(girls|boys|others)",
        r"solo|duo|trio|group",
        r"no_humans",
    )
)


def is_one_tag(text: str, mark: str = ",", head: str = "|||") -> bool:
    """Whether a caption with this text in it reads back as it was written.

    It must not be empty, nor hold `,`, `|||`, `;;;`, a brace, a line break, the caption's own
    mark between tags or its head separator, nor run into the mark that follows.
    """
    if not text.strip() or _FORBIDDEN.search(text) or head in text:
        return False
    return (text + mark).find(mark) == len(text)


class Word(NamedTuple):
    """A tag's text in a caption, its key, and whether it reads back as it is written."""

    text: str
    key: str
    fits: bool


class Words(dict[str, Word]):
    """The words of tags by their names, as one form of caption spells them; each is made once."""

    def __init__(self, spaces: bool, escaped: bool, mark: str, head: str) -> None:
        """`mark` parts tags, `head` is the head separator."""
        super().__init__()
        self._spaces, self._escaped = spaces, escaped
        self._fits = functools.lru_cache(maxsize=_MOST)(partial(is_one_tag, mark=mark, head=head))

    def __missing__(self, name: str) -> Word:
        text = (to_spaces(name) if self._spaces else name).strip()
        text = escape(text) if self._escaped else text
        if len(self) >= _MOST:
            self.clear()
        word = self[name] = Word(text, key(name), self._fits(text))
        return word

    def weighed(self, name: str, weight: float) -> Word:
        """The word with its weight."""
        word = self[name]
        text = weigh(word.text, weight) if word.text else ""
        return Word(text, word.key, self._fits(text))

    def typed(self, text: str) -> Word:
        """The word of a text that a person typed, perhaps with a weight."""
        return Word(text, key(unweigh(text)[0]), self._fits(text))


_MOST = 1 << 15


def weigh(text: str, weight: float) -> str:
    """The text with its weight as prompts have it: `(long hair:0.98)`."""
    return f"({text}:{weight:.2f})"


def unweigh(text: str) -> tuple[str, float | None]:
    """Undo `weigh`; text without a weight comes back with None."""
    found = _WEIGHTED.fullmatch(text) if len(text) <= LONGEST else None
    return (found[1], float(found[2])) if found else (text, None)


def fill_tokens(text: str, source: PurePath | None, escaped: bool) -> str:
    """Put the picture's own words for the tokens `[name]` and `[parent]`.

    `[name]` is the file's name without its extension; `[parent]` its folder's without kohya's
    repeats, `10_miku` being `miku`. Without a source both are empty.
    """
    name = source.stem if source else ""
    parent = _REPEATS.sub("", source.parent.name) if source else ""
    for token, value in (("[name]", name), ("[parent]", parent)):
        text = text.replace(token, escape(value) if escaped else value)
    return text.strip()


@functools.lru_cache(maxsize=_MOST)
def count_rank(tag: str) -> int | None:
    """Where a tag that counts persons stands among such: girls, boys, others, `solo`; else None."""
    name = key(tag)
    return next((rank for rank, each in enumerate(_COUNTS) if each.fullmatch(name)), None)


def meanings(item: str) -> set[str]:
    """The keys of every tag that an item of a caption may stand for.

    Itself, and what is left without emphasis and weight: `((smile))`, `[smile]`, `(smile:1.2)`,
    and the ends of a group such as `(smile, long hair:1.2)`. Some are no tags at all: this
    answers only whether a tag is already there.
    """
    found = {key(item)}
    bare = item.strip()
    if len(bare) > LONGEST:
        return found
    inside = _EMPHASISED.fullmatch(bare)
    while inside:
        bare = inside[1].strip()
        found.add(key(bare))
        inside = _EMPHASISED.fullmatch(bare)
    closed = _GROUP_END.sub("", bare)
    found |= {key(bare.lstrip("([")), key(closed), key(closed.lstrip("(["))}
    return found


def why_no_list(text: str) -> str:
    """Why a caption's text is no list of tags, whatever is between them; empty if it may be one."""
    body = text.rstrip("\r\n")
    if body and body.splitlines() != [body]:  # also a break that is neither \r nor \n
        return "several lines"
    return "braces" if "{" in text or "}" in text else ""


def reads_as_prose(item: str) -> bool:
    """Guess whether an item is a part of a sentence and no tag.

    So it is with more than six words, with three and a full stop at the end, or with the end of
    one sentence and the capital of the next.
    """
    words = item.split()
    stops = len(words) >= 3 and item.rstrip().endswith(".")
    return stops or len(words) > PROSE or _SENTENCE_BREAK.search(item) is not None
