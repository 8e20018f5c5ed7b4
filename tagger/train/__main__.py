"""`python -m tagger.train DATASET --out RUN`; `tagger train` is the same."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..argv import parse
from ..errors import TaggerError, UsageError
from ..recipes import read_recipe
from .config import TrainConfig, defaults

PROG = "python -m tagger.train"


def run(argv: Sequence[str], prog: str = PROG) -> int:
    """Train as the arguments say; 0 when the model folder is written.

    Raises TaggerError, one sentence, for everything that a person can act on.
    """
    config = read_arguments(argv, prog)
    from .loop import train  # torch takes a second to import: --help needs none

    train(config)
    return 0


def read_arguments(argv: Sequence[str], prog: str = PROG) -> TrainConfig:
    """The settings of a command line, over those of --config, over those of --recipe."""
    given: dict[str, Any] = {}
    for flag in ("--recipe", "--config"):
        name = _value(argv, flag)
        if name:
            given |= defaults(read_recipe(name)["train"], name)
    return parse(TrainConfig, argv, prog, positional=("dataset",), defaults=given)


def main() -> int:
    """Run on this process's arguments; errors are one line on stderr."""
    try:
        return run(sys.argv[1:])
    except TaggerError as error:
        sys.stderr.write(f"tagger: {' '.join(str(error).split())}\n")
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        sys.stderr.write("tagger: stopped; --resume continues from the last epoch\n")
        return 130


def _value(argv: Sequence[str], flag: str) -> str | None:
    """What stands after a flag, before anything is parsed: it decides the defaults."""
    for place, word in enumerate(argv):
        if word == flag and place + 1 < len(argv):
            return (
                str(Path(argv[place + 1]).expanduser()) if flag == "--config" else argv[place + 1]
            )
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return None


if __name__ == "__main__":
    sys.exit(main())
