"""What was typed into a caption and is not saved: kept for its pictures while others are shown.

Our script tells what stands in the editor with all that is done on the page, in the box `editor`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

MOST = 200
"""Drafts of one page; the oldest go first."""
_NAMED = 3


@dataclass(frozen=True)
class Draft:
    """title: what the page calls its pictures. before: what they had when the typing began."""

    title: str
    text: str
    before: str


@dataclass(frozen=True)
class Drafts:
    """Those of one page, the newest last, by the pictures they were written for.

    standing: what the editor shows, and the pictures it is of.
    """

    kept: Mapping[str, Draft] = field(default_factory=dict[str, Draft])
    standing: tuple[str, str] = ("", "")

    def heard(self, told: object) -> Drafts:
        """With what our script found in the editor: as it was shown, it is no draft.

        `told` comes from a page, and may be anything.
        """
        if not isinstance(told, Mapping):
            return replace(self, standing=("", ""))
        letter = cast("Mapping[str, object]", told)
        of, title, text, before = (
            str(letter.get(n, "")) for n in ("of", "title", "text", "before")
        )
        others = replace(self.without(of), standing=(of, text))
        if is_same(text, before):
            return others
        newest = list(others.kept.items())[1 - MOST :]
        draft = Draft(title[:120], text, self.kept[of].before if of in self.kept else before)
        return replace(others, kept=dict([*newest, (of, draft)]))

    def without(self, of: str) -> Drafts:
        """All but that of some pictures."""
        kept = {name: draft for name, draft in self.kept.items() if name != of}
        return replace(self, kept=kept)

    def of(self, of: str) -> Draft | None:
        """What was typed for some pictures; None where all of it is saved."""
        return self.kept.get(of)

    def stands(self, of: str, text: str) -> bool:
        """Whether the editor shows that already: somebody may be typing on."""
        return bool(of) and self.standing[0] == of and is_same(self.standing[1], text)

    def said(self, shown: str) -> str:
        """A sentence on those of other pictures than are shown; empty where there are none."""
        titles = [draft.title for name, draft in self.kept.items() if name != shown]
        if not titles:
            return ""
        more = f" and {len(titles) - _NAMED:,} more" if len(titles) > _NAMED else ""
        return f"Not saved yet: {', '.join(titles[-_NAMED:])}{more}."


def is_same(text: str, other: str) -> bool:
    """Whether they are one caption: that is one line, however a box breaks it."""
    return text.split() == other.split()


def name_of(pictures: Sequence[str]) -> str:
    """A name for some pictures, which the page gives back with what was typed for them."""
    digest = hashlib.blake2b(digest_size=12)
    for picture in pictures:
        digest.update(os.fsencode(picture) + b"\0")
    return digest.hexdigest() if pictures else ""
