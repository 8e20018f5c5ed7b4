"""The Python that trains: one of its own, made on a click under our home, or one that is named.

Never the WebUI's: what a training needs would move what the WebUI has.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ..errors import TaggerError, UsageError
from ..home import make, part
from ..paths import expanded
from . import processes
from .job import Job

NAMED = "TAGGER_TRAIN_PYTHON"
"""The variable that names an interpreter to train with."""
PACKAGE = Path(__file__).resolve().parents[1]
_NEEDED = ("torch", "timm", "safetensors", "duckdb", "pyarrow")
_ASK = f"""
import importlib.util, json, sys
wanted = {_NEEDED!r}
missing = [name for name in wanted if not importlib.util.find_spec(name)]
print(json.dumps([sys.prefix, sys.version_info[:2], missing]))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python to train with. ours: made here, of the folder that a click makes."""

    python: Path
    ours: bool


def folder() -> Path:
    """Where our own lies, or would."""
    return part("training") / "python"


def made() -> Interpreter | None:
    """Our own, once it is whole."""
    if not (folder() / "ready.json").is_file():
        return None
    python = _python_of(folder())
    return Interpreter(python, True) if python.is_file() else None


def chosen(named: str = "") -> Interpreter:
    """The Python to train with: the one named, here or by TAGGER_TRAIN_PYTHON, else our own.

    Raises:
        UsageError: no such program, the WebUI's own, or none was made yet.
    """
    text = named.strip().strip("\"'") or os.environ.get(NAMED, "").strip()
    if not text:
        ours = made()
        if ours is None:
            raise UsageError("expected a Python to train with, got none: make one above")
        return ours
    python = expanded(text)
    if python.is_dir():
        python = _python_of(python)
    if not python.is_absolute() or not python.is_file() or not os.access(python, os.X_OK):
        raise UsageError(f"{text}: expected the whole path of a Python, such as {sys.executable}")
    return Interpreter(python, False)


def check(python: Path) -> None:
    """Look whether a Python can train. Raises UsageError, which says what it lacks."""
    try:
        told = subprocess.run(
            [str(python), "-c", _ASK], capture_output=True, text=True, timeout=60, check=True,
            env=processes.environment(), stdin=subprocess.DEVNULL,
        ).stdout  # fmt: skip
        prefix, version, missing = json.loads(told.splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"{python}: no answer in a minute, the machine is busy: try again"
        ) from None
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise UsageError(f"{python}: expected a Python, got {type(error).__name__}") from error
    if os.path.realpath(prefix) == os.path.realpath(sys.prefix):
        raise UsageError(f"{python}: expected another Python than the one that runs this page")
    if tuple(version) < (3, 10):
        got = ".".join(map(str, version))
        raise UsageError(f"{python}: expected Python 3.10 or newer, got {got}")
    if missing:
        raise UsageError(
            f"{python}: expected {', '.join(_NEEDED)}, got none of {', '.join(missing)}: "
            f"install them there, or make a Python above"
        )


def set_up(job: Job) -> None:
    """Make our own, as a job: an environment, then what a training needs, by pip.

    Raises TaggerError, in pip's words, where that fails; what was made by then is taken away.
    """
    target = make(folder().parent) / "python"
    shutil.rmtree(target, ignore_errors=True)
    log = folder().parent / "python.log"
    log.unlink(missing_ok=True)
    base = getattr(sys, "_base_executable", None) or sys.executable
    try:
        job.tell(message="making an environment")
        _carry_out([base, "-m", "venv", str(target)], log, job)
        python = _python_of(target)
        said = "fetching torch and what else a training needs"
        job.tell(message=said)
        pip = [str(python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        _carry_out([*pip, "--progress-bar", "off", *requirements()], log, job, said, target)
        check(python)
        ready = {"schema": 1, "made": int(time.time()), "python": str(python)}
        (target / "ready.json").write_text(json.dumps(ready), encoding="utf-8")
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def requirements() -> list[str]:
    """What pip is asked for: this package's `train` extra, of the checkout or as installed."""
    checkout = PACKAGE.parent
    if (checkout / "pyproject.toml").is_file():
        return [f"{checkout}[train]"]
    try:
        every = metadata.requires("sd-webui-tagger") or []
    except metadata.PackageNotFoundError:
        raise UsageError("expected our list of packages, got none: name a Python instead") from None
    return sorted({*_of_extra(every, None), *_of_extra(every, "train")})


def code() -> Path:
    """A folder that holds this package alone, as it is now: what a training imports.

    A copy, so that an update of the extension does not change what runs, and so that none of the
    libraries beside an installed package are seen.
    """
    stamp = hashlib.sha256()
    for path in sorted(_files()):
        told = path.stat()
        stamp.update(f"{path.relative_to(PACKAGE)} {told.st_size} {told.st_mtime_ns}\n".encode())
    target = make(part("training") / "code") / stamp.hexdigest()[:16]
    if not target.is_dir():
        new = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.rmtree(new, ignore_errors=True)
        left = shutil.ignore_patterns("__pycache__", "*.pyc", "static")
        shutil.copytree(PACKAGE, new / "tagger", ignore=left)
        try:
            new.rename(target)
        except OSError:  # another made it meanwhile
            shutil.rmtree(new, ignore_errors=True)
    return target


def _files() -> Iterator[Path]:
    for path in PACKAGE.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            yield path


def _of_extra(every: list[str], extra: str | None) -> Iterator[str]:
    """The requirements of one extra, those of our own extras that it names among them."""
    for line in every:
        name, _, marker = line.partition(";")
        found = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", marker)
        if (found[1] if found else None) != extra:
            continue
        own = re.fullmatch(r"sd-webui-tagger\[([\w, -]+)\]\s*", name)
        if own is None:
            yield name.strip()
            continue
        for part_ in own[1].split(","):
            yield from _of_extra(every, part_.strip())


def _carry_out(
    argv: list[str], log: Path, job: Job, said: str = "", grows: Path | None = None
) -> None:
    """Run a program until it has ended or the job is cancelled; raises TaggerError if it fails."""
    try:
        process = processes.start(argv, log, processes.environment(), log.parent)
    except OSError as error:
        raise TaggerError(f"{argv[0]}: expected to run it, got {error.strerror}") from error
    try:
        while process.poll() is None:
            job.check()
            job.pause(1.0)
            if grows is not None:
                job.tell(done=_size(grows), message=said)
    except BaseException:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        raise
    if process.returncode:
        raise TaggerError(f"could not make it: {_last_error(log)}")


def _last_error(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if line.lower().startswith(("error", "fatal"))] or lines
    return errors[-1][:400] if errors else "no word of why"


def _size(folder_: Path) -> int:
    """Bytes of a folder that grows; what goes meanwhile counts nothing."""
    total, waiting = 0, [folder_]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def _python_of(environment: Path) -> Path:
    if os.name == "nt":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"
