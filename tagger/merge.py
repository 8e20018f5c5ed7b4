"""Merge: new tags added to a caption that somebody may have written by hand.

The old text stays byte for byte, or is left alone with a reason. Pure: text in, text out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .caption import Caption, CaptionFormat, parse_caption
from .spelling import key
from .wording import meanings, reads_as_prose, unweigh, why_no_list

How = Literal["append", "prepend"]


@dataclass(frozen=True)
class Merge:
    """A caption with new tags added.

    added: their texts. reason: why the old text was left as it is, if it can't be added to.
    """

    text: str
    added: tuple[str, ...] = ()
    reason: str | None = None


def merge(
    old: str, caption: Caption, how: How = "append", form: CaptionFormat | None = None
) -> Merge:
    """Add to an old caption those tags of a new one that it lacks in any spelling.

    The old text stays byte for byte; a line break at its end stays at the end. Neither a head
    separator nor, between the two, a trailing separator is added. Text of several lines, with
    braces, or that reads as sentences is left as it is, with the reason.
    """
    form = form or CaptionFormat()
    new = parse_caption(caption.text, form)
    reason = _reason(old, form, {key(item.name) for item in new})
    if reason:
        return Merge(old, reason=reason)
    there = {name for part in _parts(old, form) for name in meanings(part)}
    added = tuple(i.text for i in new if not there & {key(i.name), key(unweigh(i.name)[0])})
    if not added:
        return Merge(old)
    text = form.separator.join(added)
    return Merge((_append if how == "append" else _prepend)(old, text, form), added)


def _append(old: str, text: str, form: CaptionFormat) -> str:
    body = old.rstrip("\r\n")
    end = form.mark.strip() if form.trailing_separator else ""
    return body + _glue_after(body, form) + text + end + old[len(body) :]


def _glue_after(body: str, form: CaptionFormat) -> str:
    """What has to stand between the old text and a tag after it."""
    stripped = body.rstrip()
    if not stripped:
        return ""
    if not stripped.endswith((form.mark, form.head_separator)):
        return form.separator
    if body != stripped:
        return ""
    return " " if stripped.endswith(form.head_separator) else _space_after(form)


def _prepend(old: str, text: str, form: CaptionFormat) -> str:
    body = old.lstrip()
    if not body:
        return text + old
    if body.startswith(form.head_separator):
        return f"{text} {old}" if body == old else text + old
    return text + old if body.startswith(form.mark) else text + form.separator + old


def _space_after(form: CaptionFormat) -> str:
    return form.separator[form.separator.index(form.mark) + len(form.mark) :]


def _parts(text: str, form: CaptionFormat) -> list[str]:
    """The items of a caption that anybody may have written."""
    marks = sorted({",", "|||", ";;;", form.mark, form.head_separator}, key=len, reverse=True)
    return [part for part in re.split("|".join(map(re.escape, marks)), text) if part.strip()]


def _reason(old: str, form: CaptionFormat, known: set[str]) -> str | None:
    """Why an old text can't be added to, or None. An item that is a known tag is no sentence."""
    if reason := why_no_list(old):
        return reason
    prose = (part for part in _parts(old, form) if reads_as_prose(part))
    return "sentences" if any(key(part) not in known for part in prose) else None
