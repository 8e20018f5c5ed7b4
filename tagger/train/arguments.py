"""The command line of a training: its flags over --config over --recipe, as YAML too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import recipes
from ..argv import parse, value_of
from ..errors import UsageError
from ..groups import members, settings
from ..paths import cause_of, expanded
from .config import COMMON, TrainConfig

NOT_IN_A_RECIPE = tuple(each.name for each in members(TrainConfig)[""])
"""What belongs to one training alone."""
NOT_IN_A_RUN = tuple(name for name in NOT_IN_A_RECIPE if name != "dataset")
NEEDS_NO_RUN = ("--print-config", "--dry-run", "--show-augmentation")
INDEX = "index.parquet"
"""What every DATASET has."""
JSON = "JSON"
"""The metavar of a setting that is structured: values in YAML, JSON on the command line."""

_AS_WRITTEN = {"from": "from_"}
"""Settings whose names Python keeps for itself, as YAML and flags have them."""


def read_arguments(argv: Sequence[str], prog: str) -> TrainConfig:
    """The settings of a command line, over those of --config, over those of --recipe.

    Raises OptionError, one sentence, for what can't be.
    """
    words = {word.partition("=")[0] for word in argv}
    given = _of_the_run(argv) if "--resume" in words else {}
    for flag in ("--recipe", "--config"):
        if name := value_of(argv, flag):
            section = recipes.read_recipe(expanded(name))["train"]
            section = {_AS_WRITTEN.get(str(k), k): v for k, v in section.items()}
            where = f"{name}: train"
            given |= recipes.recipe_defaults(TrainConfig, section, where, but=NOT_IN_A_RECIPE)
    structured = _structured()
    given = {k: _as_text(v) if k in structured else v for k, v in given.items()}
    if words & set(NEEDS_NO_RUN):
        given = {"out": Path("RUN"), **given}
    if "--print-config" in words:
        given = {"dataset": Path("DATASET"), **given}
    return parse(TrainConfig, argv, prog, positional=("dataset",), defaults=given, common=COMMON)


def _of_the_run(argv: Sequence[str]) -> dict[str, Any]:
    """The settings of the run that is gone on with; none where there is no such run yet."""
    path = Path(value_of(argv, "--out") or ".") / "run.json"
    try:
        found = dict(json.loads(path.read_text("utf-8"))["config"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        if any((Path(word) / INDEX).is_file() for word in argv):
            return {}  # the training says what is wrong with it, or begins
        got = cause_of(error) if isinstance(error, OSError) else "one without its settings"
        raise UsageError(
            f"{path}: expected the run to --resume, got {got}: name its folder by --out"
        ) from error
    kept = {each.name: each.type for each in settings(TrainConfig)}
    own = {k: v for k, v in found.items() if k in kept and k not in NOT_IN_A_RUN}
    paths = {k for k, kind in kept.items() if "Path" in str(kind)}
    values = {k: Path(v) if k in paths and v else v for k, v in own.items()}
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


def as_yaml(config: TrainConfig) -> str:
    """Every setting as a YAML file that --config reads."""
    values = {k: v for k, v in config.plain().items() if k not in NOT_IN_A_RECIPE}
    section = {k: json.loads(v) if k in _structured() and v else v for k, v in values.items()}
    section = {k.rstrip("_"): v for k, v in section.items()}
    return recipes.as_yaml("train", section)


def _structured() -> set[str]:
    return {each.name for each in settings(TrainConfig) if each.metavar == JSON}


def _as_text(value: Any) -> Any:
    """Names and values of YAML as the JSON that the setting is; text as it is."""
    return (
        json.dumps(list(value) if isinstance(value, tuple) else value)
        if isinstance(value, (Mapping, tuple))
        else value
    )
