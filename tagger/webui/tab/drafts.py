"""What was typed into a caption and is not saved: kept for its pictures while others are shown."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

MOST = 200
"""Drafts of one page; the oldest go first."""
_NAMED = 3


@dataclass(frozen=True)
class Draft:
    """title: what the page calls its pictures."""

    title: str
    text: str


@dataclass(frozen=True)
class Drafts:
    """Those of one page, the newest last, by the pictures they were written for."""

    kept: Mapping[str, Draft] = field(default_factory=dict[str, Draft])

    def heard(self, told: object) -> Drafts:
        """With what our script found in the editor: as it was shown, it is no draft.

        `told` comes from a page, and may be anything.
        """
        if not isinstance(told, Mapping):
            return self
        letter = cast("Mapping[str, object]", told)
        of, title, text, before = (
            str(letter.get(n, "")) for n in ("of", "title", "text", "before")
        )
        others = self.without(of)
        if text.split() == before.split():  # a caption is one line, however a box breaks it
            return others
        newest = list(others.kept.items())[1 - MOST :]
        return Drafts(dict([*newest, (of, Draft(title[:120], text))]))

    def without(self, of: str) -> Drafts:
        """All but that of some pictures."""
        return Drafts({name: draft for name, draft in self.kept.items() if name != of})

    def text(self, of: str) -> str | None:
        """What was typed for some pictures; None where all of it is saved."""
        draft = self.kept.get(of)
        return draft.text if draft else None

    def said(self, shown: str) -> str:
        """A sentence on those of other pictures than are shown; empty where there are none."""
        titles = [draft.title for name, draft in self.kept.items() if name != shown]
        if not titles:
            return ""
        more = f" and {len(titles) - _NAMED:,} more" if len(titles) > _NAMED else ""
        return f"Not saved yet: {', '.join(titles[-_NAMED:])}{more}."


def name_of(pictures: Sequence[str]) -> str:
    """A name for some pictures, which the page gives back with what was typed for them."""
    digest = hashlib.blake2b(digest_size=12)
    for picture in pictures:
        digest.update(os.fsencode(picture) + b"\0")
    return digest.hexdigest() if pictures else ""
