"""The names of caption files: a text with tokens, filled in for each picture."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ..errors import CaptionError, OptionError
from ..paths import cause_of, openable

_TOKEN = re.compile(r"\[([a-z_]+)(?::([a-z0-9_]+))?\]")
_PLAIN = ("name", "extension", "output_extension", "parent", "index")
_ALGORITHMS = {name for name in hashlib.algorithms_guaranteed if not name.startswith("shake")}
DEFAULT = "[name].[output_extension]"


class PlainNames(Collection[str]):
    """Pictures' own names as captions have them, made anew each time: of a million few are held."""

    def __init__(self, naming: Naming, pictures: Sequence[str]) -> None:
        self._naming, self._pictures = naming, pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def __iter__(self) -> Iterator[str]:
        return map(self._naming.plain, self._pictures)

    def __contains__(self, name: object) -> bool:
        return any(name == each for each in self)


class Naming:
    """A template, checked: `[name]`, `[extension]`, `[hash:ALG]`, `[output_extension]`,
    `[parent]` and `[index]` are filled in, `/` makes sub-folders.
    """

    def __init__(self, template: str, extension: str) -> None:
        """`extension` is the caption's, with its dot.

        Raises:
            OptionError: an unknown token or algorithm, or a template that leads out of the folder.
        """
        self.template = template or DEFAULT
        self._extension = extension.removeprefix(".")
        for name, argument in _TOKEN.findall(self.template):
            if name not in (*_PLAIN, "hash") or (name == "hash") != bool(argument):
                known = " ".join(f"[{each}]" for each in (*_PLAIN, "hash:sha256"))
                raise OptionError(f"name: expected tokens of {known}, got {self.template!r}")
            if argument and argument not in _ALGORITHMS:
                known = ", ".join(sorted(_ALGORITHMS))
                raise OptionError(f"name: expected one of {known}, got {argument!r}")
        parts = self.template.replace("\\", "/").split("/")
        if any(part.strip() in ("", ".", "..") for part in parts) or ":" in parts[0].split("[")[0]:
            raise OptionError(
                f"name: expected a name inside the captions' folder, got {self.template!r}"
            )

    @property
    def is_plain(self) -> bool:
        """Whether captions have their pictures' names, in the same folder."""
        return self.template == DEFAULT

    def plain(self, picture: str) -> str:
        """The name of a caption that has its picture's, a file name."""
        return f"{os.path.splitext(picture)[0]}.{self._extension}"  # noqa: PTH122 - of a million

    def name(self, picture: Path, index: int) -> str:
        """The name of a picture's caption, with / between sub-folders; `index` counts from 1.

        Raises:
            CaptionError: the picture can't be read for its hash.
        """
        if self.is_plain:
            return self.plain(picture.name)

        def fill(token: re.Match[str]) -> str:
            match token[1]:
                case "name":
                    return picture.stem
                case "extension":
                    return picture.suffix.removeprefix(".")
                case "output_extension":
                    return self._extension
                case "parent":
                    return picture.absolute().parent.name
                case "index":
                    return str(index)
                case _:
                    return _hash(picture, token[2])

        return _TOKEN.sub(fill, self.template.replace("\\", "/"))


def _hash(picture: Path, algorithm: str) -> str:
    state = hashlib.new(algorithm)
    try:
        with openable(picture).open("rb") as file:
            while piece := file.read(1 << 20):
                state.update(piece)
    except OSError as error:
        raise CaptionError(f"it can't be read for its name: {cause_of(error)}") from error
    return state.hexdigest()
