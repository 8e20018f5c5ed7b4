"""Edit one caption: its tags, or its text. Pure: text in, text out."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from ..caption import CaptionFormat
from .edits import TagEdit
from .search import Search
from .words import NOTHING, read_words, why_left, write_words

EMPTY_CAPTION = "no tag would be left"
"""Why a caption stays as it was: an empty one stops kohya's trainer."""

Edit = TagEdit | Search


@dataclass(frozen=True)
class Edited:
    """A caption after its edits; `reason`: why some of them left it alone, else empty."""

    text: str
    reason: str = ""


def edit_caption(
    text: str, edits: Sequence[Edit], form: CaptionFormat, known: Set[str] = NOTHING
) -> Edited:
    """Apply edits in their order.

    A caption of several lines, with braces or of sentences is only searched; one that would be
    left empty stays as it was. What no edit changes stays byte for byte.
    """
    now, reason = text, ""
    for each in _runs(edits):
        search = isinstance(each, Search)
        why = each.why_left(now) if search else why_left(now, form, known)
        if why:
            reason = why
        else:
            now = each.rewrite(now) if search else _retagged(now, each, form)
    if text.strip() and not read_words(now, form):
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


def _retagged(text: str, edits: Sequence[TagEdit], form: CaptionFormat) -> str:
    before = words = read_words(text, form)
    for each in edits:
        words = each.apply(words)
    return text if words == before else write_words(text, words, form)
