"""Edit the captions of a folder: planned, shown, then applied through the journal.

Nothing is kept in memory but counts: the plan is read from the disk again when it is applied.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from ..caption import CaptionFormat
from ..errors import CaptionError
from .captions import Captioned, Captions
from .corpus import ByFrequency, Common, CorpusEdit, Rare, Traits
from .edit import Edit, edit_caption
from .journal import FileChange, Recorder
from .matching import Facts, Matcher
from .sidecars import decode_caption, mark_of
from .wholefile import see
from .words import NOTHING, Words, read_words, why_left

AT_ONCE = 128
"""Captions that are recorded, then written, together."""
_CORPUS_EDITS = (Rare, Common, ByFrequency, Traits)


@dataclass(frozen=True)
class Rules:
    """What is done, and to which captions.

    selected: which pictures are meant; None: all. known: keys of tags, which are no sentences
    however long they are.
    """

    edits: Sequence[Edit | CorpusEdit] = ()
    selected: Matcher | None = None
    form: CaptionFormat = field(default_factory=CaptionFormat)
    known: Set[str] = NOTHING


@dataclass(frozen=True)
class Planned:
    """What becomes of one caption. reason: why an edit left it alone, else empty."""

    captioned: Captioned
    after: str
    reason: str = ""

    @property
    def before(self) -> str:
        """The text that is there."""
        return self.captioned.text or ""

    @property
    def writes(self) -> bool:
        """Whether the file will be another."""
        return self.after != self.before


class EditPlan:
    """What some edits do to the captions of folders. Iterate as often as needed.

    Attributes:
        edits: with the counts of the folder taken where an edit asks for them.
        encoding: what the captions that are there are in; they are written as UTF-8.
        unread: captions that could not be read, and sub-folders that could not be listed, in the
            last iteration, each with the reason.
        without: pictures without a caption, of those that are meant, in the last iteration.
    """

    def __init__(self, captions: Captions, rules: Rules) -> None:
        """Raises OptionError for edits that can't be done here, UsageError where no picture is."""
        self._captions = captions
        self._rules = rules
        self.encoding = captions.folder.encoding
        self.unread: list[tuple[Path, str]] = []
        self.without = 0
        self.edits: list[Edit] = []
        for each in rules.edits:
            if isinstance(each, _CORPUS_EDITS):
                each = each.resolve(self._counted())
            self.edits.append(each)

    def __iter__(self) -> Iterator[Planned]:
        self.unread.clear()
        self.without = 0
        form, known = self._rules.form, self._rules.known
        for captioned in self._captions:
            if captioned.fault:
                self.unread.append((captioned.caption, captioned.fault))
            elif self._rules.selected is None or any(selected(captioned, self._rules)):
                if captioned.text is None or not captioned.text.strip():
                    self.without += len(captioned.pictures)
                    continue
                read = captioned.read(form)
                done = edit_caption(captioned.text, self.edits, form, known, read)
                yield Planned(captioned, done.text, done.reason)
        self.unread += self._captions.unreadable

    def _counted(self) -> Iterator[Words]:
        """The tags of each caption as the edits so far leave them."""
        form, known = self._rules.form, self._rules.known
        for planned in self:
            if not why_left(planned.after, form, known):
                yield read_words(planned.after, form)


def selected(captioned: Captioned, rules: Rules) -> list[bool]:
    """Tell for each picture of a caption whether it is meant."""
    if rules.selected is None:
        return [True] * len(captioned.pictures)
    keys = [word.key for word in captioned.read(rules.form).words]
    facts = (Facts(picture, captioned.root, keys) for picture in captioned.pictures)
    return list(map(rules.selected, facts))


def apply_edits(plan: EditPlan, recorder: Recorder) -> Iterator[tuple[Path, str]]:
    """Write what is planned, each through the journal; gives each caption with why it failed.

    The reason is empty where it was written.

    Raises:
        StoreError: a change can't be recorded, so it was not done.
    """
    writes = (planned for planned in plan if planned.writes)
    while group := list(itertools.islice(writes, AT_ONCE)):
        yield from _apply(group, plan.encoding, recorder)


def _apply(
    group: Sequence[Planned], encoding: str, recorder: Recorder
) -> Iterator[tuple[Path, str]]:
    """Write some captions: recorded together, then written side by side."""
    changes: list[FileChange] = []
    for planned in group:
        try:
            changes.append(_change(planned, encoding))
        except CaptionError as error:
            yield planned.captioned.caption, str(error)
    for change, error in zip(changes, recorder.apply_all(changes), strict=True):
        yield change.path, str(error or "")


def _change(planned: Planned, encoding: str) -> FileChange:
    """The bytes before and after, these in UTF-8; a BOM of UTF-8 stays."""
    path = planned.captioned.caption
    seen = see(path)
    before = seen.data or b""
    if decode_caption(path, before, encoding=encoding) != planned.before:
        raise CaptionError(f"{path}: changed by somebody meanwhile: left as it is")
    return FileChange(
        path, before, mark_of(before) + planned.after.encode("utf-8"), "edit", seen.stamp
    )
