"""The Hugging Face hub as its environment variables and its cache describe it; no network.

The variables and the layout of the cache are those of huggingface_hub 0.25 to 2.x. They are read
when asked for, not at import, so that a host may set them late.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import OptionError
from ..paths import expanded

_TRUE = ("1", "ON", "YES", "TRUE")


def endpoint() -> str:
    """The address of the hub, or of the mirror that HF_ENDPOINT names, without a slash.

    Raises OptionError where HF_ENDPOINT is no address.
    """
    address = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    try:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") and parts.hostname:
            return address
    except ValueError:
        pass
    raise OptionError(
        f"HF_ENDPOINT: expected an address such as https://huggingface.co, got {address!r}"
    )


def offline() -> bool:
    """Whether HF_HUB_OFFLINE forbids the network."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in _TRUE


def cache() -> Path:
    """The folder of downloaded repositories, shared with other tools."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return expanded(named) if named else _home() / "hub"


def token() -> str | None:
    """The user's access token: HF_TOKEN, or what `hf auth login` left behind."""
    named = os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN")
    if not named:
        path = os.environ.get("HF_TOKEN_PATH")
        file = expanded(path) if path else _home() / "token"
        try:
            named = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
    return named.strip() or None


def repositories(folder: Path | None = None) -> Iterator[str]:
    """The repositories of models in a cache, the user's unless another is named, by name."""
    try:
        found = sorted(entry.name for entry in os.scandir(folder or cache()))
    except OSError:
        return
    for name in found:
        kind, _, repo = name.partition("--")
        if kind == "models" and repo.count("--"):
            yield repo.replace("--", "/", 1)


def snapshots(repo: str, revision: str = "main", folder: Path | None = None) -> Iterator[Path]:
    """The cached snapshots of a repository: the revision asked for, main, then the others.

    `folder` is a cache's folder, of another tool; without it, the user's. A caller that knows
    sizes can use any of them; most repositories change their cards only.
    """
    folder = (folder or cache()) / f"models--{repo.replace('/', '--')}"
    try:
        there = folder.is_dir()  # most are not, and a WebUI's start asks for each
    except OSError:  # a cache of somebody else's
        there = False
    if not there:
        return
    wanted = [revision]
    for name in (revision, "main"):
        try:
            wanted.append((folder / "refs" / name).read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError):
            continue
    others = _newest_first(folder / "snapshots")
    named = [folder / "snapshots" / name for name in wanted if "/" not in name and name != ".."]
    yield from dict.fromkeys((*named, *others))


def _newest_first(folder: Path) -> list[Path]:
    try:
        found = [(entry.stat().st_mtime_ns, entry.path) for entry in os.scandir(folder)]
    except OSError:
        return []
    return [Path(path) for _, path in sorted(found, reverse=True)]


def _home() -> Path:
    named = os.environ.get("HF_HOME")
    if named:
        return expanded(named)
    above = os.environ.get("XDG_CACHE_HOME")
    return (Path(above) if above else Path.home() / ".cache") / "huggingface"
