"""What a WebUI's flags say of who may come in: users and passwords, and whether others reach it.

`Flag` looks one up by its name and gives None where the host has no such flag.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..paths import expanded
from .host import Credentials

Flag = Callable[[str], Any]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TUNNELS = ("share", "listen", "ngrok", "subpath", "cloudflared", "localhostrun", "remotemoe")
"""Flags of the hosts, and of extensions for such, that make them reachable; a sub-path is served
by a proxy."""


def credentials(flag: Flag) -> Credentials:
    """Of `--api-auth`; without it those of the page, SD.Next's `--auth` among them."""
    pairs = _pairs(flag("api_auth"))
    if pairs:
        return pairs
    lines = [flag("gradio_auth"), flag("auth")]
    for name in ("gradio_auth_path", "auth_file"):
        if path := flag(name):
            lines += Path(path).read_text(encoding="utf-8").splitlines()
    return tuple(pair for line in lines for pair in _pairs(line))


def exposed(flag: Flag) -> bool:
    """Whether a flag, or a variable of gradio's, opens it; or it says not where it listens."""
    if any(flag(name) for name in _TUNNELS) or _set("GRADIO_SHARE"):
        return True
    server = flag("server_name")
    if not server and flag("nowebui"):  # uvicorn alone then listens everywhere
        return True
    return (server or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1") not in _LOOPBACK


def roots(flag: Flag) -> tuple[Path, ...] | None:
    """What `--tagger-root` names; without it all, or where others reach it none."""
    named = flag("tagger_root") or ()
    if named:
        return tuple(Path(os.path.realpath(expanded(root))) for root in named)
    return () if exposed(flag) else None


def _pairs(text: str | None) -> Credentials:
    """`user:password,user:password`; one without a colon is a user whose password is empty."""
    entries = (entry.strip() for entry in (text or "").strip().strip('"').split(","))
    halves = (entry.partition(":") for entry in entries if entry)
    return tuple((user, password) for user, _, password in halves)


def _set(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() in ("1", "true", "yes")
