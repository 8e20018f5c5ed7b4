"""What a training tells while it runs: progress.jsonl, metrics.csv and a line on the terminal."""

from __future__ import annotations

import csv
import json
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from ..errors import TaggerError
from .tracking import Tracker
from .written import cannot_write, write_text

JOURNAL, TABLE = "progress.jsonl", "metrics.csv"
ALONG = ("step", "epoch")
"""How far a training is: what its figures are drawn along."""


class Progress:
    """Writes a run's files; every record is on disk before the training goes on.

    One that is `quiet`, as in every process but the first, writes and shows nothing.
    """

    def __init__(self, folder: Path, screen: TextIO | None = None, quiet: bool = False) -> None:
        self.folder = folder
        self.screen = screen if screen is not None else sys.stderr
        self.trackers: list[Tracker] = []
        self._quiet = quiet
        self._told = 0.0

    def record(self, kind: str, **values: Any) -> None:
        """Add a line to progress.jsonl: the kind, seconds since 1970, and the values."""
        line = json.dumps({"kind": kind, "time": round(time.time(), 3), **values})
        self._append(self.folder / JOURNAL, line + "\n")

    def step(self, values: Mapping[str, float]) -> None:
        """Record the figures of a step, and tell whoever tracks."""
        self.record("step", **values)
        self._track("train", values)

    def epoch(self, values: Mapping[str, float]) -> None:
        """Add a row to metrics.csv, and to progress.jsonl, and tell whoever tracks."""
        path = self.folder / TABLE
        lines = [] if path.exists() else [",".join(values)]
        lines.append(",".join(f"{value:.6g}" for value in values.values()))
        self._append(path, "".join(f"{line}\n" for line in lines))
        self.record("epoch", **values)
        self._track("epoch", values)

    def _track(self, group: str, values: Mapping[str, float]) -> None:
        """Tell whoever tracks; what their charts lie along is no chart of its own."""
        told = {f"{group}/{k}": v for k, v in values.items() if k not in ALONG}
        for tracker in self.trackers:
            tracker.log(told, int(values["step"]))

    def picture(self, name: str, path: Path, step: int) -> None:
        """Tell whoever tracks of a picture in the run's folder."""
        for tracker in self.trackers:
            tracker.picture(name, path, step)

    def close(self) -> None:
        """Let the trackers write what they hold."""
        for tracker in self.trackers:
            tracker.close()

    def rewind(self, epoch: int, step: int) -> None:
        """Forget what was written after a checkpoint that is now gone on from."""
        if self._quiet:
            return
        _keep_lines(self.folder / JOURNAL, lambda line: _before(line, epoch, step))
        table = self.folder / TABLE
        if table.is_file():
            with table.open(newline="", encoding="utf-8") as file:
                head, *rows = [*csv.reader(file)] or [[]]
            kept = [row for row in rows if row and _number(row[0]) <= epoch]
            _rewrite(table, [",".join(row) for row in ([head, *kept] if kept else [])])

    def tell(self, what: str, done: int, total: int, after: str = "") -> None:
        """Show how far something is, at most twice a second on a terminal, else every minute."""
        pause = 0.5 if self.screen.isatty() else 60.0
        if time.monotonic() - self._told >= pause:
            self._told = time.monotonic()
            end = "" if self.screen.isatty() else "\n"
            self._write(f"{what}: {done:,} of {total:,}{after}", end)

    def say(self, sentence: str) -> None:
        """Show one line that stays."""
        self._write(sentence, "\n")

    def _append(self, path: Path, text: str) -> None:
        if self._quiet:
            return
        try:
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write(text)
        except OSError as error:
            raise TaggerError(cannot_write(path, error)) from error

    def _write(self, text: str, end: str) -> None:
        if self._quiet:
            return
        start = "\r\x1b[K" if self.screen.isatty() else ""
        self.screen.write(f"{start}{text}{end}")
        self.screen.flush()


def _before(line: str, epoch: int, step: int) -> bool:
    try:
        values = json.loads(line)
    except ValueError:  # broken off amid a line
        return False
    if not isinstance(values, dict):  # nothing of ours
        return False
    if values.get("kind") == "step":
        return _number(values.get("step")) <= step
    return values.get("kind") != "epoch" or _number(values.get("epoch")) <= epoch


def _number(value: Any) -> float:
    """As it was written; what is none comes after everything."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.inf


def _keep_lines(path: Path, keep: Any) -> None:
    if path.is_file():
        _rewrite(path, [line for line in path.read_text("utf-8").splitlines() if keep(line)])


def _rewrite(path: Path, lines: list[str]) -> None:
    if not lines:
        path.unlink()
        return
    write_text(path, "".join(f"{line}\n" for line in lines))
