"""The heads of a network of `tagger train`: which tags each one gives, as network.json says."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..models.spec import Model

DESCRIPTION = "network.json"


def heads_of(model: Model) -> Mapping[str, tuple[str, ...]]:
    """Its heads' tags by the heads' names; empty where the folder names no heads."""
    if model.folder is None:
        return {}
    try:
        said = json.loads((model.folder / DESCRIPTION).read_text("utf-8"))
        return {str(head["name"]): tuple(map(str, head["tags"])) for head in said["heads"]}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
