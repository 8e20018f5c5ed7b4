"""All trainings of our home: begun, watched, stopped, gone on with."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ...errors import UsageError
from ...home import make, part
from .. import processes
from ..following import Follower
from .program import command, variables
from .request import Request
from .run import Run, read, read_about, runs, write_about


class Trainings:
    """The trainings of our home, of this process and of those before. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._followers: dict[Path, Follower] = {}
        self._ours: dict[Path, subprocess.Popen[bytes]] = {}

    def list(self) -> tuple[Run, ...]:
        """Every training, the newest first."""
        found = [read(path.parent) for path in runs().glob("*/process.json")]
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

    def start(self, request: Request, python: Path, room: Callable[[], None]) -> Run:
        """Start a training; `room` is called once it is sure to begin.

        Raises:
            UsageError: another runs on that device, or the name is taken.
        """
        folder = runs() / request.name
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
        about = read_about(run.folder) or {}
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
        about = read_about(run.folder)
        if about is None or not run.live:
            return
        pid, since, asked = int(about["pid"]), str(about["since"]), int(about.get("asked", 0)) + 1
        if asked == 1 and run.run.is_dir():
            (run.run / "stop").touch()
        else:
            processes.end(pid, since, at_once=asked > 2)
        write_about(run.folder, {**about, "asked": max(asked, 1 if run.run.is_dir() else 2)})

    def join(self, run: Run) -> bool:
        """Put a finished training's model among the models; whether it was not there before."""
        model, about = run.run / "model", read_about(run.folder)
        if run.state != "done" or run.joined or about is None:
            return False
        target = make(part("models")) / _free_name(run.name)
        new = target.with_name(f".{target.name}.new")
        with self._lock:
            shutil.rmtree(new, ignore_errors=True)
            shutil.copytree(model, new)
            new.rename(target)
            write_about(run.folder, {**about, "model": target.name})
        return True

    # the parts

    def _begin(self, folder: Path, argv: list[str], python: Path, device: str) -> Run:
        make(folder)
        log = folder / "log.txt"
        log.unlink(missing_ok=True)
        try:
            process = processes.start([*command(python), *argv], log, variables(), folder)
        except OSError as error:
            raise UsageError(f"{python}: expected to run it, got {error.strerror}") from error
        about = {
            "schema": 1, "pid": process.pid, "since": processes.began(process.pid),
            "began": time.time(), "python": str(python), "argv": argv, "device": device, "asked": 0,
        }  # fmt: skip
        write_about(folder, about)
        self._ours[folder] = process
        threading.Thread(target=process.wait, name="tagger-training", daemon=True).start()
        run = read(folder)
        assert run is not None
        return run

    def _check_free(self, device: str) -> None:
        for other in self.list():
            if other.live and ("auto" in (device, other.device) or other.device == device):
                raise UsageError(
                    f"{other.name}: expected no other training on {device}, got one that runs: "
                    f"stop it first"
                )


def _free_name(name: str) -> str:
    taken = {path.name for path in part("models").glob("*")}
    names = [name, *(f"{name}-{number}" for number in range(2, 1000))]
    return next(each for each in names if each not in taken)
