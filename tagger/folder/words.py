"""The tags of a caption as they stand there: read, and written back where something changed.

What can't be taken apart and put together again without harm is left alone, with the reason.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from ..caption import CaptionFormat
from ..spelling import Pattern, key, match
from ..wording import reads_as_prose, unweigh, why_no_list

NOTHING: frozenset[str] = frozenset()

_BREAK = re.compile(r"(?<![^\s,])BREAK(?![^\s,])")  # prompts are cut there
_OPENS = re.compile(r"(?:^|\s)\\?[(\[]")
_NAMESPACES = {
    "artist": "artist",
    "creator": "artist",
    "character": "character",
    "copyright": "copyright",
    "series": "copyright",
    "species": "species",
    "lore": "lore",
    "meta": "meta",
    "rating": "rating",
}


@dataclass(frozen=True)
class Word:
    """One tag of a caption.

    text: as it stands there. key: the tag without its weight, in the spelling of `spelling.key`.
    head: before the head separator. prose: it reads as a part of a sentence. surplus: brackets
    that it opens more than it closes.
    """

    text: str
    key: str
    head: bool = False
    prose: bool = field(default=False, compare=False, repr=False)
    surplus: int = field(default=0, compare=False, repr=False)

    def rewritten(self, name: str) -> Word:
        """Another tag in this place, with the weight of this one."""
        inner, weight = unweigh(self.text)
        text = name if weight is None else f"({name}{self.text[1 + len(inner) :]}"
        return Word(text, key(name), self.head)


Words = tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A caption taken apart.

    words: its tags, in its order. why: what keeps it from being edited by tags, whatever a model
    knows. prose: keys of what reads as a part of a sentence. spans: brackets hold several tags.
    """

    words: Words
    why: str
    prose: tuple[str, ...]
    spans: bool

    def why_left(self, known: Set[str] = NOTHING) -> str:
        """Why the caption can't be edited by tags; see the function of this name."""
        if self.why:
            return self.why
        if self.prose and any(each not in known for each in self.prose):
            return "sentences"
        return "brackets around a comma" if self.spans else ""


@functools.lru_cache(maxsize=16)  # a caption is judged, edited and shown one after another
def take_apart(text: str, form: CaptionFormat) -> Reading:
    """Read a caption: its tags, and what stands against editing them."""
    words = _words(text, form)
    return Reading(
        words,
        _why_never(text, form),
        tuple([word.key for word in words if word.prose]),
        _spans([word for word in words if word.surplus]),
    )


def read_words(text: str, form: CaptionFormat) -> Words:
    """The tags of a caption, in its order, as `parse_caption` finds them.

    Weights and escapes stay in the text; a tag that was met before costs a look into a table.
    """
    return take_apart(text, form).words


def _words(text: str, form: CaptionFormat) -> Words:
    head, found, rest = text.partition(form.head_separator)
    if not found:
        return tuple([word for part in text.split(form.mark) if (word := _word(part))])
    before = [word for part in head.split(form.mark) if (word := _word(part, True))]
    return (*before, *(word for part in rest.split(form.mark) if (word := _word(part))))


@functools.lru_cache(maxsize=1 << 16)  # a folder has few tags, each many times
def _word(part: str, head: bool = False) -> Word | None:
    item = part.strip()
    name = key(unweigh(item)[0])
    return Word(item, name, head, reads_as_prose(item), _surplus(item)) if name else None


def _surplus(item: str) -> int:
    return item.count("(") - item.count(")") + item.count("[") - item.count("]")


def write_words(old: str, words: Sequence[Word], form: CaptionFormat) -> str:
    """A caption of these tags that ends as the old one does: in a separator, in a line break."""
    body = old.rstrip("\r\n")
    parts = ([w.text for w in words if w.head], [w.text for w in words if not w.head])
    text = f" {form.head_separator} ".join(form.separator.join(part) for part in parts if part)
    if text and body.rstrip().endswith(form.mark):
        text += form.mark.strip()
    return text + old[len(body) :]


def why_left(text: str, form: CaptionFormat, known: Set[str] = NOTHING) -> str:
    """Why a caption can't be edited by tags; empty if it can.

    `known` are tags by their key: a long one that is known is no sentence.
    """
    return take_apart(text, form).why_left(known)


def _why_never(text: str, form: CaptionFormat) -> str:
    if reason := why_no_list(text):
        return reason
    if ";;;" in text:
        return "groups of tags (;;;)"
    if "BREAK" in text and _BREAK.search(text):
        return "BREAK"
    if text.count(form.head_separator) > 1:
        return f"several {form.head_separator}"
    return ""


def _spans(words: Sequence[Word]) -> bool:
    """Whether brackets hold several tags: `(smile, long hair:1.2)`, `miku (vocaloid, append)`.

    Kaomoji such as `:(` open none. `words`: those with a surplus.
    """
    opened = False
    for word in words:
        item = word.text
        if word.surplus > 0 and _OPENS.search(item):
            opened = True
        elif word.surplus < 0 and opened and item[-1] in ")]":
            return True
    return False


def category_of(name: str, known: Mapping[str, str]) -> str:
    """The category of a tag by its key: what is known of it, else its namespace, else general.

    A namespace is written `artist:somebody`, as boorus and Hydrus do.
    """
    if name in known:
        return known[name]
    space, colon, rest = name.partition(":")
    return _NAMESPACES.get(space, "general") if colon and rest else "general"


class Meant:
    """Which tags patterns mean, found out once for each tag."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Raises OptionError for a pattern that can't be read."""
        self._patterns = [Pattern.parse(text) for text in patterns]
        self._known: dict[str, bool] = {}

    def of(self, keys: Sequence[str]) -> list[bool]:
        """Tell for each tag, given by its key, whether it is meant."""
        unknown = [each for each in keys if each not in self._known]
        if unknown:
            answers = match(self._patterns, unknown).tolist()
            self._known.update(zip(unknown, answers, strict=True))
        return [self._known[each] for each in keys]

    def any(self, keys: Sequence[str]) -> bool:
        """Tell whether any of these tags is meant."""
        if len(self._patterns) == 1 and (name := self._patterns[0].name):
            return name in keys
        return any(self.of(keys))


@functools.lru_cache(maxsize=64)
def meant(patterns: tuple[str, ...]) -> Meant:
    """What some patterns mean; kept, since one folder asks the same of each caption."""
    return Meant(patterns)
