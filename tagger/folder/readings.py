"""What the captions of a folder said when they were read last, kept while their files stay.

Somebody who looks through a folder filters it again and again; a caption whose file has the size,
times and inode that it had is not opened for it again.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from ..caption import CaptionFormat
from ..errors import CaptionError
from ..paths import openable
from .sidecars import decode_caption
from .wholefile import Stamp, see, stamp_of
from .words import Reading, take_apart

MOST_BYTES = 48 << 20
"""Of all texts that are kept, a hundred and fifty thousand captions; the others are read again."""


class Said:
    """A caption's text, None without one, or why it can't be read; its tags once asked for."""

    __slots__ = ("_form", "_reading", "fault", "stamp", "text")

    def __init__(self, text: str | None, fault: str = "", stamp: Stamp | None = None) -> None:
        """`stamp`: what the file looked like, None where that does not tell of any change."""
        self.text, self.fault, self.stamp = text, fault, stamp
        self._form: CaptionFormat | None = None
        self._reading: Reading | None = None

    def read(self, form: CaptionFormat) -> Reading:
        """The caption taken apart; kept for one format, the last."""
        if self._reading is None or self._form != form:
            self._reading = take_apart(self.text or "", form)
            self._form = form
        return self._reading


def say(path: Path, encoding: str) -> Said:
    """Read a caption file, there or not."""
    try:
        seen = see(path)
        text = None if seen.data is None else decode_caption(path, seen.data, encoding=encoding)
    except CaptionError as error:
        return Said(None, str(error))
    return Said(text, "", seen.stamp)


class Readings:
    """The captions of one folder at a time. All methods may be called by any thread."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Nothing is kept yet."""
        self._most, self._bytes = most_bytes, 0
        self._of: tuple[object, ...] = ()
        self._said: dict[str, Said] = {}
        self._lock = threading.Lock()

    def begin(self, *of: object) -> None:
        """Forget everything where something else is read than the last time."""
        with self._lock:
            if of != self._of:
                self._of, self._said, self._bytes = of, {}, 0

    def say(self, path: Path, encoding: str) -> Said:
        """What a caption says now."""
        name = str(path)
        kept = self._said.get(name)
        if kept is not None:
            with suppress(OSError):
                if stamp_of(openable(path).stat()) == kept.stamp:
                    return kept
        now = say(path, encoding)
        with self._lock:
            self._keep(name, now)
        return now

    def _keep(self, name: str, now: Said) -> None:
        old = self._said.pop(name, None)
        self._bytes -= len(old.text or "") if old else 0
        size = len(now.text or "")
        if now.stamp is not None and self._bytes + size <= self._most:
            self._said[name] = now
            self._bytes += size
