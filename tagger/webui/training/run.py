"""One training: its folder, and how it stands.

HOME/training/runs/NAME/run           what `tagger train --out` writes
HOME/training/runs/NAME/process.json  which program it is, and how it was asked for
HOME/training/runs/NAME/log.txt       what it said
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...folder.wholefile import put_file
from ...home import part
from .. import processes
from ..following import tail

State = Literal["running", "stopping", "done", "stopped", "failed"]


@dataclass(frozen=True)
class Run:
    """One training as it is now. asked: how often Stop was pressed. said: its last word."""

    name: str
    folder: Path
    state: State
    began: float
    device: str
    dataset: str
    asked: int = 0
    said: str = ""
    joined: bool = False

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.state in ("running", "stopping")

    @property
    def run(self) -> Path:
        """The folder that the training writes."""
        return self.folder / "run"

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / "log.txt"

    @property
    def resumable(self) -> bool:
        """Whether it can go on from a checkpoint."""
        return self.state in ("stopped", "failed") and any(self.run.glob("checkpoints/last*"))


def runs() -> Path:
    """The folder of all trainings."""
    return part("training") / "runs"


def read(folder: Path) -> Run | None:
    """The training of a folder; None where it holds none that can be read."""
    about = read_about(folder)
    if about is None:
        return None
    try:
        alive = processes.is_alive(int(about["pid"]), str(about["since"]))
        argv = [str(each) for each in about["argv"]]
        asked, began = int(about.get("asked", 0)), float(about["began"])
    except (KeyError, TypeError, ValueError):
        return None
    state, said = _state(folder, alive, asked)
    return Run(
        folder.name, folder, state, began, str(about.get("device", "auto")),
        argv[0] if argv else "", asked, said, "model" in about,
    )  # fmt: skip


def read_about(folder: Path) -> Mapping[str, Any] | None:
    """Its program and how it was asked for; None where that is not there or not ours."""
    try:
        about = json.loads((folder / "process.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) and about.get("schema") == 1 else None


def write_about(folder: Path, about: Mapping[str, Any]) -> None:
    """Keep that, whole."""
    put_file(folder / "process.json", json.dumps(about, indent=2).encode())


def _state(folder: Path, alive: bool, asked: int) -> tuple[State, str]:
    if alive:
        return ("stopping" if asked else "running"), ""
    if (folder / "run" / "model" / "tagger.json").is_file():
        return "done", ""
    lines: Sequence[str] = tail(folder / "log.txt", 1)
    said = lines[0].removeprefix("tagger: ") if lines else "it ended without a word"
    return ("stopped" if asked or said.startswith("stopped") else "failed"), said
