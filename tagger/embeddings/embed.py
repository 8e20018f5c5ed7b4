"""Pictures become vectors: decoded by threads, a few ahead of the model."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..backends.devices import cores
from ..backends.embedding import Embedder
from ..errors import ImageError
from ..images import content_hash, open_quickly
from ..preprocess import fit, stack
from .vectors import Vectors

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Embedded:
    """Vectors of the pictures that could be read, and of the others why not."""

    vectors: Vectors
    failed: tuple[tuple[Path, str], ...]


def embed(
    pictures: Iterable[Path],
    embedder: Embedder,
    model: str,
    tell: Callable[[int], object] = lambda done: None,
) -> Embedded:
    """Embed pictures in order; one that can't be read is left out and named.

    tell: told after each batch how many are done.
    """
    paths: list[str] = []
    hashes: list[str] = []
    rows: list[NDArray[np.float32]] = []
    failed: list[tuple[Path, str]] = []

    def ready(path: Path) -> tuple[Path, str, NDArray[np.uint8] | str]:
        try:
            return path, content_hash(path), fit(open_quickly(path), embedder.preprocess, by="auto")
        except ImageError as error:
            return path, "", str(error)

    done = 0
    for batch in _batches(_ahead(ready, pictures), max(1, embedder.best_batch)):
        good = [each for each in batch if not isinstance(each[2], str)]
        failed += [(each[0], each[2]) for each in batch if isinstance(each[2], str)]
        if good:
            pixels: Any = [each[2] for each in good]
            rows.append(embedder.embed(stack(pixels, embedder.preprocess)))
            paths += [str(each[0]) for each in good]
            hashes += [each[1] for each in good]
        done += len(batch)
        tell(done)
    values = np.concatenate(rows) if rows else np.empty((0, 0), np.float32)
    return Embedded(Vectors(paths, hashes, values, model, embedder.head), tuple(failed))


def _ahead(act: Callable[[Path], T], pictures: Iterable[Path]) -> Iterator[T]:
    """Each picture's result in order, some pictures under way at a time."""
    threads = cores()
    with ThreadPoolExecutor(threads, "tagger-embed") as pool:
        under_way: deque[Future[T]] = deque()
        for picture in pictures:
            under_way.append(pool.submit(act, picture))
            if len(under_way) > 2 * threads:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def _batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    batch: list[T] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
