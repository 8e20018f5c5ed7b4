"""A setting: its default, its sentence and its range, written once.

A frozen dataclass whose fields are made by `option()` is a set of settings. The command line,
JSON presets, forms and the docs are derived from `describe`; nothing here knows argv or files.
What a value may be is said in `kinds`.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import PurePath
from typing import Any, TypeVar, cast, get_type_hints, overload

from .errors import OptionError
from .kinds import Option, choices_of, expected, read, shown, word

T = TypeVar("T")


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
        return expected(self.type, Option(ge=self.ge, le=self.le, choices=self.choices))


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
        choices = own.choices or choices_of(kinds[item.name])
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
    cls = cast("type[Any]", type(instance))
    kinds, settled = _kinds(cls), _settled(cls)
    for item in fields(instance):
        given = getattr(instance, item.name)
        if given is item.default and item.name in settled:  # most are
            value = settled[item.name]
        else:
            value = read(given, kinds[item.name], _option(item.metadata), item.name, _build)
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
        raise OptionError(f"{where}: expected names and values, got {shown(data)}")
    try:
        return _build(cls, cast("Mapping[Any, Any]", data), "")
    except OptionError as error:
        raise OptionError(f"{where}: {error}") from None


def _build(cls: type[T], data: Mapping[Any, Any], path: str) -> T:
    """Settings from names and values; `path` is what stands before their names in an error."""
    kinds = _kinds(cls)
    own = {item.name: _option(item.metadata) for item in fields(cast("Any", cls))}
    for name in data:
        if name not in own:
            raise OptionError(_unknown(path, name, tuple(own)))
    for item in describe(cls):
        if item.required and item.name not in data:
            raise OptionError(f"{path}{item.name}: expected {item.expected}, got nothing")
    values = {k: read(data[k], kinds[k], own[k], f"{path}{k}", _build) for k in data}
    try:
        return cls(**values)
    except OptionError as error:
        raise OptionError(f"{path[:-1]}: {error}" if path else str(error)) from None


def _unknown(path: str, name: object, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    return f"{path}{word(name)}: expected the name of a setting: {hint}"


def _option(metadata: Mapping[str, Any]) -> Option:
    return metadata.get("option", Option())


@functools.cache
def _kinds(cls: type[Any]) -> dict[str, Any]:
    return get_type_hints(cls)


@functools.cache
def _settled(cls: type[Any]) -> dict[str, Any]:
    """The defaults of a class as `check` leaves them, of those that it lets pass."""
    found: dict[str, Any] = {}
    for item in fields(cls):
        if item.default is not MISSING:
            with suppress(OptionError):
                kind, own = _kinds(cls)[item.name], _option(item.metadata)
                found[item.name] = read(item.default, kind, own, item.name, _build)
    return found


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_dict(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("tuple[Any, ...]", value)]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in cast("Mapping[Any, Any]", value).items()}
    return str(value) if isinstance(value, PurePath) else value
