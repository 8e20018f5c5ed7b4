"""A setting: its default, its sentence and its range, written once.

A frozen dataclass whose fields are made by `option()` is a set of settings. The command line,
JSON presets, forms and the docs are derived from `describe`; nothing here knows argv or files.

Kinds of value: bool, int, float, str, Path, Literal, `X | None`, `tuple[X, ...]`, `tuple[X, Y]`,
`Mapping[str, X]`, and another dataclass of settings.
"""

from __future__ import annotations

import difflib
import functools
import math
import numbers
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path, PurePath
from typing import (
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

from .errors import OptionError

T = TypeVar("T")


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


@dataclass(frozen=True)
class Field:
    """One setting as a form, the docs or the command line needs it.

    type: the resolved annotation, `X | None` included. default: a fresh value, or
    `dataclasses.MISSING` where one must be given. choices: from the option or the Literal.
    """

    name: str
    type: Any
    default: Any
    help: str
    ge: float | None = None
    le: float | None = None
    choices: tuple[Any, ...] | None = None
    metavar: str | None = None

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is MISSING

    @property
    def nested(self) -> bool:
        """Whether this is another dataclass of settings, to be described in its turn."""
        return is_dataclass(self.type)

    @property
    def expected(self) -> str:
        """What may be given, in the words of the errors: "a number from 0 to 1"."""
        return _expected(self.type, Option(ge=self.ge, le=self.le, choices=self.choices))


@overload
def option(
    default: T,
    *,
    help: str,
    ge: float | None = None,
    le: float | None = None,
    choices: Sequence[Any] | None = None,
    metavar: str | None = None,
) -> T: ...
@overload
def option(
    *,
    help: str,
    factory: Callable[[], T],
    ge: float | None = None,
    le: float | None = None,
    choices: Sequence[Any] | None = None,
    metavar: str | None = None,
) -> T: ...
@overload
def option(
    *,
    help: str,
    ge: float | None = None,
    le: float | None = None,
    choices: Sequence[Any] | None = None,
    metavar: str | None = None,
) -> Any: ...
def option(
    default: Any = MISSING,
    *,
    help: str,  # noqa: A002 - the field's own word, and always given by name
    factory: Any = None,
    ge: float | None = None,
    le: float | None = None,
    choices: Sequence[Any] | None = None,
    metavar: str | None = None,
) -> Any:
    """Make a dataclass field that carries its sentence and its range.

    Without `default` and `factory` the setting must be given.
    """
    only = None if choices is None else tuple(choices)
    metadata = {"option": Option(help, ge, le, only, metavar)}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


def describe(cls: type[Any]) -> tuple[Field, ...]:
    """The settings of a dataclass, in the order they are written."""
    kinds = _kinds(cls)
    described: list[Field] = []
    for item in fields(cls):
        own = _option(item.metadata)
        default = item.default if item.default_factory is MISSING else item.default_factory()
        choices = own.choices or _literals(kinds[item.name])
        described.append(
            Field(
                item.name, kinds[item.name], default, own.help, own.ge, own.le, choices, own.metavar
            )
        )
    return tuple(described)


def check(instance: Any) -> None:
    """Refuse a value of the wrong type or outside its range; call it in `__post_init__`.

    Values are settled in passing: a list becomes a tuple, a whole number a float where a number
    is meant, a mapping a copy. Raises OptionError: "threshold: expected a number from 0 to 1,
    got 1.5".
    """
    kinds = _kinds(cast("type[Any]", type(instance)))
    for item in fields(instance):
        value = _read(
            getattr(instance, item.name), kinds[item.name], _option(item.metadata), item.name
        )
        object.__setattr__(instance, item.name, value)


def to_dict(instance: Any) -> dict[str, Any]:
    """The settings as plain JSON values; `from_dict` gives an equal instance back."""
    return {item.name: _plain(getattr(instance, item.name)) for item in fields(instance)}


def from_dict(cls: type[T], data: object, where: str = "settings") -> T:
    """Settings from plain JSON values; what is not named keeps its default.

    `where` is the file or body, for the error. Raises OptionError, one sentence, for an unknown
    name (with the nearest known one), a missing setting, a wrong type or range.
    """
    if not isinstance(data, Mapping):
        raise OptionError(f"{where}: expected names and values, got {_shown(data)}")
    return _build(cls, cast("Mapping[Any, Any]", data), f"{where}: ", "")


def _build(cls: type[T], data: Mapping[Any, Any], where: str, path: str) -> T:
    kinds = _kinds(cls)
    own = {item.name: _option(item.metadata) for item in fields(cast("Any", cls))}
    for name in data:
        if name not in own:
            raise OptionError(f"{where}{_unknown(path, name, tuple(own))}")
    for item in describe(cls):
        if item.required and item.name not in data:
            raise OptionError(f"{where}{path}{item.name}: expected {item.expected}, got nothing")
    try:
        values = {k: _read(data[k], kinds[k], own[k], f"{path}{k}") for k in data}
    except OptionError as error:
        raise OptionError(f"{where}{error}") from None
    try:
        return cls(**values)
    except OptionError as error:
        inside = f"{path[:-1]}: " if path else ""
        raise OptionError(f"{where}{inside}{error}") from None


def _unknown(path: str, name: object, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    return f"{path}{name}: expected the name of a setting: {hint}"


def _option(metadata: Mapping[str, Any]) -> Option:
    return metadata.get("option", Option())


@functools.cache
def _kinds(cls: type[Any]) -> dict[str, Any]:
    return get_type_hints(cls)


def _literals(kind: Any) -> tuple[Any, ...] | None:
    if get_origin(kind) is Literal:
        return get_args(kind)
    if _is_optional(kind):
        return _literals(_inner(kind))
    return None


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind)


def _inner(kind: Any) -> Any:
    left = [part for part in get_args(kind) if part is not type(None)]
    if len(left) != 1:
        raise TypeError(f"a setting can be X | None, no other union: {kind}")
    return left[0]


# ---------------------------------------------------------------- reading a value


def _read(value: Any, kind: Any, own: Option, path: str) -> Any:
    """The value as `kind`, or OptionError naming `path`."""
    if _is_optional(kind):
        return None if value is None else _read(value, _inner(kind), own, path)
    if is_dataclass(kind):
        return _read_nested(value, cast("type[Any]", kind), path)
    origin = get_origin(kind)
    if origin is tuple:
        return _read_tuple(value, kind, own, path)
    if origin is Mapping:
        return _read_mapping(value, kind, own, path)
    settled = _SCALARS[kind](value) if kind in _SCALARS else value
    if settled is None or not _allowed(settled, kind, own):
        raise OptionError(f"{path}: expected {_expected(kind, own)}, got {_shown(value)}")
    return settled


def _read_nested(value: Any, kind: type[Any], path: str) -> Any:
    if isinstance(value, kind):
        return value
    if isinstance(value, Mapping):
        return _build(kind, cast("Mapping[Any, Any]", value), "", f"{path}.")
    raise OptionError(f"{path}: expected {_expected(kind, Option())}, got {_shown(value)}")


def _read_tuple(value: object, kind: Any, own: Option, path: str) -> tuple[Any, ...]:
    parts = get_args(kind)
    many = len(parts) == 2 and parts[1] is Ellipsis
    items = _listed(value)
    if items is None or not (many or len(items) == len(parts)):
        raise OptionError(f"{path}: expected {_expected(kind, own)}, got {_shown(value)}")
    inner = [parts[0]] * len(items) if many else parts
    return tuple(_read(x, k, own, path) for x, k in zip(items, inner, strict=True))


def _listed(value: object) -> tuple[Any, ...] | None:
    return tuple(cast("Sequence[Any]", value)) if isinstance(value, (list, tuple)) else None


def _read_mapping(value: Any, kind: Any, own: Option, path: str) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise OptionError(f"{path}: expected {_expected(kind, own)}, got {_shown(value)}")
    of_key, of_value = get_args(kind)
    pairs = cast("Mapping[Any, Any]", value).items()
    named = Option()  # the range is that of the values
    return {
        _read(k, of_key, named, path): _read(v, of_value, own, f"{path}[{k}]") for k, v in pairs
    }


def _allowed(value: Any, kind: Any, own: Option) -> bool:
    choices = own.choices or _literals(kind)
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
    return float(value) if math.isfinite(value) else None


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


def _expected(kind: Any, own: Option) -> str:
    if _is_optional(kind):
        return f"{_expected(_inner(kind), own)} or nothing"
    choices = own.choices or _literals(kind)
    if get_origin(kind) is tuple:
        return _expected_tuple(kind, own)
    if get_origin(kind) is Mapping:
        return f"names, each with {_expected(get_args(kind)[1], own)}"
    if choices is not None:
        return f"one of {', '.join(map(str, choices))}"
    if kind in (int, float):
        return ("a whole number" if kind is int else "a number") + _range(own)
    words: dict[Any, str] = {bool: "true or false", str: "text", Path: "a path"}
    return words.get(kind, "names and values")


def _expected_tuple(kind: Any, own: Option) -> str:
    parts = get_args(kind)
    if len(parts) == 2 and parts[1] is Ellipsis:
        return f"a list, each {_expected(parts[0], own)}"
    return f"a list of {len(parts)}: {', '.join(_expected(part, own) for part in parts)}"


def _range(own: Option) -> str:
    if own.ge is not None and own.le is not None:
        return f" from {own.ge:g} to {own.le:g}"
    if own.ge is not None:
        return f" of at least {own.ge:g}"
    return "" if own.le is None else f" of at most {own.le:g}"


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_dict(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("tuple[Any, ...]", value)]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in cast("Mapping[Any, Any]", value).items()}
    return str(value) if isinstance(value, PurePath) else value
