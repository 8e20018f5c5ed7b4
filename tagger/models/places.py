"""Folders of models besides our own: a WebUI's, and those that `TAGGER_MODELS` names."""

from __future__ import annotations

import os
from pathlib import Path

from ..paths import expanded

VARIABLE = "TAGGER_MODELS"
HOSTS = ("tagger", "TaggerOnnx", "deepdanbooru", "interrogators")
"""Among a WebUI's models: ours, then those of the extensions before us, in their order."""


def host_roots(models_path: Path) -> tuple[Path, ...]:
    """The folders among a WebUI's models that may hold a tagger, whether they exist yet or not."""
    return tuple(models_path / name for name in HOSTS)


def named_roots() -> tuple[Path, ...]:
    """The folders that `TAGGER_MODELS` names, separated as in `PATH`.

    Each is a WebUI's folder of models or, with none of its four in it, holds folders of models.
    """
    named = os.environ.get(VARIABLE, "").split(os.pathsep)
    paths = [Path(os.path.abspath(expanded(name))) for name in named if name.strip()]  # noqa: PTH100  links stay as named
    return tuple(root for path in paths for root in _roots(path))


def _roots(path: Path) -> tuple[Path, ...]:
    roots = host_roots(path)
    return roots if any(root.is_dir() for root in roots) else (path,)
