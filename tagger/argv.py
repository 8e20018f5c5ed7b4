"""Settings from a command line: a dataclass of `option()` fields read through tyro.

Knows how a setting is spelled as an argument, and nothing of any verb.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, field, fields, is_dataclass, make_dataclass
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Optional, TypeVar, Union, get_args, get_origin

from .errors import OptionError
from .groups import build, members, settings
from .options import Field, describe

T = TypeVar("T")

_NO_PATH = Path("\0")
"""An empty word where a path belongs; Python would take it for the working folder."""


def parse(
    cls: type[T],
    argv: Sequence[str],
    prog: str,
    *,
    positional: Sequence[str] = (),
    defaults: Mapping[str, Any] | None = None,
    description: str | None = None,
    common: Sequence[str] = (),
) -> T:
    """Read the arguments after a verb into an instance of `cls`.

    A list that is not positional takes one value each time its option is written, in place of
    the default, and a mapping one NAME=N; a boolean is a bare flag. `defaults` replaces the
    defaults of the dataclass, as a recipe does. Settings in groups are flags under their own
    names; the help lists those of `cls`
    itself first, then the `common` ones of any group, then each group's.

    Raises OptionError, one sentence, where an argument is unknown, missing or of the wrong kind.
    `--help` prints and ends the process with 0, as command lines do.
    """
    import tyro

    surface = _surface(cls, positional, defaults or {}, common)
    config = (tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            words = tyro.cli(
                surface,
                args=list(argv),
                prog=prog,
                description=description or _first_paragraph(cls.__doc__),
                config=config,
            )
    except SystemExit as ended:
        if ended.code in (0, None):
            raise
        raise OptionError(_one_line(said.getvalue(), prog)) from None
    sys.stderr.write(said.getvalue())
    with flagged(cls, **dict.fromkeys(positional, "")):
        values = _given(cls, _values(words), defaults or {})
        for name, value in values.items():
            _refuse_no_path(name, value)
        return build(cls, values)


@contextlib.contextmanager
def flagged(*classes: type[Any], **renamed: str) -> Iterator[None]:
    """Name a setting that is refused as it was typed: `top_k: ...` as `--top: ...`.

    classes: whose fields are written as flags. renamed: from a field to another flag's name,
    without dashes; empty for what is no flag.
    """
    named = [field.name.rstrip("_") for each in classes for field in settings(each)]
    flags = dict(zip(named, named, strict=True)) | renamed
    try:
        yield
    except OptionError as error:
        name, colon, rest = str(error).partition(":")
        flag = flags.get(name.replace(" ", "_").rstrip("_"))
        if type(error) is not OptionError or not (colon and flag):
            raise
        raise OptionError(f"--{flag.replace('_', '-')}:{rest}") from None


def _surface(
    cls: type[Any], positional: Sequence[str], defaults: Mapping[str, Any], common: Sequence[str]
) -> type[Any]:
    """The dataclass that tyro reads: flat settings, and a dataclass for each group of them."""
    import tyro

    def arguments(group: Sequence[Field]) -> list[tuple[str, Any, Any]]:
        return [_argument(each, each.name in positional, defaults) for each in group]

    first, *groups = members(cls).items()
    by_name = {each.name: each for _, group in groups for each in group}
    parts: list[tuple[str, Any, Any]] = arguments([*first[1], *(by_name[name] for name in common)])
    for name, group in groups:
        inner: Any = make_dataclass(
            name, arguments([each for each in group if each.name not in common]), kw_only=True
        )
        kind: Any = next(each.type for each in describe(cls) if each.name == name)
        inner.__doc__ = _first_paragraph(kind.__doc__)
        flat = tyro.conf.OmitArgPrefixes[inner]
        parts.append((name, flat, field(default_factory=inner)))
    return make_dataclass(cls.__name__, parts, kw_only=True)


def _values(words: Any) -> dict[str, Any]:
    """What tyro read, under flat names."""
    values: dict[str, Any] = {}
    for each in fields(words):
        found = getattr(words, each.name)
        values |= _values(found) if is_dataclass(found) else {each.name: found}
    return values


def _given(cls: type[Any], values: dict[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A list that is written stands in for its default, as any other setting does.

    tyro adds what is written behind the default, which is cut off here.
    """
    for each in settings(cls):
        default, written = _default(each, defaults), values[each.name]
        if isinstance(default, tuple) and len(written) > len(default):
            values[each.name] = written[len(default) :]
        if read := _reader(each, default):
            values[each.name] = tuple(read(word) for word in written)
        if get_origin(each.type) is Mapping:
            values[each.name] = dict(values[each.name])
    return values


def _default(setting: Field, defaults: Mapping[str, Any]) -> Any:
    """A setting's default, or a recipe's; lists and mappings are the tuples that tyro expects."""
    default = defaults.get(setting.name, setting.default)
    if isinstance(default, Mapping):
        return tuple(default.items())
    return tuple(default) if isinstance(default, list) else default


def _argument(
    setting: Field, positional: bool, defaults: Mapping[str, Any]
) -> tuple[str, Any, Any]:
    """One field of the dataclass that tyro reads."""
    import tyro

    default = _default(setting, defaults)
    hint = f"(default: {default})" if isinstance(default, (str, int, float)) else ""
    if isinstance(default, bool) or default == "":
        hint = ""
    markers: list[Any] = [
        tyro.conf.arg(
            # `from_` is `from`, which Python keeps for itself
            name=setting.name.rstrip("_").replace("_", "-") if setting.name[-1] == "_" else None,
            help=_sentence(setting),
            metavar=setting.metavar,
            help_behavior_hint=hint,
        )
    ]
    if positional:
        markers = [tyro.conf.Positional, *markers]
    elif get_origin(setting.type) in (tuple, Mapping):
        markers = [tyro.conf.UseAppendAction, *markers]
    kind = Annotated[(_kind(setting, default), *markers)]  # pyright: ignore[reportInvalidTypeForm]
    if default is MISSING:
        return setting.name, kind, field()
    return setting.name, kind, field(default_factory=lambda: default)


def _kind(setting: Field, default: Any) -> Any:
    """The type that tyro parses: choices as a Literal, so that --help lists them.

    tyro holds each default against its type. Where that is not plain it imports typeguard, which
    takes longer than all else here: so lists are words to it, and `X | None` is Optional.
    """
    if setting.choices and setting.type is str:
        return Literal[tuple(setting.choices)]  # pyright: ignore[reportInvalidTypeForm]
    if get_origin(setting.type) is Mapping:
        return tuple[_pair(setting), ...]
    if _reader(setting, default):
        return tuple
    if get_origin(setting.type) in (UnionType, Union):
        one, *_none = get_args(setting.type)
        return Optional[_path() if one is Path else one]  # noqa: UP045 - another class than `|`
    return {Path: _path(), tuple[Path, ...]: tuple[_path(), ...]}.get(setting.type, setting.type)


def _reader(setting: Field, default: Any) -> Callable[[str], Any] | None:
    """What makes a list's values of words; None for what tyro reads by itself."""
    if default not in ((), MISSING):
        return None
    return {
        tuple[str, ...]: str,
        tuple[Path, ...]: _read_path,
        tuple[float, ...]: partial(_read_number, setting.name),
    }.get(setting.type)


def _read_path(word: str) -> Path:
    return Path(word) if word else _NO_PATH


def _read_number(name: str, word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise OptionError(f"{name}: expected a number, got {word!r}") from None


def _path() -> Any:
    """A path as tyro reads it, an empty word told apart."""
    from tyro.constructors import PrimitiveConstructorSpec as Spec

    spec: Any = Spec(
        nargs=1,
        metavar="PATH",
        instance_from_str=lambda words: _read_path(words[0]),
        is_instance=lambda value: isinstance(value, Path),
        str_from_instance=lambda path: [str(path)],
    )
    return Annotated[Path, spec]


def _pair(setting: Field) -> Any:
    """A name and its number as tyro reads them, such as `general=10`."""
    from tyro.constructors import PrimitiveConstructorSpec as Spec

    form, (_, number) = setting.metavar or "NAME=N", get_args(setting.type)

    def read(words: list[str]) -> tuple[str, Any]:
        name, _, value = words[0].partition("=")
        try:
            return name, number(value)
        except ValueError:
            raise ValueError(f"expected {form}, got {words[0]!r}") from None

    spec: Any = Spec(
        nargs=1,
        metavar=form,
        instance_from_str=read,
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=lambda pair: [f"{pair[0]}={pair[1]}"],
    )
    return Annotated[tuple, spec]


def _refuse_no_path(name: str, value: Any) -> None:
    if value == _NO_PATH or (isinstance(value, tuple) and _NO_PATH in value):
        raise OptionError(
            f"{name}: expected a path, got an empty word: `.` is the folder you are in"
        )


def _sentence(setting: Field) -> str:
    bounds = [bound for bound in (setting.ge, setting.le) if bound is not None]
    if len(bounds) == 2:
        low, high = (f"{b:,}" if isinstance(b, int) else f"{b:g}" for b in bounds)
        return f"{setting.help} From {low} to {high}."
    return setting.help


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").strip().split("\n\n")[0].split())


def _one_line(box: str, prog: str) -> str:
    """What tyro says in a box of its own, as one sentence: its first paragraph, its first hint.

    The first line is a title; the box is drawn in Unicode or, where the terminal has none, with
    spaces and dashes.
    """
    _title, *lines = [line.strip(" │╭╮╰╯") for line in box.strip().splitlines()] or [box]
    paragraphs = "\n".join("" if re.fullmatch("[-─]{9,}", line) else line for line in lines)
    first, *rest = [" ".join(each.split()) for each in paragraphs.strip().split("\n\n")]
    first = re.sub(
        r"Error parsing (\S+): (?:no|invalid) .*?('[^']*').*", r"\1: can't read \2", first
    )
    first = re.sub(r", 'None'|'None', ", "", first)  # what leaving it out stands for
    hint = re.search(r"Perhaps you meant: (--[\w-]+)", " ".join(rest))
    tail = f"did you mean {hint[1]}?" if hint else f"`{prog} --help` lists what it takes"
    return f"{first[:1].lower()}{first[1:].rstrip('.')}: {tail}"


def value_of(argv: Sequence[str], flag: str) -> str | None:
    """What stands after a flag, before anything is parsed: it may decide the defaults."""
    for place, word in enumerate(argv):
        if word == flag and place + 1 < len(argv):
            return argv[place + 1]
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return None
