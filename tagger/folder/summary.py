"""What became of the pictures of a run, in numbers, with the reasons of those that failed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import CaptionError
from ..paths import cause_of, openable
from .noted import Noted
from .wholefile import replacing


@dataclass
class Summary:
    """Counts of a run, growing while it runs.

    ignored: files that are no pictures, by extension, captions apart. unreadable: sub-folders
    that could not be listed. failures: pictures that failed. left: captions that could not be
    added to, and stayed. edited: captions that `update` left, since they are not as Tagger
    wrote them. interrupted: stopped before the end. stopped: what stopped it, if nobody did.
    """

    pictures: int = 0
    written: int = 0
    same: int = 0
    skipped: int = 0
    failures: Noted = field(default_factory=Noted)
    left: Noted = field(default_factory=Noted)
    edited: int = 0
    ignored: Counter[str] = field(default_factory=lambda: Counter[str]())
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    interrupted: bool = False
    stopped: str = ""

    @classmethod
    def whole(cls) -> Summary:
        """A summary that remembers every picture that failed or was left, for a report."""
        return cls(failures=Noted(whole=True), left=Noted(whole=True))

    @property
    def failed(self) -> int:
        """How many pictures failed."""
        return len(self.failures)


def write_report(summary: Summary, path: Path) -> None:
    """Write a summary with every failure it remembers as JSON.

    Raises CaptionError where it can't be written.
    """
    said: dict[str, Any] = {
        "pictures": summary.pictures,
        "written": summary.written,
        "unchanged": summary.same,
        "skipped": summary.skipped - summary.edited - len(summary.left),
        "edited": summary.edited,
        "failed": summary.failed,
        "interrupted": summary.interrupted,
        "stopped": summary.stopped,
        "ignored": dict(summary.ignored),
    }
    lists = {"failures": summary.failures, "left": summary.left, "unreadable": summary.unreadable}
    try:
        openable(path.parent).mkdir(parents=True, exist_ok=True)
        with replacing(path) as place, place.open("w", encoding="utf-8", errors="replace") as file:
            file.writelines(_written(said, lists))
    except OSError as error:
        raise CaptionError(f"{path}: can't be written: {cause_of(error)}") from error


def _written(said: dict[str, Any], lists: dict[str, Iterable[tuple[Path, str]]]) -> Iterator[str]:
    """The report's JSON piece by piece: a failing disk makes a million of reasons."""
    yield json.dumps(said, ensure_ascii=False, indent=2).removesuffix("\n}")
    for name, pairs in lists.items():
        yield f',\n  "{name}": ['
        for at, (path, reason) in enumerate(pairs):
            one = json.dumps({"path": str(path), "reason": reason}, ensure_ascii=False)
            yield f"{',' if at else ''}\n    {one}"
        yield "]"
    yield "\n}\n"
