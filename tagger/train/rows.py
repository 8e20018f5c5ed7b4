"""The rows of a DATASET that a training learns from, fits thresholds on and is judged on."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from ..dataset.index import Dataset
from ..dataset.splits import Split
from ..errors import DatasetError
from .config import TrainConfig


def splits(
    config: TrainConfig, dataset: Dataset, broken: Collection[int] = ()
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Rows to train, calibrate and validate on, as `limit` and `overfit` say, intp[N] each.

    broken: rows whose pictures can't be read. Raises DatasetError where a split has none left.
    """
    training = _rows(dataset, broken, "train")
    if len(training) < 2:
        raise DatasetError(f"{dataset.path}: expected two training pictures or more, got one")
    if config.data.overfit:
        few = training[: max(2, config.data.overfit)]
        return few, few, few
    if config.data.limit:
        chance = np.random.default_rng(config.run.seed)  # some from everywhere, not the first
        training = np.sort(chance.permutation(training)[: max(2, config.data.limit)])
    return training, _rows(dataset, broken, "calibration"), _rows(dataset, broken, "validation")


def _rows(dataset: Dataset, broken: Collection[int], split: Split) -> NDArray[np.intp]:
    rows = dataset.rows(split)
    if broken:
        rows = rows[~np.isin(rows, list(broken))]
    if not len(rows):
        raise DatasetError(
            f"{dataset.path}: expected pictures in the split {split}, got none: build it with a "
            f"larger share for {split}"
        )
    return rows
