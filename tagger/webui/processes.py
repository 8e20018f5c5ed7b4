"""Programs that go on without us: started, found again after a restart, ended.

A process is known by its number and by when it began: numbers are given out again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_LEFT_OUT = (
    "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "VIRTUAL_ENV", "LD_PRELOAD",
    "TAGGER_AUTH", "GRADIO_SERVER_NAME", "COMMANDLINE_ARGS",
)  # fmt: skip
"""What belongs to the WebUI's own Python, or is nobody else's business."""


def environment(**own: str) -> dict[str, str]:
    """Our variables for a program of another Python, with some of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    return {**kept, "PYTHONNOUSERSITE": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", **own}


def start(argv: Sequence[str], log: Path, variables: Mapping[str, str], folder: Path) -> Any:
    """Start a program that outlives us and hears none of our signals; all it says goes to `log`.

    Gives subprocess's Popen. Raises OSError where there is no such program.
    """
    apart: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        apart = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    with log.open("ab") as file:
        return subprocess.Popen(
            list(argv), stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=dict(variables),
            cwd=folder, **apart,
        )  # fmt: skip


def began(pid: int) -> str:
    """When a process began, in whatever form the system tells it; empty where there is none."""
    if pid <= 0:
        return ""
    if os.name == "nt":
        return _began_on_windows(pid)
    if sys.platform == "linux":
        return _began_on_linux(pid)
    told = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return told[1].strip() if len(told) == 2 and not told[0].startswith("Z") else ""


def is_alive(pid: int, since: str) -> bool:
    """Whether the process of this number is the one that began then, and has not ended."""
    return bool(since) and began(pid) == since


def end(pid: int, since: str, *, at_once: bool = False) -> None:
    """Ask a process to end, as Ctrl-C would, or end it; nothing where it is another one."""
    if not is_alive(pid, since):
        return
    hard = getattr(signal, "SIGKILL", signal.SIGTERM)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, hard if at_once else signal.SIGTERM)


def _began_on_linux(pid: int) -> str:
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = told.rpartition(")")[2].split()  # a program's name may hold anything
    return "" if fields[0] in ("Z", "X") else fields[19]


def _began_on_windows(pid: int) -> str:
    import ctypes

    windows: Any = ctypes.windll  # pyright: ignore[reportAttributeAccessIssue]
    handle = windows.kernel32.OpenProcess(0x1000, False, pid)  # to ask, no more
    if not handle:
        return ""
    times = [ctypes.c_ulonglong() for _ in range(4)]
    status = ctypes.c_ulong()
    try:
        told = windows.kernel32.GetProcessTimes(handle, *map(ctypes.byref, times))
        windows.kernel32.GetExitCodeProcess(handle, ctypes.byref(status))
    finally:
        windows.kernel32.CloseHandle(handle)
    still_active = 259
    return str(times[0].value) if told and status.value == still_active else ""
