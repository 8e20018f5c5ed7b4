"""What a training tells while it runs: progress.jsonl, metrics.csv and a line on the terminal."""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path
from typing import Any, TextIO


class Progress:
    """Writes a run's files; every record is on disk before the training goes on."""

    def __init__(self, folder: Path, screen: TextIO | None = None) -> None:
        self.folder = folder
        self.screen = screen if screen is not None else sys.stderr
        self._told = 0.0

    def record(self, kind: str, **values: Any) -> None:
        """Add a line to progress.jsonl: the kind, seconds since 1970, and the values."""
        line = json.dumps({"kind": kind, "time": round(time.time(), 3), **values})
        with (self.folder / "progress.jsonl").open("a", encoding="utf-8", newline="\n") as file:
            file.write(line + "\n")

    def epoch(self, values: dict[str, float]) -> None:
        """Add a row to metrics.csv, and to progress.jsonl."""
        path = self.folder / "metrics.csv"
        first = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            if first:
                rows.writerow(values)
            rows.writerow([f"{value:.6g}" for value in values.values()])
        self.record("epoch", **values)

    def tell(self, what: str, done: int, total: int) -> None:
        """Show how far something is, at most twice a second on a terminal, else every minute."""
        pause = 0.5 if self.screen.isatty() else 60.0
        if time.monotonic() - self._told >= pause:
            self._told = time.monotonic()
            end = "" if self.screen.isatty() else "\n"
            self._write(f"{what}: {done:,} of {total:,}", end)

    def say(self, sentence: str) -> None:
        """Show one line that stays."""
        self._write(sentence, "\n")

    def _write(self, text: str, end: str) -> None:
        start = "\r\x1b[K" if self.screen.isatty() else ""
        self.screen.write(f"{start}{text}{end}")
        self.screen.flush()
