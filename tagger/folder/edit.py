"""Edit one caption: its tags, or its text. Pure: text in, text out."""

from __future__ import annotations

import functools
from collections.abc import Sequence, Set
from dataclasses import dataclass

from ..caption import CaptionFormat
from .edits import TagEdit
from .search import Search
from .words import NOTHING, Reading, Words, take_apart, write_words

EMPTY_CAPTION = "no tag would be left"
"""Why a caption stays as it was: an empty one stops kohya's trainer."""

Edit = TagEdit | Search


@dataclass(frozen=True)
class Edited:
    """A caption after its edits; `reason`: why some of them left it alone, else empty."""

    text: str
    reason: str = ""


def edit_caption(
    text: str,
    edits: Sequence[Edit],
    form: CaptionFormat,
    known: Set[str] = NOTHING,
    reading: Reading | None = None,
) -> Edited:
    """Apply edits in their order. `reading`: the caption taken apart, where it is already.

    A caption of several lines, with braces or of sentences is only searched; one that would be
    left empty stays as it was. What no edit changes stays byte for byte.
    """
    now, reason = text, ""
    read = reading or take_apart(text, form)
    for each in _runs(edits):
        if isinstance(each, Search):
            why, after = each.why_left(now), each.rewrite
        else:
            why, after = read.why_left(known), functools.partial(_retagged, read.words, each, form)
        if why:
            reason = why
        elif (then := after(now)) != now:
            now, read = then, take_apart(then, form)
    if text.strip() and not read.words:
        return Edited(text, EMPTY_CAPTION)
    return Edited(now, reason)


def _runs(edits: Sequence[Edit]) -> list[Search | list[TagEdit]]:
    """Searches, and between them the edits of tags, so that a caption is split rarely."""
    runs: list[Search | list[TagEdit]] = []
    for each in edits:
        if isinstance(each, Search):
            runs.append(each)
        elif runs and isinstance(runs[-1], list):
            runs[-1].append(each)
        else:
            runs.append([each])
    return runs


def _retagged(before: Words, edits: Sequence[TagEdit], form: CaptionFormat, text: str) -> str:
    words = before
    for each in edits:
        words = each.apply(words)
    return text if words == before else write_words(text, words, form)
