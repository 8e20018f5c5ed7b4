"""Which part of a caption is Tagger's, and which somebody wrote: by the journal."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from .journal import Journal
from .plan import Kind, Ours
from .sidecars import decode_caption

_ADDS = ("append", "prepend")


def trace(journal: Journal, path: Path, content: bytes, encoding: str) -> Ours | None:
    """What Tagger did to a caption file of these bytes; None if they are not as it left them.

    Several runs may have added to one text: what it was before the first of them is the base.

    Raises:
        StoreError: the journal can't be read.
        CaptionError: the base is in another encoding.
    """
    written = last = journal.wrote(path, content)
    if written is None or last is None:
        return None
    while written.kind in _ADDS and written.before is not None:
        base = written.before
        written = journal.wrote(path, base, before=written.number)
        if written is None:
            return Ours(decode_caption(path, base, encoding=encoding), cast("Kind", last.kind))
    return Ours(None, cast("Kind", last.kind))
