"""The pictures of a DATASET as the network sees them, prepared once and kept.

Every picture goes through the same `images` and `fit` as when it is tagged, then is averaged
down by the network's pool; the result lies in one memory-mapped file under TAGGER_HOME, named by
the dataset's content hash, so that an epoch decodes nothing and a second training starts at once.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.index import Dataset
from ..errors import DatasetError, ImageError
from ..home import make, part
from ..images import open_image
from ..models.contract import digest
from ..preprocess import WD, fit

Progress = Callable[[str, int, int], None]
THREADS = 4
"""Decoding lets go of the interpreter; more threads than this gain nothing on few cores."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """What the network sees of each row of a DATASET.

    pixels: uint8[N, side, side, 3], RGB, a memory-mapped file. broken: row number to cause, of
    the pictures that could not be read; their pixels are white.
    """

    pixels: NDArray[np.uint8]
    broken: dict[int, str]

    def usable(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """The rows whose pictures could be read, in the order given."""
        return rows[~np.isin(rows, list(self.broken))] if self.broken else rows


def load_pictures(dataset: Dataset, pool: int, tell: Progress) -> Pictures:
    """Open the prepared pictures of a dataset, preparing them first where they are not there.

    Raises DatasetError where most pictures can't be read, or the disk has no room for them.
    """
    folder = make(part("cache") / "pixels")
    stem = f"{dataset.content[:16]}-{digest(WD)}-{pool}"
    kept, beside = folder / f"{stem}.npy", folder / f"{stem}.json"
    if not (kept.is_file() and beside.is_file()):
        _prepare(dataset, pool, kept, beside, tell)
    pixels = np.load(kept, mmap_mode="r", allow_pickle=False)
    broken = {int(row): cause for row, cause in json.loads(beside.read_text("utf-8")).items()}
    return Pictures(pixels, broken)


def pooled(pixels: NDArray[np.uint8], pool: int) -> NDArray[np.uint8]:
    """Average whole blocks, uint8[H, W, 3] -> uint8[H / pool, W / pool, 3], rounded."""
    if pool == 1:
        return pixels
    height, width, _ = pixels.shape
    blocks = pixels.reshape(height // pool, pool, width // pool, pool, 3)
    # two sums over one axis each are several times faster than one over both
    total = blocks.sum(axis=3, dtype=np.uint16).sum(axis=1, dtype=np.uint32)
    return ((2 * total + pool * pool) // (2 * pool * pool)).astype(np.uint8)


def _prepare(dataset: Dataset, pool: int, kept: Path, beside: Path, tell: Progress) -> None:
    side = WD.size[0] // pool
    shape = (len(dataset), side, side, 3)
    _check_room(kept.parent, int(np.prod(shape)))
    new = kept.with_name(f".{kept.stem}-{os.getpid()}.npy")
    try:
        pixels: Any = np.lib.format.open_memmap(new, "w+", np.uint8, shape)
        broken = _fill(pixels, dataset, pool, tell)
        pixels.flush()
        _check_broken(dataset, broken)
        beside.write_text(json.dumps(broken, ensure_ascii=False), encoding="utf-8")
        new.replace(kept)
    finally:
        new.unlink(missing_ok=True)


def _fill(pixels: NDArray[np.uint8], dataset: Dataset, pool: int, tell: Progress) -> dict[int, str]:
    broken: dict[int, str] = {}
    with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as threads:
        for start in range(0, len(dataset), 256):
            rows = range(start, min(start + 256, len(dataset)))
            tell("preparing pictures", start, len(dataset))
            for row, found in zip(rows, threads.map(_reader(dataset, pool), rows), strict=True):
                if isinstance(found, str):
                    broken[row] = found
                pixels[row] = 255 if isinstance(found, str) else found
    return broken


def _reader(dataset: Dataset, pool: int) -> Callable[[int], NDArray[np.uint8] | str]:
    def read(row: int) -> NDArray[np.uint8] | str:
        try:
            with open_image(dataset.image_path(row)) as image:
                return pooled(fit(image, WD), pool)
        except ImageError as error:
            return str(error)

    return read


def _check_broken(dataset: Dataset, broken: dict[int, str]) -> None:
    if 2 * len(broken) > len(dataset):
        raise DatasetError(
            f"{dataset.path}: expected pictures, got {len(broken):,} of {len(dataset):,} that "
            f"can't be read ({next(iter(broken.values()))}): say where the pictures are now"
        )


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed * 1.05:
        raise DatasetError(
            f"{folder}: expected {needed / 1e9:.1f} GB of room for the prepared pictures, got "
            f"{free / 1e9:.1f} GB: free some, or set TAGGER_HOME to a larger disk"
        )


def shuffled(rows: NDArray[np.intp], seed: int, epoch: int) -> NDArray[np.intp]:
    """The order of an epoch: decided by seed and epoch alone."""
    return np.random.default_rng([seed, epoch, 0]).permutation(rows)


def in_batches(rows: Sequence[int] | NDArray[np.intp], size: int) -> list[NDArray[np.intp]]:
    """Whole batches of rows; what is left over at the end is dropped, unless it is all there is."""
    array = np.asarray(rows, np.intp)
    count = max(1, len(array) // size)
    return [array[n * size : (n + 1) * size] for n in range(count)]
