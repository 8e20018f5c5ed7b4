"""`python -m tagger.train` as a program: its command, and what it says of its arguments."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ...errors import UsageError
from ...home import home, make
from ...paths import cause_of
from .. import interpreter, processes
from .request import Request
from .run import runs

CHECK_S, ASK_S = 180.0, 60.0
"""How long a training may take to say what it makes of its arguments: asked for it, and in passing
before it starts. Most of it is torch's import, a minute or more on a busy machine."""


class UnansweredError(UsageError):
    """A training that did not say in time what it makes of its arguments: it may still be fine."""


def command(python: Path) -> list[str]:
    """How a training is begun, before its arguments."""
    return [str(python), "-m", "tagger.train"]


def variables() -> dict[str, str]:
    """Its environment: ours, without what is meant for the host's Python."""
    return processes.environment(PYTHONPATH=str(interpreter.code()), TAGGER_HOME=str(home()))


def rehearse(request: Request, python: Path, patience: float = CHECK_S) -> str:
    """What the training itself says of its arguments, by `--dry-run`; nothing is written.

    Raises:
        UsageError: it refuses them, in its own words.
        UnansweredError: it did not say within `patience` seconds.
    """
    argv = [*command(python), *request.argv(runs() / request.name / "run"), "--dry-run"]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=patience, check=False,
            stdin=subprocess.DEVNULL, env=variables(), cwd=make(runs()),
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
