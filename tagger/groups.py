"""Settings in groups: a dataclass whose fields may be dataclasses of settings, all names flat.

Where there are a hundred settings, code reads `config.optim.lr`, while the command line, YAML and
errors say `lr`: a name is used once in all groups. Groups are one level deep.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from .errors import OptionError
from .options import Field, describe, to_dict

T = TypeVar("T")


def members(cls: type[Any]) -> dict[str, tuple[Field, ...]]:
    """The settings by group, in the order they are written; those of `cls` itself under "".

    Raises TypeError where two groups have a name in common, which is a fault of the program.
    """
    own = describe(cls)
    found = {"": tuple(each for each in own if not each.nested)}
    found |= {each.name: describe(each.type) for each in own if each.nested}
    names = [each.name for group in found.values() for each in group]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise TypeError(f"{cls.__name__}: settings named twice: {', '.join(sorted(twice))}")
    return found


def settings(cls: type[Any]) -> tuple[Field, ...]:
    """All settings without their groups, in order."""
    return tuple(each for group in members(cls).values() for each in group)


def build(cls: type[T], values: Mapping[str, Any]) -> T:
    """Settings of `cls` from flat names; what is not named keeps its default.

    Raises OptionError for a name that no group knows, with the nearest, and for a wrong value.
    """
    homes = _homes(cls, values)
    made: dict[str, Any] = {}
    for each in describe(cls):
        if each.nested:
            own = {k: v for k, v in values.items() if homes[k] == each.name}
            made[each.name] = cast("Any", each.type)(**own)
        elif each.name in values:
            made[each.name] = values[each.name]
    return cls(**made)


def changed(instance: T, values: Mapping[str, Any]) -> T:
    """The same settings but for some, named flat. Raises OptionError as `build` does."""
    homes = _homes(type(instance), values)
    own: dict[str, Any] = {k: v for k, v in values.items() if not homes[k]}
    for group in {home for home in homes.values() if home}:
        inner = {k: v for k, v in values.items() if homes[k] == group}
        own[group] = replace(getattr(instance, group), **inner)
    return replace(cast("Any", instance), **own)


def plain(instance: Any) -> dict[str, Any]:
    """The settings under their flat names as plain JSON values."""
    kinds = {each.name: each.nested for each in describe(cast("type[Any]", type(instance)))}
    flat: dict[str, Any] = {}
    for name, value in to_dict(instance).items():
        flat |= value if kinds[name] else {name: value}
    return flat


def refuse_unknown(cls: type[Any], names: Iterable[str], where: str = "") -> None:
    """Raise OptionError, with the nearest known name, for a name that is no setting of `cls`."""
    known = [each.name for each in settings(cls)]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "`--help` lists them"
            raise OptionError(f"{where}expected the name of a setting, got {name!r}: {hint}")


def _homes(cls: type[Any], values: Iterable[str]) -> dict[str, str]:
    """The group of each name."""
    refuse_unknown(cls, values)
    known = {each.name: home for home, group in members(cls).items() for each in group}
    return {name: known[name] for name in values if name in known}
