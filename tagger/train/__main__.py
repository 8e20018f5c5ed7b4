"""`python -m tagger.train DATASET --out RUN`; `tagger train` is the same."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..argv import parse, value_of
from ..errors import TaggerError, UsageError
from ..recipes import read_recipe, recipe_defaults
from .config import TrainConfig

PROG = "python -m tagger.train"
NOT_IN_A_RECIPE = ("dataset", "out", "recipe", "config", "resume")


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
        if name := value_of(argv, flag):
            section = read_recipe(Path(name).expanduser())["train"]
            given |= recipe_defaults(TrainConfig, section, f"{name}: train", but=NOT_IN_A_RECIPE)
    if isinstance(given.get("model_args"), dict):  # a recipe may write them as names and values
        given["model_args"] = json.dumps(given["model_args"])
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


if __name__ == "__main__":
    sys.exit(main())
