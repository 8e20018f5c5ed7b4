"""A sheet of pictures with what the network says of them and what is true, an epoch at a time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..evaluate.metrics import Predictions
from ..labels import LabelSet
from .data import Pictures
from .written import write_json, write_png

SIDE, TEXT, GAP, LINE = 160, 300, 10, 14
"""Pixels: a picture's side, the column of its tags, what is left free, a line."""
AT = 0.5
"""From which score on a tag counts as said; thresholds are fitted when the training is done."""
MOST = 10
_COLOURS = {"right": "#1a7f37", "wrong": "#c1121f", "missed": "#9a6700"}
_SIGNS = {"right": "+", "wrong": "-", "missed": "?"}


@dataclass(frozen=True)
class Sample:
    """One picture of a sheet: tags said and true, said and not true, true and not said.

    Each tag with its score, the highest first, at most ten of a kind.
    """

    row: int
    right: tuple[tuple[str, float], ...]
    wrong: tuple[tuple[str, float], ...]
    missed: tuple[tuple[str, float], ...]


def samples_of(
    rows: NDArray[np.intp], found: Predictions, labels: LabelSet, at: float = AT
) -> tuple[Sample, ...]:
    """What is said of rows and what is true, of the labels where that is known."""
    return tuple(
        Sample(
            int(row),
            right=_named(scores, (scores >= at) & truth & known, labels),
            wrong=_named(scores, (scores >= at) & ~truth & known, labels),
            missed=_named(scores, (scores < at) & truth & known, labels),
        )
        for row, scores, truth, known in zip(
            rows, found.scores, found.truth, found.known, strict=True
        )
    )


def spread(rows: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Places of so many rows from everywhere, intp, the same every time."""
    return np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.intp))


def write_sheet(folder: Path, name: str, samples: tuple[Sample, ...], pictures: Pictures) -> Path:
    """Write `name`.png, pictures beside their tags, and `name`.json; gives the PNG's path."""
    columns = 2 if len(samples) > 1 else 1
    high = -(-len(samples) // columns)
    width = columns * (SIDE + TEXT + 2 * GAP) + GAP
    sheet = Image.new("RGB", (width, high * (SIDE + GAP) + 2 * GAP + LINE), "white")
    pen = ImageDraw.Draw(sheet)
    key = f"{name}    + said and true    - said, not true    ? true, not said"
    _write(pen, (GAP, GAP // 2), key, "#555555")
    for place, sample in enumerate(samples):
        x = GAP + (place % columns) * (SIDE + TEXT + 2 * GAP)
        y = GAP + LINE + (place // columns) * (SIDE + GAP)
        picture = Image.fromarray(np.ascontiguousarray(pictures.read(sample.row)))
        sheet.paste(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC), (x, y))
        _list(pen, (x + SIDE + GAP, y), sample)
    path = folder / f"{name}.png"
    write_png(path, sheet)
    write_json(folder / f"{name}.json", [asdict(sample) for sample in samples])
    return path


def _named(
    scores: NDArray[np.float32], which: NDArray[np.bool_], labels: LabelSet
) -> tuple[tuple[str, float], ...]:
    places = np.flatnonzero(which)
    best = places[np.argsort(-scores[places], kind="stable")][:MOST]
    return tuple((labels[place].name, round(float(scores[place]), 3)) for place in best)


def _list(pen: ImageDraw.ImageDraw, at: tuple[int, int], sample: Sample) -> None:
    room = SIDE // LINE
    missed, wrong = sample.missed[:3], sample.wrong[:4]
    right = sample.right[: room - len(missed) - len(wrong)]
    kinds = {"right": right, "wrong": wrong, "missed": missed}
    shown = [
        (kind, f"{_SIGNS[kind]} {name.replace('_', ' ')}  {score:.2f}")
        for kind, tags in kinds.items()
        for name, score in tags
    ]
    for number, (kind, text) in enumerate(shown):
        _write(pen, (at[0], at[1] + number * LINE), text[:44], _COLOURS[kind])


def _write(pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, colour: str) -> None:
    try:
        pen.text(at, text, fill=colour, font=ImageFont.load_default(12))
    except (TypeError, ImportError, UnicodeEncodeError):  # a Pillow without outlines: Latin only
        pen.text(at, text.encode("latin-1", "replace").decode("latin-1"), fill=colour)
