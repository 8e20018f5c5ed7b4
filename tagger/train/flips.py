"""What a mirrored picture shows: tags that say left or right change places."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..labels import LabelSet
from ..spelling import key

_OTHER = {"left": "right", "right": "left"}
_NAMES = ("character", "copyright", "artist", "rating")
"""Categories of names: `left 4 dead` is no side."""


@dataclass(frozen=True, eq=False)
class Flips:
    """For each label the one that it is in a mirror.

    partner: intp[n]. alone: bool[n], labels with a side whose partner is not in the vocabulary:
    of a mirrored picture nothing is known of them.
    """

    partner: NDArray[np.intp]
    alone: NDArray[np.bool_]

    def apply(
        self, truth: NDArray[np.bool_], known: NDArray[np.bool_], flipped: NDArray[np.bool_]
    ) -> None:
        """Mirror the rows `flipped`, bool[N], of truth and known, bool[N, n], in place."""
        if not flipped.any():
            return
        truth[flipped] = truth[flipped][:, self.partner]
        known[flipped] = known[flipped][:, self.partner] & ~self.alone

    def apply_scores(self, scores: NDArray[np.float32], flipped: NDArray[np.bool_]) -> None:
        """Mirror the rows `flipped` of another tagger's scores, float32[N, n], in place."""
        mirrored = scores[flipped][:, self.partner]
        mirrored[:, self.alone] = np.nan
        scores[flipped] = mirrored


def make_flips(labels: LabelSet, file: Path | None = None) -> Flips:
    """Find the pairs by their names, `left` for `right`, and in a CSV of two tags a line.

    Raises OptionError for a file that is none or names a tag that is not there.
    """
    by_key = {key(label.name): place for place, label in enumerate(labels)}
    partner = np.arange(len(labels))
    alone = np.zeros(len(labels), np.bool_)
    for place, label in enumerate(labels):
        other = _mirrored(label.name)
        if other == label.name or label.category.name in _NAMES:
            continue
        found = by_key.get(key(other))
        alone[place] = found is None
        partner[place] = place if found is None else found
    for first, second in _pairs(file, by_key):
        partner[first], partner[second] = second, first
        alone[[first, second]] = False
    return Flips(partner, alone)


def _mirrored(name: str) -> str:
    return re.sub(r"(?<![a-z])(left|right)(?![a-z])", lambda found: _OTHER[found[1]], name)


def _pairs(file: Path | None, by_key: dict[str, int]) -> list[tuple[int, int]]:
    if file is None:
        return []
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            lines = [line for line in csv.reader(opened) if line]
    except (OSError, ValueError, csv.Error) as error:
        raise OptionError(f"flip_pairs: expected a CSV of two tags a line, got {error}") from error
    pairs: list[tuple[int, int]] = []
    for line in lines:
        places = [by_key.get(key(name)) for name in line]
        if len(places) != 2 or None in places:
            raise OptionError(
                f"flip_pairs: expected two tags of the vocabulary on each line of {file}, got "
                f"{','.join(line)[:60]!r}"
            )
        pairs.append((places[0] or 0, places[1] or 0))
    return pairs
