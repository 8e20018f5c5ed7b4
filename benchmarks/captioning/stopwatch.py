"""When each caption was there, what it cost, and how much memory that took; standard library only.

Runs in the interpreter of every contestant, so it must not import anything of Tagger's.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path


class Stopwatch:
    """Marks of one process and its children: (seconds since 1970, CPU-seconds so far)."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, float]] = []
        self.peak_kb = 0

    def mark(self, pictures: int = 1) -> None:
        """So many more captions are there."""
        children = [pid for pid in _children() if _state(pid)]
        cpu = time.process_time() + sum(map(_cpu, children))
        self.marks += [(time.time(), cpu)] * pictures
        self.peak_kb = max(self.peak_kb, _peak("self") + sum(_peak(pid) for pid in children))

    def report(self) -> None:
        """Print the marks as the last line, for the process that started this one."""
        self.mark(0)
        print("\n" + json.dumps({"marks": self.marks, "peak_kb": self.peak_kb}), flush=True)


def arguments(description: str | None) -> argparse.ArgumentParser:
    """What every runner is told: a model's folder, a folder of pictures, and its own options."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    return parser


def pictures(folder: Path) -> list[Path]:
    """The pictures of a folder, in one order for everybody."""
    return sorted(path for path in folder.iterdir() if path.suffix != ".txt")


def write_caption(path: Path, tags: Iterable[str]) -> None:
    """Write tags beside a picture, for contestants that are libraries."""
    path.with_suffix(".txt").write_text(", ".join(tags), encoding="utf-8")


def _children() -> list[str]:
    tasks = Path("/proc/self/task")
    found = [path.read_text() for path in tasks.glob("*/children")] if tasks.exists() else []
    return " ".join(found).split()


def _state(pid: str) -> bool:
    return Path("/proc", pid, "stat").exists()


def _cpu(pid: str) -> float:
    try:
        after_name = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:  # gone meanwhile
        return 0.0


def _peak(pid: str) -> int:
    """Most memory of a process so far, in kB; `ru_maxrss` would begin with its parent's."""
    try:
        status = Path("/proc", pid, "status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError):
        return 0
