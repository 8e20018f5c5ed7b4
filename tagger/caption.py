"""Captions: tags written as one line, and read back.

Pure: text in, text out. Which tags there are is decided before, and where the text goes after.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from .errors import OptionError
from .options import check, option
from .scores import RATING
from .spelling import Pattern, key, unescape
from .thresholds import Tag
from .wording import Word, Words, count_rank, fill_tokens, is_one_tag, unweigh

COUNT = "count"
"""The template's word for tags that count persons: `1girl`, `2boys`, `6+girls`, `solo`."""
REST = "*"
"""The template's word for everything that has no place of its own in it."""

Order = Literal["score", "alphabetical", "model", "template"]


@dataclass(frozen=True)
class CaptionFormat:
    """How tags are written. What is decided here is spelling and order, never which tags."""

    order: Order = option("score", help="Order of the tags; template: in the template's groups.")
    template: tuple[str, ...] = option(
        (COUNT, "character", "copyright", "artist", REST),
        help="Order by template: categories, `count` for tags such as 1girl and solo, `rating`, "
        "`*` for all others.",
        metavar="GROUP",
    )
    separator: str = option(", ", help="What stands between two tags.")
    trailing_separator: bool = option(False, help="End with a separator too.")
    spaces: bool = option(True, help="Spaces for underscores, except in kaomoji such as ^_^.")
    escape: bool = option(False, help="A backslash before brackets, as prompts need it.")
    weights: bool = option(False, help="Write the score as a weight: (smile:0.93).")
    max: int | None = option(
        None, help="Write at most so many tags, those with the highest scores.", ge=1, metavar="N"
    )
    prefix: tuple[str, ...] = option(
        (),
        help="Tag to begin with, as typed; [name] is the file's name, [parent] its folder's.",
        metavar="TEXT",
    )
    suffix: tuple[str, ...] = option((), help="Tag to end with, likewise.", metavar="TEXT")
    replace: tuple[tuple[str, str], ...] = option(
        (),
        help="Write B for the tag A (a name, a wildcard with *, or /a regex/); no B drops it.",
        metavar="A=B",
    )
    head: int = option(
        0, help="Put the head separator after so many tags; 0: none.", ge=0, metavar="K"
    )
    head_separator: str = option("|||", help="kohya's keep_tokens_separator.")

    def __post_init__(self) -> None:
        check(self)
        _check_separators(self)
        _check_texts(self, "prefix", self.prefix)
        _check_texts(self, "suffix", self.suffix)
        _check_texts(self, "replace", [target for _, target in self.replace if target])
        _rules(self.replace)

    @property
    def mark(self) -> str:
        """The separator without the spaces around it, by which captions are split."""
        return self.separator.strip() or self.separator

    @property
    def has_rating(self) -> bool:
        """Whether the template has a place for the rating, so that it has to be there."""
        return self.order == "template" and RATING in self.template


@dataclass(frozen=True)
class Caption:
    """A caption, and what became of the tags.

    text: one line, perhaps empty. tags: those written, in the order of the text, under their
    written names; prefix and suffix are none. rating: the model's, written or not. left_out: what
    could not be written, since trainers would read it as something else.
    """

    text: str
    tags: tuple[Tag, ...] = ()
    rating: Tag | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """One tag as it stands in a caption.

    text: as written. name: without weight and escapes. head: before the head separator.
    """

    text: str
    name: str
    weight: float | None = None
    head: bool = False


# ---------------------------------------------------------------- writing


_Written = tuple[Word, Tag | None]
"""A word and its tag; a prefix or suffix has none."""
_LAST = 1 << 62  # after every place in a model


def format_caption(
    tags: Iterable[Tag], form: CaptionFormat, source: PurePath | None = None
) -> Caption:
    """Write tags as one line; `source` is the picture, for the tokens of prefix and suffix.

    A tag is written once, whatever its spellings: a prefix before a suffix before the rest, and
    of the rest the one with the highest score. `max` counts neither prefix, suffix nor rating,
    which its score did not choose; `head` counts everything, and where no more follows there is
    no head separator.
    """
    words = _words_of(form.spaces, form.escape, form.mark, form.head_separator)
    taken: set[str] = set()
    unfit: list[str] = []
    before = _once(_fixed(form.prefix, form, source, words), taken, unfit)
    after = _once(_fixed(form.suffix, form, source, words), taken, unfit)
    rest = _once(_spelled(_replaced(_ranked(tags), form.replace), form, words), taken, unfit)
    body = _ordered(_at_most(rest, form.max), form)
    return Caption(
        _joined([word.text for word, _ in (*before, *body, *after)], form),
        tuple([tag for _, tag in body if tag]),
        left_out=tuple(unfit),
    )


_words_of = functools.lru_cache(maxsize=32)(Words)  # a run meets few names, each many times


def _ranked(tags: Iterable[Tag]) -> list[Tag]:
    """In descending score, of equal ones in the model's order."""
    return sorted(sorted(tags, key=_model_place), key=_SCORE, reverse=True)


_SCORE = operator.attrgetter("score")


def _fixed(
    texts: tuple[str, ...], form: CaptionFormat, source: PurePath | None, words: Words
) -> list[_Written]:
    filled = [fill_tokens(text, source, form.escape) for text in texts]
    return [(words.typed(text), None) for text in filled if text]


def _spelled(tags: Iterable[Tag], form: CaptionFormat, words: Words) -> list[_Written]:
    if form.weights:
        return [(words.weighed(tag.name, tag.score), tag) for tag in tags]
    return [(words[tag.name], tag) for tag in tags]


def _once(words: Iterable[_Written], taken: set[str], unfit: list[str]) -> list[_Written]:
    """Those that read back as they are written, each key but once; the others' names to `unfit`."""
    first: list[_Written] = []
    for pair in words:
        word, tag = pair
        if not word.fits:
            unfit.append(tag.name if tag else word.text)
        elif word.key not in taken:
            taken.add(word.key)
            first.append(pair)
    return first


def _replaced(tags: Sequence[Tag], pairs: tuple[tuple[str, str], ...]) -> Sequence[Tag]:
    if not pairs:
        return tags
    named = [(tag, _target(tag.name, pairs)) for tag in tags]
    return [tag if name == tag.name else tag._replace(name=name) for tag, name in named if name]


@functools.lru_cache(maxsize=1 << 15)
def _target(name: str, pairs: tuple[tuple[str, str], ...]) -> str:
    spelled = key(name)
    return next((into for pattern, into in _rules(pairs) if pattern.matches(spelled)), name)


@functools.lru_cache(maxsize=8)
def _rules(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[Pattern, str], ...]:
    try:
        return tuple((Pattern.parse(source), target) for source, target in pairs)
    except OptionError as error:
        raise OptionError(f"replace: {error}") from error


def _at_most(words: list[_Written], most: int | None) -> list[_Written]:
    if most is None:
        return words
    counted = itertools.count()
    return [pair for pair in words if _is_rating(pair) or next(counted) < most]


def _is_rating(pair: _Written) -> bool:
    return pair[1] is not None and pair[1].category == RATING


def _ordered(words: list[_Written], form: CaptionFormat) -> list[_Written]:
    """Put words, given in descending score, in the order asked for."""
    if form.order == "score":
        return words
    if form.order == "alphabetical":
        return sorted(words, key=lambda pair: pair[0].key)
    if form.order == "model":
        return sorted(words, key=lambda pair: _model_place(pair[1]) if pair[1] else _LAST)
    template = form.template
    return sorted(words, key=lambda pair: _template_place(pair[1], template) if pair[1] else ())


def _model_place(tag: Tag) -> int:
    return tag.index if tag.index >= 0 else _LAST  # what no model's output stands for comes last


def _template_place(tag: Tag, template: tuple[str, ...]) -> tuple[int, int]:
    places = _places(template)
    rank = count_rank(tag.name) if COUNT in places else None
    if rank is not None:
        return places[COUNT], rank
    return places.get(tag.category, places.get(REST, len(template))), 0


@functools.lru_cache(maxsize=8)
def _places(template: tuple[str, ...]) -> Mapping[str, int]:
    return {group: place for place, group in reversed(list(enumerate(template)))}


def _joined(texts: Sequence[str], form: CaptionFormat) -> str:
    head, rest = texts[: form.head], texts[form.head :]
    parts = [form.separator.join(part) for part in (head, rest) if part]
    text = f" {form.head_separator} ".join(parts)
    return (text + form.mark).strip() if text and form.trailing_separator else text


def _check_texts(form: CaptionFormat, field: str, texts: Iterable[str]) -> None:
    for text in texts:
        if not is_one_tag(text, form.mark, form.head_separator):
            raise OptionError(
                f"{field}: expected one tag, without , ||| ;;; braces, line breaks or the "
                f"separator, got {text!r}: give several one by one"
            )


def _check_separators(form: CaptionFormat) -> None:
    """So that a caption can be split again: neither can be taken for a part of the other."""
    if form.separator.splitlines() != [form.separator]:
        raise OptionError(f"separator: expected text without line breaks, got {form.separator!r}")
    head = form.head_separator
    if not head or head.split() != [head] or set(head) & set(form.separator):
        raise OptionError(
            f"head_separator: expected text without spaces and without the separator's "
            f"characters, got {head!r}"
        )


# ---------------------------------------------------------------- reading


def parse_caption(text: str, form: CaptionFormat | None = None) -> tuple[Item, ...]:
    """Read the tags of a caption, in its order; gives back what `format_caption` wrote.

    Where underscores became spaces the names keep the spaces: `spelling.key` says which tag it
    is. Weights and escapes are undone if the format writes them.
    """
    form = form or CaptionFormat()
    head, found, rest = text.partition(form.head_separator)
    if not found:
        return tuple(_items(text, form, head=False))
    return (*_items(head, form, head=True), *_items(rest, form, head=False))


def _items(text: str, form: CaptionFormat, *, head: bool) -> Iterable[Item]:
    for part in text.split(form.mark):
        item = part.strip()
        if not item:
            continue
        name, weight = unweigh(item) if form.weights else (item, None)
        yield Item(item, unescape(name) if form.escape else name, weight, head)
