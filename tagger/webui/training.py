"""Trainings: each a program of its own, in a folder of our home; started, watched, stopped.

Nothing of a training is imported here. It is told by its arguments and by the file `stop`, and
heard through the files of its run, so that it goes on whatever becomes of this process.

    HOME/training/runs/NAME/run           what `tagger train --out` writes
    HOME/training/runs/NAME/process.json  which program it is, and how it was asked for
    HOME/training/runs/NAME/log.txt       what it said
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import UsageError
from ..folder.wholefile import put_file
from ..home import make, part
from ..paths import cause_of
from . import interpreter, processes
from .following import Follower, tail

State = Literal["running", "stopping", "done", "stopped", "failed"]
OURS = ("out", "dataset", "recipe", "from", "epochs", "batch-size", "name", "device", "resume",
        "dry-run", "print-config", "help", "config")  # fmt: skip
"""Flags that the form has, or that would make it another training than the one that is watched."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
CHECK_S, ASK_S = 180.0, 60.0
"""How long a training may take to say what it makes of its arguments: asked for it, and in passing
before it starts. Most of it is torch's import, a minute or more on a busy machine."""


class UnansweredError(UsageError):
    """A training that did not say in time what it makes of its arguments: it may still be fine."""


@dataclass(frozen=True)
class Request:
    """What is asked of a training: `dataset` is a path that was checked.

    recipe, former, device: empty for none. epochs, batch_size: 0 for the recipe's. more: further
    flags, as on a command line.
    """

    dataset: Path
    name: str
    recipe: str = ""
    former: str = ""
    epochs: int = 0
    batch_size: int = 0
    device: str = "auto"
    more: tuple[str, ...] = ()

    def argv(self, run: Path) -> list[str]:
        """The arguments of `python -m tagger.train`."""
        given = [str(self.dataset), "--out", str(run), "--name", self.name]
        for flag, value in (
            ("--recipe", self.recipe),
            ("--from", self.former),
            ("--epochs", self.epochs),
            ("--batch-size", self.batch_size),
            ("--device", "" if self.device == "auto" else self.device),
        ):
            given += [flag, str(value)] if value else []
        return [*given, *self.more]


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


class Trainings:
    """The trainings of our home, of this process and of those before. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._followers: dict[Path, Follower] = {}
        self._ours: dict[Path, subprocess.Popen[bytes]] = {}

    def list(self) -> tuple[Run, ...]:
        """Every training, the newest first."""
        found = [self._read(path.parent) for path in _runs().glob("*/process.json")]
        return tuple(sorted((run for run in found if run), key=lambda run: -run.began))

    def find(self, name: str) -> Run | None:
        """A training by its name; the newest for an empty one; None where there is none."""
        return next((run for run in self.list() if name in ("", run.name)), None)

    def follow(self, run: Run) -> Follower:
        """Its figures, read as far as they are written."""
        with self._lock:
            follower = self._followers.setdefault(run.run, Follower(run.run))
            follower.look()
            return follower

    def rehearse(self, request: Request, python: Path, patience: float = CHECK_S) -> str:
        """What the training itself says of its arguments, by `--dry-run`; nothing is written.

        Raises:
            UsageError: it refuses them, in its own words.
            UnansweredError: it did not say within `patience` seconds.
        """
        argv = [*_command(python), *request.argv(_runs() / request.name / "run"), "--dry-run"]
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=patience, check=False,
                stdin=subprocess.DEVNULL, env=_variables(), cwd=make(_runs()),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise UnansweredError(
                f"no answer after {patience:.0f} seconds: the machine is busy, or a step of this "
                f"network takes long. Nothing was found against it: Start begins it all the same"
            ) from None
        except OSError as error:
            raise UsageError(f"{python}: expected to run it, got {cause_of(error)}") from error
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            said = lines[-1].removeprefix("tagger: ") if lines else f"code {done.returncode}"
            raise UsageError(f"the training refuses: {said[:1000]}")
        return done.stdout[:20_000]

    def start(self, request: Request, python: Path, room: Callable[[], None]) -> Run:
        """Start a training; `room` is called once it is sure to begin.

        Raises:
            UsageError: another runs on that device, or the name is taken.
        """
        folder = _runs() / request.name
        with self._lock:
            self._check_free(request.device)
            if folder.exists() and any(folder.iterdir()):
                raise UsageError(f"{request.name}: expected a new name, got one that is taken")
            room()
            return self._begin(folder, request.argv(folder / "run"), python, request.device)

    def resume(self, run: Run, room: Callable[[], None]) -> Run:
        """Let a training that was stopped go on from its last checkpoint.

        Raises UsageError as `start` does.
        """
        about = _about(run.folder) or {}
        argv = [str(each) for each in about.get("argv", ())]
        python = Path(str(about.get("python", "")))
        if not run.resumable or not argv or not python.is_file():
            raise UsageError(f"{run.name}: expected a training that was stopped, got none to go on")
        with self._lock:
            self._check_free(run.device)
            room()
            argv = [each for each in argv if each != "--resume"]
            return self._begin(run.folder, [*argv, "--resume"], python, run.device)

    def stop(self, run: Run) -> None:
        """Ask it to end with a model; asked again, to end at its next step; a third time, end it.

        The first leaves a file, the second sends a signal: after that it can go on again.
        """
        about = _about(run.folder)
        if about is None or not run.live:
            return
        pid, since, asked = int(about["pid"]), str(about["since"]), int(about.get("asked", 0)) + 1
        if asked == 1 and run.run.is_dir():
            (run.run / "stop").touch()
        else:
            processes.end(pid, since, at_once=asked > 2)
        _write(run.folder, {**about, "asked": max(asked, 1 if run.run.is_dir() else 2)})

    def join(self, run: Run) -> bool:
        """Put a finished training's model among the models; whether it was not there before."""
        model, about = run.run / "model", _about(run.folder)
        if run.state != "done" or run.joined or about is None:
            return False
        target = make(part("models")) / _free_name(run.name)
        new = target.with_name(f".{target.name}.new")
        with self._lock:
            shutil.rmtree(new, ignore_errors=True)
            shutil.copytree(model, new)
            new.rename(target)
            _write(run.folder, {**about, "model": target.name})
        return True

    # the parts

    def _begin(self, folder: Path, argv: list[str], python: Path, device: str) -> Run:
        make(folder)
        log = folder / "log.txt"
        log.unlink(missing_ok=True)
        try:
            process = processes.start([*_command(python), *argv], log, _variables(), folder)
        except OSError as error:
            raise UsageError(f"{python}: expected to run it, got {error.strerror}") from error
        about = {
            "schema": 1, "pid": process.pid, "since": processes.began(process.pid),
            "began": time.time(), "python": str(python), "argv": argv, "device": device, "asked": 0,
        }  # fmt: skip
        _write(folder, about)
        self._ours[folder] = process
        threading.Thread(target=process.wait, name="tagger-training", daemon=True).start()
        run = self._read(folder)
        assert run is not None
        return run

    def _check_free(self, device: str) -> None:
        for other in self.list():
            if other.live and ("auto" in (device, other.device) or other.device == device):
                raise UsageError(
                    f"{other.name}: expected no other training on {device}, got one that runs: "
                    f"stop it first"
                )

    def _read(self, folder: Path) -> Run | None:
        about = _about(folder)
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


def read_flags(text: str, check_path: Callable[[str], Path] | None) -> tuple[str, ...]:
    """Further flags as they were typed, taken apart as a shell does.

    `check_path` refuses paths that may not be touched; None where all may.

    Raises:
        UsageError: quotes that do not match, a flag that the form has, a path that is not open.
    """
    try:
        words = shlex.split(text or "", comments=False)
    except ValueError as error:
        raise UsageError(f"further flags: expected quotes in pairs, got {error}") from None
    for word in words:
        flag, _, value = word.partition("=")
        name = flag.removeprefix("--").replace("_", "-")
        if flag.startswith("--") and name and any(each.startswith(name) for each in OURS):
            raise UsageError(f"further flags: expected none that the form has, got {flag}")
        if word.startswith("@") or "\0" in word:
            raise UsageError(f"further flags: expected flags and values, got {word[:60]!r}")
        if check_path is not None:
            _check_word(value or ("" if flag.startswith("--") else word), check_path)
    return tuple(words)


def _check_word(value: str, check_path: Callable[[str], Path]) -> None:
    if value.startswith(("/", "~", "\\", ".")) or re.match(r"[A-Za-z]:", value) or "/" in value:
        check_path(value)


def check_name(name: str) -> str:
    """A training's name as a folder's. Raises UsageError."""
    plain = name.strip()
    if not NAME.fullmatch(plain) or plain.endswith("."):
        raise UsageError(f"Name: expected letters, digits, _ . and -, at most 64, got {name!r:.80}")
    return plain


def recipes() -> list[str]:
    """The names of the recipes that come with this package."""
    return sorted(path.stem for path in (interpreter.PACKAGE / "recipes").glob("*.yaml"))


def _runs() -> Path:
    return part("training") / "runs"


def _command(python: Path) -> list[str]:
    return [str(python), "-m", "tagger.train"]


def _variables() -> dict[str, str]:
    from ..home import home

    return processes.environment(PYTHONPATH=str(interpreter.code()), TAGGER_HOME=str(home()))


def _about(folder: Path) -> Mapping[str, Any] | None:
    try:
        about = json.loads((folder / "process.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) and about.get("schema") == 1 else None


def _write(folder: Path, about: Mapping[str, Any]) -> None:
    put_file(folder / "process.json", json.dumps(about, indent=2).encode())


def _state(folder: Path, alive: bool, asked: int) -> tuple[State, str]:
    if alive:
        return ("stopping" if asked else "running"), ""
    if (folder / "run" / "model" / "tagger.json").is_file():
        return "done", ""
    lines: Sequence[str] = tail(folder / "log.txt", 1)
    said = lines[0].removeprefix("tagger: ") if lines else "it ended without a word"
    return ("stopped" if asked or said.startswith("stopped") else "failed"), said


def _free_name(name: str) -> str:
    taken = {path.name for path in part("models").glob("*")}
    names = [name, *(f"{name}-{number}" for number in range(2, 1000))]
    return next(each for each in names if each not in taken)
