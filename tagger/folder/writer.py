"""What is written for one picture: its caption, merged with what is there, and its scores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..caption import Caption
from ..captioner import Captioner
from ..scores import Scores
from ..settings import Folder
from .journal import Journal
from .origin import trace
from .plan import Change, Existing, Task, decide
from .recorder import FileChange
from .scorefiles import scores_change
from .sidecars import decode_caption, encode_caption, mark_of
from .wholefile import see

_EMPTY = "no tag reaches its threshold: nothing to write"


@dataclass(frozen=True)
class Outcome:
    """What became of one picture.

    change: what was done, if it came so far. caption: the new caption, with its tags. reason: why
    nothing was written; empty where the caption was written or is as it should be.
    """

    picture: Path
    change: Change | None = None
    caption: Caption | None = None
    reason: str = ""


@dataclass(frozen=True)
class Decided:
    """What becomes of one picture if its files can be written."""

    outcome: Outcome
    changes: tuple[FileChange, ...] = ()


class Writer:
    """Scores become changes of files; nothing is written here."""

    def __init__(
        self, folder: Folder, captioner: Captioner, journal: Journal, *, dry: bool = False
    ) -> None:
        """`dry`: no changes are to be done, only outcomes to be shown."""
        self._folder, self._captioner, self._journal = folder, captioner, journal
        self._dry = dry

    def decide(self, task: Task, scores: Scores) -> Decided:
        """What a picture's files should hold.

        Raises:
            CaptionError: what is there can't be read, or is somebody else's.
            StoreError: the journal can't be read, or the scores do not suffice.
        """
        decided = self._decide(task, self._captioner(scores, task.picture))
        if self._dry or not self._folder.json_sidecar:
            return decided
        beside = scores_change(task.caption, scores, self._journal)
        return Decided(decided.outcome, (*decided.changes, beside)) if beside else decided

    def _decide(self, task: Task, caption: Caption) -> Decided:
        seen = see(task.caption)
        there = self._existing(task.caption, seen.data)
        change = decide(task, there, caption, self._folder, self._captioner.settings.format)
        if change.writes and not change.after.strip():
            return Decided(Outcome(task.picture, caption=caption, reason=_EMPTY))
        outcome = Outcome(task.picture, change, caption, change.reason)
        if self._dry or not change.writes:
            return Decided(outcome)
        merged = change.kind == "update" and there.ours and there.ours.base is not None
        kind = there.ours.kind if merged and there.ours else change.kind
        after = encode_caption(change.caption, change.after)
        if seen.data and (merged or change.kind in ("append", "prepend")):
            after = mark_of(seen.data) + after  # what is added to stays byte for byte
        return Decided(outcome, (FileChange(change.caption, seen.data, after, kind, seen.stamp),))

    def _existing(self, path: Path, data: bytes | None) -> Existing:
        if data is None:
            return Existing()
        folder = self._folder
        if folder.on_existing not in ("skip", "overwrite"):
            ours = trace(self._journal, path, data, folder.encoding)
            if ours:
                return Existing(decode_caption(path, data), ours)
        # what is overwritten may be in any encoding; what is added to, or kept, may not
        strict = folder.on_existing != "overwrite"
        return Existing(decode_caption(path, data, strict=strict, encoding=folder.encoding))
