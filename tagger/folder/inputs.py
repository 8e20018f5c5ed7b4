"""What a person named, as folders and pictures: paths, patterns, and files that list paths.

A path that is there is taken as it is named, brackets and all; only what is not is a pattern.
"""

from __future__ import annotations

import fnmatch
import functools
import glob
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from ..errors import UsageError
from ..images import EXTENSIONS
from ..paths import cause_of, openable

_SPECIAL = re.compile(r"[*?\[]")


def expand(words: Iterable[Path], lists: Iterable[Path] = ()) -> tuple[Path, ...]:
    """The folders and pictures meant, in the order they are named, each once.

    `words` are paths or patterns with * ? [ ] and ** for folders at any depth; a pattern stands
    for the pictures and folders that fit. `lists` are text files with a path to a line, relative
    ones from the list's folder.

    Raises:
        UsageError: a pattern that fits nothing, a list that can't be read or names what is not
            there.
    """
    found = [path for word in words for path in _meant(word)]
    found += [path for each in lists for path in _listed(each)]
    return tuple(dict.fromkeys(found))


def _meant(word: Path) -> list[Path]:
    if word.exists() or word.is_symlink() or not _SPECIAL.search(str(word)):
        return [word]
    there, pattern = _literal(word)
    places = sorted(glob.glob(pattern, root_dir=there, recursive=True))  # noqa: PTH207 - root_dir
    found = [there / place for place in places]
    fitting = [path for path in found if path.is_dir() or path.suffix.lower() in EXTENSIONS]
    if "**" in pattern:  # a folder that holds what fits as well would be walked whole
        fitting = [path for path in fitting if not path.is_dir()]
    if not fitting:
        raise UsageError(f"{word}: expected pictures or folders, got nothing that fits the pattern")
    return fitting


def _literal(word: Path) -> tuple[Path, str]:
    """The part of a pattern that is there as it is named, and the rest."""
    parts = word.parts
    count = next(n for n in range(len(parts) - 1, -1, -1) if n == 0 or Path(*parts[:n]).is_dir())
    return Path(*parts[:count]), os.path.join(*parts[count:])  # noqa: PTH118 - for `glob`


def _listed(file: Path) -> list[Path]:
    try:
        lines = openable(file).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UsageError(f"{file}: expected a list of paths, got {cause_of(error)}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: expected UTF-8, got another encoding: save it so") from error
    found: list[Path] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            path = file.parent / line.strip().strip('"')
            if not (path.exists() or path.is_symlink()):
                raise UsageError(f"{file}, line {number}: {path}: expected a path, got none there")
            found.append(path)
    return found


class Sieve:
    """Which pictures are meant, by patterns over their path below the folder that was named.

    A pattern fits a picture or any folder above it, by name or by path: `*.png`, `drafts`,
    `2024/*/wip`. Case counts where it does in file names.
    """

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self._include, self._exclude = _compiled(include), _compiled(exclude)

    @property
    def passes_all(self) -> bool:
        """Whether every picture is meant."""
        return not (self._include or self._exclude)

    def __call__(self, path: PurePosixPath) -> bool:
        """Whether a picture of that path is meant."""
        if self.passes_all:
            return True
        names = [str(path), *map(str, path.parents), *path.parts]
        texts = [os.path.normcase(name) for name in names]

        def fits(patterns: list[re.Pattern[str]]) -> bool:
            return any(pattern.match(text) for pattern in patterns for text in texts)

        return (not self._include or fits(self._include)) and not fits(self._exclude)


def _compiled(patterns: Sequence[str]) -> list[re.Pattern[str]]:
    return [_pattern(each.replace("\\", "/").strip("/")) for each in patterns]


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(os.path.normcase(text)))
