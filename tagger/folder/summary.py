"""What became of the pictures of a run, in numbers, with the reasons of those that failed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .wholefile import put_file


@dataclass
class Summary:
    """Counts of a run, growing while it runs.

    ignored: files that are no pictures, by extension, captions apart. unreadable: sub-folders
    that could not be listed. failures: every picture that failed. left: captions that could not
    be added to, and stayed. edited: captions that `update` left, since they are not as Tagger
    wrote them. interrupted: stopped before the end. stopped: what stopped it, if nobody did.
    """

    pictures: int = 0
    written: int = 0
    same: int = 0
    skipped: int = 0
    failures: list[tuple[Path, str]] = field(default_factory=list)
    left: list[tuple[Path, str]] = field(default_factory=list)
    edited: int = 0
    ignored: Counter[str] = field(default_factory=lambda: Counter[str]())
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    interrupted: bool = False
    stopped: str = ""

    @property
    def failed(self) -> int:
        """How many pictures failed."""
        return len(self.failures)


def write_report(summary: Summary, path: Path) -> None:
    """Write a summary with every failure as JSON. Raises CaptionError where it can't be."""
    said: dict[str, Any] = {
        "pictures": summary.pictures,
        "written": summary.written,
        "unchanged": summary.same,
        "skipped": summary.skipped - summary.edited - len(summary.left),
        "edited": summary.edited,
        "failed": summary.failed,
        "interrupted": summary.interrupted,
        "stopped": summary.stopped,
        "failures": _reasons(summary.failures),
        "left": _reasons(summary.left),
        "unreadable": _reasons(summary.unreadable),
        "ignored": dict(summary.ignored),
    }
    put_file(path, json.dumps(said, ensure_ascii=False, indent=2).encode("utf-8", "replace"))


def _reasons(pairs: Sequence[tuple[Path, str]]) -> list[dict[str, str]]:
    return [{"path": str(path), "reason": reason} for path, reason in pairs]
