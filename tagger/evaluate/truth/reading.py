"""Truth read from where it was asked for, and its options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ...errors import DatasetError
from ...options import check, option
from .datasets import read_dataset
from .known import Truth
from .posts import read_posts


@dataclass(frozen=True)
class TruthOptions:
    """Which pictures taggers are compared on."""

    dataset: Path = option(
        help="A DATASET, or posts: the SQLite file that `tagger dataset fetch` made, or other "
        "metadata.",
        metavar="DATASET",
    )
    images: Path | None = option(
        None, help="The folder of the pictures, for posts.", metavar="FOLDER"
    )
    split: Literal["validation", "calibration", "train"] = option(
        "validation", help="The part of a DATASET that is judged."
    )
    calibration: float = option(
        0.2,
        help="Of posts the share on which best thresholds are fitted; a DATASET has a split.",
        ge=0,
        le=0.9,
    )
    limit: int = option(0, help="Pictures at most of each part, drawn by --seed; 0: all.", ge=0)
    seed: int = option(0, help="Other pictures, other draws.", ge=0)

    def __post_init__(self) -> None:
        check(self)


def read_truth(options: TruthOptions) -> Truth:
    """Read the truth that was asked for.

    Raises DatasetError where there is none, or none of its pictures is there.
    """
    if (options.dataset / "dataset.json").is_file():
        truth = read_dataset(options.dataset, options.split, options.images)
    elif options.dataset.exists():
        truth = read_posts(options.dataset, options.images, options.calibration)
    else:
        raise DatasetError(
            f"{options.dataset}: expected a DATASET or a file of posts, got nothing there"
        )
    truth = _drawn(truth, options.limit, options.seed)
    if not truth.judged:
        reasons = ", ".join(f"{count:,} {why}" for why, count in truth.left_out.items())
        raise DatasetError(
            f"{options.dataset}: expected pictures to judge by, got none ({reasons or 'no posts'})"
        )
    return truth


def _drawn(truth: Truth, limit: int, seed: int) -> Truth:
    """At most so many of each part, in their order."""
    if not limit:
        return truth
    rng = np.random.default_rng(seed)
    kept: list[int] = []
    for part in ("judged", "calibration"):
        places = [at for at, each in enumerate(truth.pictures) if each.part == part]
        kept += rng.permutation(places)[:limit].astype(int).tolist()
    return replace(truth, pictures=tuple(truth.pictures[at] for at in sorted(kept)))
