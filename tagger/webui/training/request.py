"""What is asked of a training: the fields of a form, as arguments of the command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageError
from .. import interpreter

OURS = ("out", "dataset", "recipe", "from", "epochs", "batch-size", "name", "device", "resume",
        "dry-run", "print-config", "help", "config")  # fmt: skip
"""Flags that the form has, or that would make it another training than the one that is watched."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


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
