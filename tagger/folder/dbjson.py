"""`db.json`, in which picobyte's tagger and its heirs kept scores; read within bounds, not trusted.

`query` has for each result the SHA-256 of the picture's pixels with the model's title behind it, a
path, and a number; `rating` and `tag` have for each name one number per result: the result's
number plus the score. So 3.25 is 0.25 in result 3, and 4.0 is 1.0 in result 3, or 0.0 in result 4.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import CaptionError, ImageError, UsageError
from ..images import MAX_PIXELS
from ..paths import cause_of, openable
from .foreign import Said, loaded
from .wholefile import get_file

NAME = "db.json"
LARGEST = 1_000_000_000
"""Bytes of the largest file that is read; three times as much memory is needed for it."""

TITLES: Mapping[str, str] = {
    "WD14 ViT v1": "wd-v1-4-vit-tagger",
    "WD14 ViT v2": "wd-v1-4-vit-tagger-v2",
    "WD14 ViT v3": "wd-vit-tagger-v3",
    "WD14 ViT v3 Large": "wd-vit-large-tagger-v3",
    "WD14 ConvNeXT v1": "wd-v1-4-convnext-tagger",
    "WD14 ConvNeXT v2": "wd-v1-4-convnext-tagger-v2",
    "WD14 ConvNext v3": "wd-convnext-tagger-v3",
    "WD14 ConvNeXTV2 v1": "wd-v1-4-convnextv2-tagger-v2",
    "WD14 SwinV2 v1": "wd-v1-4-swinv2-tagger-v2",
    "WD14 SwinV2 v3": "wd-swinv2-tagger-v3",
    "WD14 EVA02 v3 Large": "wd-eva02-large-tagger-v3",
    "WD14 moat tagger v2": "wd-v1-4-moat-tagger-v2",
    "ML-Danbooru Caformer dec-5-97527": "ml-danbooru-caformer",
    "ML-Danbooru TResNet-D 6-30000": "ml-danbooru-tresnet-d",
    "Z3D-E621-Convnext": "z3d-e621-convnext",
}
"""What those programs called the models, in their `utils.py`; other names are folders' names."""

_QUERY = re.compile(r"([0-9a-f]{64})(.+)", re.DOTALL)


@dataclass(frozen=True)
class _Numbers:
    """The numbers of one part: names, and for each number its result, its name, its score.

    results: int64[n], ascending. names: int32[n]. scores: float64[n].
    """

    names: tuple[str, ...]
    results: NDArray[np.int64]
    name_of: NDArray[np.int32]
    scores: NDArray[np.float64]

    def of(self, result: int) -> dict[str, float]:
        start, end = np.searchsorted(self.results, (result, result + 1))
        picked = zip(self.name_of[start:end].tolist(), self.scores[start:end].tolist(), strict=True)
        return {self.names[at]: min(1.0, max(0.0, score)) for at, score in picked}


class DbJson:
    """What such a file holds.

    Attributes:
        titles: how many results each model has, by its title there.
    """

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            UsageError: it is no such file, or too large.
        """
        self.path = path
        said = _read(path)
        self._results = _results(path, said["query"])
        self._ratings = _ratings(path, said["rating"])
        self._tags = _tags(path, said["tag"])
        self.titles = Counter(title for found in self._results.values() for title in found)

    def __len__(self) -> int:
        return sum(self.titles.values())

    def of(self, pixels: str) -> dict[str, Said]:
        """What each model, by its title, said of a picture, by the hash of its pixels."""
        found = self._results.get(pixels, {})
        return {
            title: Said("", self._ratings.of(at), self._tags.of(at)) for title, at in found.items()
        }


def pixel_hash(path: Path) -> str:
    """SHA-256 of a picture's pixels as Pillow decodes them, as those programs took it.

    Raises ImageError for what can't be read.
    """
    try:
        with Image.open(openable(path)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(path, f"more than {MAX_PIXELS:,} pixels")
            return hashlib.sha256(image.tobytes()).hexdigest()
    except ImageError:
        raise
    except OSError as error:
        raise ImageError(path, cause_of(error)) from error
    except Exception as error:  # whatever a broken picture makes of a decoder
        raise ImageError(path, str(error) or type(error).__name__) from error


def _read(path: Path) -> dict[str, Any]:
    refuse = functools.partial(_refusal, path)
    try:
        data = get_file(path, most=LARGEST)
    except CaptionError as error:
        raise refuse(str(error).removeprefix(f"{path}: ")) from error
    if data is None:
        raise refuse("no file of that name")
    try:
        said = loaded(data)
    except ValueError as error:
        raise refuse(f"no JSON: {error}") from error
    if not isinstance(said, dict):
        raise refuse("other JSON")
    said = cast("dict[str, Any]", said)
    if "meta" in said:
        raise refuse("version 2, which no release of that program wrote")
    if not all(isinstance(said.get(part), dict) for part in ("query", "rating", "tag")):
        raise refuse("JSON without query, rating and tag")
    return said


def _results(path: Path, query: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """From the hash of pixels and the title of a model to the number of the result."""
    found: dict[str, dict[str, int]] = {}
    for name, value in query.items():
        parts = _QUERY.fullmatch(name)
        fits = isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
        at = value[1] if fits else None
        if (
            parts is None
            or isinstance(at, bool)
            or not isinstance(at, int)
            or not 0 <= at < 1 << 40
        ):
            raise _refusal(path, f"a query {name[:80]!r} that is none")
        found.setdefault(parts[1], {})[parts[2]] = at
    return found


def _tags(path: Path, lists: Mapping[str, Any]) -> _Numbers:
    """A tag's score is never 0, so a whole number is a score of 1."""
    parts = [_numbers(path, name, values) for name, values in lists.items()]
    numbers = np.concatenate([np.empty(0), *parts])
    results = np.ceil(numbers).astype(np.int64) - 1
    names = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
    return _sorted(tuple(lists), results, names, numbers - results)


def _ratings(path: Path, lists: Mapping[str, Any]) -> _Numbers:
    """A rating's score may be 0: then the whole number comes after one of the result before."""
    results: list[int] = []
    scores: list[float] = []
    names: list[int] = []
    for at, (name, values) in enumerate(lists.items()):
        last = -1
        for number in _numbers(path, name, values).tolist():
            result = int(np.ceil(number)) - 1
            if number == int(number) and last == result:
                result += 1
            last = result
            results.append(result)
            names.append(at)
            scores.append(number - result)
    as_arrays = (np.array(results, np.int64), np.array(names, np.int32))
    return _sorted(tuple(lists), *as_arrays, np.array(scores, np.float64))


def _sorted(
    names: Sequence[str],
    results: NDArray[np.int64],
    name_of: NDArray[np.int32],
    scores: NDArray[np.float64],
) -> _Numbers:
    order = np.argsort(results, kind="stable")
    return _Numbers(tuple(names), results[order], name_of[order], scores[order])


def _numbers(path: Path, name: str, values: Iterable[Any]) -> NDArray[np.float64]:
    refused = _refusal(path, f"something else than numbers from 0 on for {name[:80]!r}")
    if not isinstance(values, list) or not all(type(each) in (int, float) for each in values):
        raise refused
    try:
        found = np.array(values, np.float64)
    except OverflowError:
        raise refused from None
    if not np.all((found >= 0) & (found < 1 << 40)):
        raise refused
    return found


def _refusal(path: Path, got: str) -> UsageError:
    return UsageError(f"{path}: expected the db.json of picobyte's tagger, got {got}")
