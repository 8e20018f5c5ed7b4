"""Recipes: one author's way to build a dataset and to train on it, as YAML.

    dataset:   settings of `tagger.dataset.build.BuildOptions`, without sources and out
    train:     settings of the training

A recipe is named like its file here, or given as a path. Knows no settings: who uses a section
checks it.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, cast

from ..bytecount import readable
from ..errors import OptionError
from ..groups import settings
from ..paths import cause_of
from .yamlfile import read, written

SECTIONS = ("dataset", "train")
LARGEST_FILE = 1_000_000
"""Bytes; a recipe is a page of settings."""


def recipes() -> tuple[str, ...]:
    """The names of the recipes that come with Tagger."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.yaml")))


def read_recipe(name_or_path: str | Path) -> dict[str, dict[str, Any]]:
    """Read a recipe by name or path: a dict of both sections, empty where it lacks one.

    Raises OptionError, one sentence, for an unknown name (with the nearest), for what is no YAML
    and for a section that is not known.
    """
    path = _find(name_or_path)
    found = _load(path)
    if not isinstance(found, dict):
        raise OptionError(f"{path}: expected sections {' and '.join(SECTIONS)}, got no names")
    given = cast("dict[Any, Any]", found)
    for name in given:
        if name not in SECTIONS:
            raise OptionError(f"{path}: expected sections {' and '.join(SECTIONS)}, got {name!r}")
    return {name: _section(path, name, given.get(name)) for name in SECTIONS}


def recipe_defaults(
    cls: type[Any], section: Mapping[str, Any], where: str, but: Collection[str] = ()
) -> dict[str, Any]:
    """A section as defaults for the settings of `cls`, a dataclass of `option()` fields.

    Lists become tuples; what the settings say of ranges they check themselves. Raises OptionError
    for a name that is no setting, or one of `but`, with the nearest.
    """
    known = {each.name for each in settings(cls)} - set(but)
    for name in section:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "`--help` lists them"
            raise OptionError(f"{where}: expected the name of a setting, got {name!r}: {hint}")
    return {name: tuple(v) if isinstance(v, list) else v for name, v in section.items()}


def as_yaml(name: str, section: Mapping[str, Any]) -> str:
    """One section as the text of a recipe, in the order given; plain JSON values only."""
    return written({name: dict(section)})


def _section(path: Path, name: str, found: object) -> dict[str, Any]:
    if not isinstance(found, (dict, type(None))):
        raise OptionError(f"{path}: {name}: expected settings with values, got {found!r:.60}")
    given = cast("dict[Any, Any]", found or {})
    for key in given:
        if not isinstance(key, str):
            raise OptionError(f"{path}: {name}: expected the name of a setting, got {key!r:.60}")
    return dict(given)


def _find(name_or_path: str | Path) -> Path:
    """A plain name is one of ours, unless such a file is there; anything else is a path."""
    path = Path(name_or_path)
    if path.is_file():
        return path
    own = Path(__file__).parent / f"{name_or_path}.yaml"
    if str(name_or_path) in recipes():
        return own
    if path.is_dir() or path.suffix in (".yaml", ".yml"):
        got = "a folder" if path.is_dir() else "none there"
        raise OptionError(f"{name_or_path}: expected a file of YAML, got {got}")
    near = difflib.get_close_matches(str(name_or_path), recipes(), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(recipes())}"
    raise OptionError(f"{name_or_path}: expected the name or file of a recipe: {hint}")


def _load(path: Path) -> object:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise OptionError(f"{path}: can't be read: {cause_of(error)}") from error
    if len(text) > LARGEST_FILE:
        raise OptionError(f"{path}: expected at most {readable(LARGEST_FILE)}, got more")
    try:
        return read(text)
    except ValueError as error:
        raise OptionError(f"{path}: expected settings in YAML, got {error}") from error
