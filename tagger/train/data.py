"""The pictures of a DATASET as the network sees them.

Every picture goes through the same `images` and `fit` as when it is tagged, then is averaged
down by the network's pool. Where the disk has room they lie in one memory-mapped file under
TAGGER_HOME, named by the dataset's content hash, so that an epoch decodes nothing and a second
training starts at once; else they are decoded again whenever they are seen.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..bytecount import readable
from ..dataset.index import Dataset
from ..errors import DatasetError, ImageError
from ..home import make, part
from ..images import load, open_quickly
from ..models.contract import digest
from ..preprocess import fit
from ..resample import Method
from .config import NetworkOptions

Progress = Callable[[str, int, int], None]
Source = Callable[[int], Path | bytes]
"""From a row of the dataset to its picture's file, or what is in it."""
PROBED = 64
"""Pictures that are opened first, to see whether they are there at all."""


class Pictures(Protocol):
    """What the network sees of the rows of a DATASET.

    broken: row to cause, of the pictures that could not be read so far; their pixels are white.
    """

    @property
    def broken(self) -> dict[int, str]: ...

    def read(self, row: int, kernel: Method | None = None) -> NDArray[np.uint8]:
        """One picture, uint8[side, side, 3], RGB; any thread may ask."""
        ...


@dataclass(frozen=True, eq=False)
class Prepared:
    """Pictures that were decoded before: uint8[N, side, side, 3], a memory-mapped file."""

    pixels: NDArray[np.uint8]
    broken: dict[int, str]

    def read(self, row: int, kernel: Method | None = None) -> NDArray[np.uint8]:
        """One picture; its kernel was chosen when it was prepared."""
        return self.pixels[row]


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pictures that are decoded whenever they are asked for."""

    source: Source
    options: NetworkOptions
    broken: dict[int, str] = field(default_factory=dict)

    def read(self, row: int, kernel: Method | None = None) -> NDArray[np.uint8]:
        """One picture, decoded; white where it can't be, which is then told in `broken`."""
        try:
            return prepared(self.source(row), self.options, kernel)
        except ImageError as error:
            self.broken[row] = str(error)
            side = self.options.side
            return np.full((side, side, 3), 255, np.uint8)


def prepared(
    source: Path | bytes, options: NetworkOptions, kernel: Method | None = None
) -> NDArray[np.uint8]:
    """One picture as the network sees it, uint8[side, side, 3]. Raises ImageError."""
    own = options.preprocess
    how = replace(own, resample=kernel) if kernel else own
    return pooled(fit(open_quickly(source), how, "auto"), options.block)


def prepare(dataset: Dataset, source: Source, options: NetworkOptions, tell: Progress) -> Prepared:
    """Open the prepared pictures of a dataset, preparing them first where they are not there.

    Raises DatasetError where most pictures can't be read, or the disk has no room for them.
    """
    kept = kept_at(dataset, options)
    beside = kept.with_suffix(".json")
    if not is_prepared(dataset, options):
        _prepare(dataset, source, options, kept, beside, tell)
    return read_prepared(dataset, options)


def read_prepared(dataset: Dataset, options: NetworkOptions) -> Prepared:
    """The prepared pictures of a dataset, which are there."""
    kept = kept_at(dataset, options)
    beside = kept.with_suffix(".json")
    pixels = np.load(kept, mmap_mode="r", allow_pickle=False)
    broken = {int(row): cause for row, cause in json.loads(beside.read_text("utf-8")).items()}
    return Prepared(pixels, broken)


def kept_at(dataset: Dataset, options: NetworkOptions) -> Path:
    """The file of the prepared pictures, there or not."""
    folder = make(part("cache") / "pixels")
    how = options.preprocess
    return folder / f"{dataset.content[:16]}-{digest(how)}-{options.block}.npy"


def is_prepared(dataset: Dataset, options: NetworkOptions) -> bool:
    """Whether the prepared pictures are there."""
    kept = kept_at(dataset, options)
    return kept.is_file() and kept.with_suffix(".json").is_file()


def bytes_needed(dataset: Dataset, options: NetworkOptions) -> int:
    """Of the file of the prepared pictures."""
    return len(dataset) * options.side**2 * 3


def probe(dataset: Dataset, pictures: Decoded) -> None:
    """Open a few pictures from all over. Raises DatasetError where most of them can't be read."""
    rows = np.unique(np.linspace(0, len(dataset) - 1, PROBED).astype(np.intp))
    for row in rows.tolist():
        pictures.read(row)
    check_broken(dataset, pictures.broken, len(rows))


def check_broken(dataset: Dataset, broken: dict[int, str], seen: int) -> None:
    """Raise DatasetError where more than half of the pictures seen could not be read."""
    if 2 * len(broken) > seen:
        raise DatasetError(
            f"{dataset.path}: expected pictures, got {len(broken):,} of {seen:,} that "
            f"can't be read ({next(iter(broken.values()))}): say where the pictures are now "
            f"with --moved SOURCE=FOLDER"
        )


def pooled(pixels: NDArray[np.uint8], pool: int) -> NDArray[np.uint8]:
    """Average whole blocks, uint8[H, W, 3] -> uint8[H / pool, W / pool, 3], rounded."""
    if pool == 1:
        return pixels
    height, width, _ = pixels.shape
    blocks = pixels.reshape(height // pool, pool, width // pool, pool, 3)
    # two sums over one axis each are several times faster than one over both
    total = blocks.sum(axis=3, dtype=np.uint16).sum(axis=1, dtype=np.uint32)
    return ((2 * total + pool * pool) // (2 * pool * pool)).astype(np.uint8)


def _prepare(
    dataset: Dataset,
    source: Source,
    options: NetworkOptions,
    kept: Path,
    beside: Path,
    tell: Progress,
) -> None:
    shape = (len(dataset), options.side, options.side, 3)
    check_room(dataset, options)
    new = kept.with_name(f".{kept.stem}-{os.getpid()}.npy")
    try:
        pixels: Any = np.lib.format.open_memmap(new, "w+", np.uint8, shape)
        broken = _fill(pixels, Decoded(source, options), tell)
        pixels.flush()
        check_broken(dataset, broken, len(dataset))
        beside.write_text(json.dumps(broken, ensure_ascii=False), encoding="utf-8")
        new.replace(kept)
    finally:
        new.unlink(missing_ok=True)


def _fill(pixels: NDArray[np.uint8], pictures: Decoded, tell: Progress) -> dict[int, str]:
    load()  # what decodes and resizes fast
    count = len(pixels)
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        for start in range(0, count, 256):
            rows = range(start, min(start + 256, count))
            tell("preparing pictures", start, count)
            for row, found in zip(rows, threads.map(pictures.read, rows), strict=True):
                pixels[row] = found
    return pictures.broken


def check_room(dataset: Dataset, options: NetworkOptions) -> None:
    """Raise DatasetError where the disk has no room for the prepared pictures."""
    folder, needed = kept_at(dataset, options).parent, bytes_needed(dataset, options)
    free = shutil.disk_usage(folder).free
    if free < needed * 1.05:
        raise DatasetError(
            f"{folder}: expected {readable(needed)} of room for the prepared pictures, got "
            f"{readable(free)}: free some, set TAGGER_HOME to a larger disk, or --cache off"
        )


def rows_in_batches(rows: Sequence[int] | NDArray[np.intp], size: int) -> list[NDArray[np.intp]]:
    """All rows in batches, the last as small as it is."""
    array = np.asarray(rows, np.intp)
    return [array[start : start + size] for start in range(0, len(array), size)]
