"""What a plan of edits would do to a folder: counts, and some captions before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..caption import CaptionFormat
from .editing import Planned
from .words import read_words

SAMPLES = 5
"""Captions shown before and after, unless another number is asked for."""


@dataclass
class Preview:
    """Counts of a plan, growing while it is read.

    added, removed: in how many captions a tag comes or goes, by its key. left: captions that an
    edit left alone, by reason. samples: changed captions, the first ones.
    """

    captions: int = 0
    changed: int = 0
    reordered: int = 0
    added: Counter[str] = field(default_factory=lambda: Counter[str]())
    removed: Counter[str] = field(default_factory=lambda: Counter[str]())
    left: Counter[str] = field(default_factory=lambda: Counter[str]())
    samples: list[Planned] = field(default_factory=list[Planned])


def preview(
    plan: Iterable[Planned], form: CaptionFormat | None = None, samples: int = SAMPLES
) -> Preview:
    """Read a plan to its end; `samples` captions are kept."""
    form = form or CaptionFormat()
    found = Preview()
    for planned in plan:
        found.captions += 1
        if planned.reason:
            found.left[planned.reason] += 1
        if planned.writes:
            _add(found, planned, form)
            if len(found.samples) < samples:
                found.samples.append(planned)
    return found


def _add(found: Preview, planned: Planned, form: CaptionFormat) -> None:
    before = [word.key for word in planned.captioned.read(form).words]
    after = [word.key for word in read_words(planned.after, form)]
    found.changed += 1
    removed, added = _missing(before, after), _missing(after, before)
    found.removed.update(removed)
    found.added.update(added)
    found.reordered += not removed and not added


def _missing(these: list[str], those: list[str]) -> set[str]:
    """What stands more often in the one caption than in the other."""
    found = set(these).difference(those)
    if len(set(these)) < len(these):
        found.update((Counter(these) - Counter(those)).keys())
    return found
