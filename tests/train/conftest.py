"""A small DATASET of drawn squares, written without the builder, and a network that learns it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("timm")
pa = pytest.importorskip("pyarrow")

from tagger.dataset import index  # noqa: E402
from tagger.labels import DANBOORU, Label, LabelSet, category  # noqa: E402

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 60), "blue": (40, 60, 230)}
NAMES = (*(f"{name}_square" for name in COLOURS), "dark_background", "framed")
CHARACTERS = ("anna_(squares)", "bert_(squares)")
SMALL = '{"channels": [8, 16, 24, 32], "stem_width": 8}'


def vocabulary(characters: bool = True) -> LabelSet:
    """Five general labels, two characters, one copyright."""
    general = [Label(name, category(DANBOORU, 0), 90 - n) for n, name in enumerate(NAMES)]
    people = [Label(name, category(DANBOORU, 4), 9) for name in CHARACTERS] if characters else []
    return LabelSet((*general, *people, Label("squares", category(DANBOORU, 3), 99)))


def picture(truth: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """32 x 32: a square of each colour that is true, somewhere; a frame where that is true."""
    ground = rng.integers(0, 40, 3) if truth[3] else rng.integers(200, 255, 3)
    pixels = np.broadcast_to(ground, (32, 32, 3)).astype(np.uint8).copy()
    for place, colour in enumerate(COLOURS.values()):
        if truth[place]:
            x, y = rng.integers(4 + 8 * place, 7 + 8 * place), rng.integers(4, 20)
            pixels[y : y + 7, x : x + 6] = colour
    if truth[4]:
        pixels[[0, 1, -1, -2]] = pixels[:, [0, 1, -1, -2]] = (128, 128, 0)
    return Image.fromarray(pixels)


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Write a DATASET: so many training pictures, then a third as many in both other splits."""

    def make(
        training: int = 48, ratings: str = "g", characters: bool = True, unknown: int = 0
    ) -> Path:
        rng = np.random.default_rng(7)
        labels = vocabulary(characters)
        count = training + 2 * (training // 3)
        truth = np.zeros((count, len(labels)), bool)
        truth[:, :5] = rng.random((count, 5)) < 0.5
        if characters:
            truth[:, 5] = truth[:, 0] & truth[:, 3]
            truth[:, 6] = truth[:, 1] & ~truth[:, 3]
        truth[:, -1] = truth[:, 4]
        images = tmp_path / "images"
        images.mkdir()
        for row in range(count):
            picture(truth[row], rng).save(images / f"{row}.png")
        splits = ["train"] * training
        splits += ["calibration"] * (training // 3) + ["validation"] * (training // 3)
        hidden = [[n for n in range(2) if row < unknown] for row in range(count)]
        columns: dict[str, Any] = {
            "id": range(count),
            "path": [f"{row}.png" for row in range(count)],
            "md5": [""] * count,
            "width": [32] * count,
            "height": [32] * count,
            "rating": [ratings[row % len(ratings)] for row in range(count)],
            "tags": [
                [n for n in np.flatnonzero(truth[row]).tolist() if n not in hidden[row]]
                for row in range(count)
            ],
            "unknown": hidden,
            "group": range(count),
            "split": splits,
            "source": ["squares"] * count,
        }
        kinds = {name: pa.string() for name, kind in index.COLUMNS.items() if kind == "string"}
        kinds |= {"id": pa.int64(), "group": pa.int64()}
        kinds |= {"width": pa.int32(), "height": pa.int32()}
        kinds |= {"tags": pa.list_(pa.int32()), "unknown": pa.list_(pa.int32())}
        table = pa.table({k: pa.array(list(columns[k]), kinds[k]) for k in index.COLUMNS})
        folder = tmp_path / "dataset"
        folder.mkdir()
        source = {"name": "squares", "root": str(images), "relative": "../images"}
        about = {
            "sources": [{**source, "posts": count, "rows": count}],
            "rows": {"train": training},
        }
        index.write(folder, [table], labels, json.loads(json.dumps(about)))
        return folder

    return make
