"""Scores that other tools, or we, left beside a picture as JSON; read within bounds, not trusted.

toriato's tagger and its heirs write `[{rating: score}, {tag: score}]`; we write `model`, `rating`
and `tags`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..errors import CaptionError
from .wholefile import get_file

LARGEST = 16_000_000
"""Bytes of the largest sidecar that is read: a hundred thousand tags take half of it."""


@dataclass(frozen=True)
class Said:
    """What a model said of a picture: names as it has them, scores from 0 to 1.

    model: its name, empty where the file does not say.
    """

    model: str
    ratings: Mapping[str, float]
    tags: Mapping[str, float]


def read_scores(path: Path) -> Said | None:
    """The scores in a sidecar, None where there is no such file.

    Raises CaptionError if it holds something else.
    """
    data = get_file(path, most=LARGEST)
    if data is None:
        return None
    try:
        found = loaded(data)
    except ValueError as error:
        raise _refusal(path, f"no JSON: {error}") from error
    match found:
        case [dict(ratings), dict(tags)]:
            return Said("", _scores(path, ratings), _scores(path, tags))
        case {"model": str(model), "rating": dict(ratings), "tags": dict(tags)}:
            return Said(model, _scores(path, ratings), _scores(path, tags))
        case _:
            raise _refusal(path, "other JSON")


def loaded(data: bytes) -> Any:
    """What JSON says; ValueError for what is none, with NaN and endless nesting."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no number")

    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _scores(path: Path, found: Mapping[Any, Any]) -> dict[str, float]:
    for name, value in found.items():
        if type(value) not in (int, float) or not 0 <= value <= 1:
            got = repr(value)[:40]
            raise _refusal(path, f"{got} for {str(name)[:80]!r}, which is no score from 0 to 1")
    return {str(name): float(value) for name, value in cast("Mapping[str, float]", found).items()}


def _refusal(path: Path, got: str) -> CaptionError:
    return CaptionError(f"{path}: expected the scores of a tagger, got {got}: left alone")
