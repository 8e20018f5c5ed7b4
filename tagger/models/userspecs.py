"""`models.json` in our home: a user's own lines of the catalogue, and changes to ours.

    {"my-tagger": {"repo": "me/my-tagger", "thresholds": {"overall": 0.4}}, ...}

A name that the catalogue has keeps what is not said again. Keys are those of `tagger.json`, and
`repo`, `revision` and `aliases`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from ..errors import ModelError
from . import manifest
from .schema import SCHEMA
from .spec import ModelSpec, inside

NAME = "models.json"
_HUB = {"repo": str, "revision": str, "aliases": list}
# Which fields of a spec a key of a manifest decides.
_FIELDS = {"labels": ("labels", "tags", "categories"), "thresholds": ("thresholds", "point")}


def read_user_specs(path: Path, known: Sequence[ModelSpec]) -> tuple[ModelSpec, ...]:
    """The catalogue `known` with the lines of a `models.json` changed and added.

    Raises:
        ModelError: not JSON, an unknown key, or a path that leaves a model's folder.
    """
    data = manifest.load_json(path)
    if not isinstance(data, Mapping):
        raise ModelError(f"{path}: expected an object of name to description, got {type(data)}")
    specs = {spec.name: spec for spec in known}
    for name, entry in cast("Mapping[str, Any]", data).items():
        where = f"{path}: {name}"
        if not isinstance(entry, Mapping) or not name or "/" in name:
            raise ModelError(f"{where}: expected a name and an object, got {entry!r}")
        specs[name] = _changed(specs.get(name), name, cast("Mapping[str, Any]", entry), where)
    return tuple(specs.values())


def _changed(base: ModelSpec | None, name: str, entry: Mapping[str, Any], where: str) -> ModelSpec:
    hub: dict[str, Any] = {key: entry[key] for key in _HUB if key in entry}
    for key, value in hub.items():
        texts = value if isinstance(value, list) else [value]
        if not isinstance(value, _HUB[key]) or not all(isinstance(one, str) for one in texts):
            raise ModelError(f"{where}: expected text for {key}, got {value!r}")
    if "aliases" in hub:
        hub["aliases"] = tuple(hub["aliases"])
    told = {key: value for key, value in entry.items() if key not in _HUB}
    said = manifest.parse_manifest({"schema": SCHEMA, **told}, name, where)
    said = replace(said, title=said.title or name, point="models.json", **hub)
    for path in said.paths:
        inside(Path(name), path)
    if base is None:
        return said
    fields = [
        field for key in told if key not in ("schema", "name") for field in _FIELDS.get(key, (key,))
    ]
    return replace(base, **{field: getattr(said, field) for field in (*fields, *hub)})
