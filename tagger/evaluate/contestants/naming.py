"""A word of the command line -> a contestant.

demo, ./folder, owner/name        a model
./folder with .txt, captions:PATH captions
./scores.parquet, scores:PATH     scores that were kept
http://host:7860#model            a server, and which of its models
NAME=any of these                 called NAME in this comparison
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import ModelError, UsageError
from ...models.registry import default_registry
from ...paths import expanded
from ...settings import Runtime
from .captions import CaptionContestant
from .contestant import Contestant
from .control import NAME as CONTROL
from .models import ModelContestant
from .scorefiles import SidecarContestant, TableContestant
from .server import ServerContestant

_NAMED = re.compile(r"([\w][\w .+-]*)=(.+)", re.DOTALL)
_KINDS = ("model", "captions", "scores")


def find_contestants(
    words: Sequence[str],
    runtime: Runtime,
    timeout: float = 120.0,
    auth: tuple[str, str] | None = None,
) -> list[Contestant]:
    """The contestants of these words, nothing loaded, each under a name of its own.

    Raises UsageError, naming the word.
    """
    if not words:
        raise UsageError("--contestant: expected one at least, got none")
    found = [_find(word, runtime, timeout, auth) for word in words]
    names = [each.about.name for each in found]
    twice = next((name for name in names if names.count(name) > 1 or name == CONTROL), None)
    if twice is not None:
        raise UsageError(
            f"--contestant: expected each under a name of its own, got {twice} twice: write "
            f"NAME={found[names.index(twice)].about.source}"
        )
    return found


def _find(word: str, runtime: Runtime, timeout: float, auth: tuple[str, str] | None) -> Contestant:
    named = None if "://" in word.partition("=")[0] else _NAMED.fullmatch(word)
    name, source = named.groups() if named and not Path(word).exists() else ("", word)
    if source.startswith(("http://", "https://")):
        return ServerContestant(name, source, timeout, auth)
    kind, colon, rest = source.partition(":")
    if colon and kind in _KINDS:
        return _OF[kind](name, rest, runtime)
    return _OF[_kind(expanded(source))](name, source, runtime)


def _kind(path: Path) -> str:
    """What lies at a path; a word that is none is the name of a model."""
    if path.is_file() and path.suffix.lower() == ".parquet":
        return "scores"
    if not path.is_dir() or _is_model(path):
        return "model"
    if any(path.rglob("*.txt")):
        return "captions"
    if any(path.rglob("*.json")):
        return "scores"
    raise UsageError(f"{path}: expected a model, captions or scores in the folder, got none")


def _is_model(folder: Path) -> bool:
    try:
        return default_registry().find(str(folder), allow_paths=True).on_disk
    except ModelError:
        return False


def _scores(name: str, source: str, runtime: Runtime) -> Contestant:
    path = expanded(source)
    return TableContestant(name, path) if path.is_file() else SidecarContestant(name, path)


def _captions(name: str, source: str, runtime: Runtime) -> Contestant:
    return CaptionContestant(name, expanded(source))


_OF: dict[str, Any] = {"model": ModelContestant, "captions": _captions, "scores": _scores}
