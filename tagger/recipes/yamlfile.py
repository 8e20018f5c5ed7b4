"""YAML as people write it: what is a number, true or false by YAML 1.2's core schema.

PyYAML follows 1.1, in which `1e-3` is text, and `off`, `no` and `2024-01-31` are not.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

_BOOL, _FLOAT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:float"
_OTHERWISE = {_BOOL, _FLOAT, "tag:yaml.org,2002:timestamp"}
"""What 1.1 takes more for than 1.2 does; text that looks like a date is text."""
_TRUTH = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_NUMBER = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)


def read(text: bytes) -> object:
    """The values in a file's bytes.

    Raises ValueError, one sentence with the line, for what is no YAML, for a name that stands
    twice beside itself, and for an alias: a page of them can say more than memory holds.
    """
    import yaml

    loader, _ = _kinds()
    try:
        for event in yaml.parse(text, yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise ValueError(f"{_line(event.start_mark)}: expected its value, got an alias")
        _check_once(yaml.compose(text, loader))
        return yaml.load(text, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ValueError(f"{_line(mark)}: {error.problem or error.context}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error).splitlines()[0]) from error


def written(values: Any) -> str:
    """Plain JSON values as text that `read` reads back, in the order given."""
    import yaml

    _, dumper = _kinds()
    return yaml.dump(values, Dumper=dumper, sort_keys=False, allow_unicode=True, width=100)


def _check_once(node: Any) -> None:
    """A name that stands twice beside itself; YAML itself would take the last in silence."""
    seen: set[str] = set()
    for name, value in _pairs(node):
        if name is not None:
            said = str(name.value)
            if said in seen:
                where = _line(name.start_mark)
                raise ValueError(f"{where}: expected each name once, got {said!r} twice: keep one")
            seen.add(said)
        _check_once(value)


def _pairs(node: Any) -> Iterator[tuple[Any, Any]]:
    """What a node holds: names and values, or values without names."""
    kind = getattr(node, "id", "")
    if kind == "mapping":
        yield from node.value
    elif kind == "sequence":
        yield from ((None, each) for each in node.value)


def _line(mark: Any) -> str:
    return f"line {mark.line + 1}"


@functools.cache
def _kinds() -> tuple[Any, Any]:
    """A loader of the core schema, and a dumper that quotes what is no text in either schema."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    class Dumper(yaml.SafeDumper):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(kind, words) for kind, words in known if kind not in _OTHERWISE]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    for each in (Loader, Dumper):  # whole numbers, which are asked for first, stay whole
        each.add_implicit_resolver(_BOOL, _TRUTH, list("tTfF"))
        each.add_implicit_resolver(_FLOAT, _NUMBER, list("-+.0123456789"))
    return Loader, Dumper
