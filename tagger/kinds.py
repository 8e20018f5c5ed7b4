"""Kinds of value that a setting may have: reading one, and saying what was expected instead.

bool, int, float, str, Path, Literal, `X | None`, `tuple[X, ...]`, `tuple[X, Y]`,
`Mapping[str, X]`, and another dataclass of settings, which `options` builds.
"""

from __future__ import annotations

import math
import numbers
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path, PurePath
from typing import Any, Literal, Union, cast, get_args, get_origin

from .errors import OptionError

Build = Callable[[type[Any], Mapping[Any, Any], str], Any]
"""Makes settings of a class from names and values; the text is the path to them."""


@dataclass(frozen=True)
class Option:
    """What a field says of itself beside its name, type and default.

    ge, le: least and greatest number allowed, both included; for a list or a mapping they hold
    for each number in it. choices: the only values allowed, likewise. metavar: the placeholder
    that the command line shows.
    """

    help: str = ""
    ge: float | None = None
    le: float | None = None
    choices: tuple[Any, ...] | None = None
    metavar: str | None = None


def choices_of(kind: Any) -> tuple[Any, ...] | None:
    """The choices of a Literal, also of a Literal or None."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if _is_optional(kind):
        return choices_of(_inner(kind))
    return None


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind)


def _inner(kind: Any) -> Any:
    left = [part for part in get_args(kind) if part is not type(None)]
    if len(left) != 1:
        raise TypeError(f"a setting can be X | None, no other union: {kind}")
    return left[0]


# ---------------------------------------------------------------- reading a value


def read(value: Any, kind: Any, own: Option, path: str, build: Build) -> Any:
    """The value as `kind`, or OptionError naming `path`.

    Lists become tuples, whole numbers floats where a number is meant, mappings copies.
    """
    if _is_optional(kind):
        return None if value is None else read(value, _inner(kind), own, path, build)
    if is_dataclass(kind):
        return _read_nested(value, cast("type[Any]", kind), path, build)
    origin = get_origin(kind)
    if origin is tuple:
        return _read_tuple(value, kind, own, path, build)
    if origin is Mapping:
        return _read_mapping(value, kind, own, path, build)
    settled = _SCALARS[kind](value) if kind in _SCALARS else value
    if settled is None or not _allowed(settled, kind, own):
        raise OptionError(f"{path}: expected {expected(kind, own)}, got {shown(value)}")
    return settled


def _read_nested(value: Any, kind: type[Any], path: str, build: Build) -> Any:
    if isinstance(value, kind):
        return value
    if isinstance(value, Mapping):
        return build(kind, cast("Mapping[Any, Any]", value), f"{path}.")
    raise OptionError(f"{path}: expected {expected(kind, Option())}, got {shown(value)}")


def _read_tuple(value: object, kind: Any, own: Option, path: str, build: Build) -> tuple[Any, ...]:
    parts = get_args(kind)
    many = len(parts) == 2 and parts[1] is Ellipsis
    items = _listed(value)
    if items is None or not (many or len(items) == len(parts)):
        raise OptionError(f"{path}: expected {expected(kind, own)}, got {shown(value)}")
    inner = [parts[0]] * len(items) if many else parts
    return tuple(read(x, k, own, path, build) for x, k in zip(items, inner, strict=True))


def _listed(value: object) -> tuple[Any, ...] | None:
    return tuple(cast("Sequence[Any]", value)) if isinstance(value, (list, tuple)) else None


def _read_mapping(value: Any, kind: Any, own: Option, path: str, build: Build) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise OptionError(f"{path}: expected {expected(kind, own)}, got {shown(value)}")
    of_key, of_value = get_args(kind)
    pairs = cast("Mapping[Any, Any]", value).items()
    named = Option()  # the range is that of the values
    return {
        read(k, of_key, named, path, build): read(v, of_value, own, f"{path}[{word(k)}]", build)
        for k, v in pairs
    }


def _allowed(value: Any, kind: Any, own: Option) -> bool:
    choices = own.choices or choices_of(kind)
    if choices is not None:
        return any(type(value) is type(choice) and value == choice for choice in choices)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (own.ge is None or value >= own.ge) and (own.le is None or value <= own.le)
    return True


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, numbers.Integral) and not _is_flag(value) else None


def _number(value: Any) -> float | None:
    if not isinstance(value, numbers.Real) or _is_flag(value):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number of more than 308 digits
        return None


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str) else None


def _path(value: Any) -> Path | None:
    return Path(value) if isinstance(value, (str, PurePath)) else None


_SCALARS: dict[Any, Callable[[Any], Any]] = {
    bool: _flag,
    int: _whole,
    float: _number,
    str: _text,
    Path: _path,
}


# ---------------------------------------------------------------- words


def expected(kind: Any, own: Option) -> str:
    """What may be given, in words: "a number from 0 to 1"."""
    if _is_optional(kind):
        return f"{expected(_inner(kind), own)} or nothing"
    choices = own.choices or choices_of(kind)
    if get_origin(kind) is tuple:
        return _expected_tuple(kind, own)
    if get_origin(kind) is Mapping:
        return f"names, each with {expected(get_args(kind)[1], own)}"
    if choices is not None:
        return f"one of {', '.join(map(str, choices))}"
    if kind in (int, float):
        return ("a whole number" if kind is int else "a number") + _range(own)
    words: dict[Any, str] = {bool: "true or false", str: "text", Path: "a path"}
    return words.get(kind, "names and values")


def _expected_tuple(kind: Any, own: Option) -> str:
    parts = get_args(kind)
    if len(parts) == 2 and parts[1] is Ellipsis:
        return f"a list, each {expected(parts[0], own)}"
    return f"a list of {len(parts)}: {', '.join(expected(part, own) for part in parts)}"


def _range(own: Option) -> str:
    if own.ge is not None and own.le is not None:
        return f" from {_bound(own.ge)} to {_bound(own.le)}"
    if own.ge is not None:
        return f" of at least {_bound(own.ge)}"
    return "" if own.le is None else f" of at most {_bound(own.le)}"


def _bound(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def word(name: object) -> str:
    """A name as part of a sentence: as it is if that is one printable line."""
    text = str(name)
    return text if text.isprintable() and len(text) <= 60 else shown(name)


def shown(value: object) -> str:
    """A value as part of a sentence, not too long."""
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
