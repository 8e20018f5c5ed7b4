"""The scores that are kept of one model's pictures: asked for, judged, added to."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..captioner import Captioner
from ..errors import StoreError
from ..models.spec import Contract, Model, digest
from ..scores import Scores, Sparse
from ..store import Key, Look, Store, look

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Keeping:
    """How kept scores are used.

    rehash: read every file, though it looks unchanged. every: keep every score, and use only
    such that were kept so.
    """

    rehash: bool = False
    every: bool = False


@dataclass(frozen=True)
class Scored:
    """Scores to keep, the content they are of, and how the model was run."""

    content: str
    scores: Scores
    contract: Contract


class Memory:
    """The kept scores of one model's pictures. All methods may be called by any thread.

    A store that refuses is named once, and no more used: then nothing is known.
    """

    def __init__(
        self, store: Store, model: Model, captioner: Captioner, keeping: Keeping | None = None
    ) -> None:
        self.keeping = keeping or Keeping()
        self._store, self._model, self._captioner = store, model, captioner
        self._ways: dict[Contract, tuple[str, str]] = {}
        self._broken = False

    def known(self, paths: Sequence[Path]) -> Sequence[Look | None]:
        """What is known of files that look unchanged, without reading them."""
        if self.keeping.rehash:
            return [None] * len(paths)
        return self._try(lambda: self._store.known_all(paths)) or [None] * len(paths)

    def look(self, path: Path) -> Look | None:
        """Read a file for its hash, None where that is of no use. Raises ImageError."""
        return None if self._broken else look(path)

    def content(self, path: Path) -> str | None:
        """The hash of a picture, None where the store can't be used. Raises ImageError."""
        return self._try(lambda: self._store.content(path, rehash=self.keeping.rehash))

    def scores(
        self, content: str, suffices: Callable[[Scores], bool] | None = None
    ) -> Scores | None:
        """The kept scores of a content, if they suffice; without `suffices` for the captioner."""
        return self.scores_all([content], suffices).get(content)

    def scores_all(
        self, contents: Sequence[str], suffices: Callable[[Scores], bool] | None = None
    ) -> dict[str, Scores]:
        """The kept scores of those contents that have such, of any way to run the model.

        Those that another tool left, taken up by `imports`, come last.
        """
        found: dict[str, Scores] = {}
        for way in self._asked if self._asks(contents) else ():
            missing = [content for content in contents if content not in found]
            kept = self._try(partial(self._store.get_all, missing, *way)) if missing else None
            for content, sparse in (kept or {}).items():
                scores = self._try(partial(self._whole, sparse))
                if scores is not None and (suffices or self._suffices)(scores):
                    found[content] = scores
        return found

    def keep(self, content: str, scores: Scores, contract: Contract) -> None:
        """Keep the scores of a content."""
        self.keep_all([Scored(content, scores, contract)])

    def keep_all(self, scored: Iterable[Scored], looks: Sequence[Look] = ()) -> None:
        """Keep scores, and what files were found to hold, at once."""
        rows = [(self._key(each), self._sparse(each.scores)) for each in scored]
        self._try(lambda: self._store.keep(rows, looks))

    def _asks(self, contents: Sequence[str]) -> bool:
        """Whether to ask for scores: to say of which weights, their files are hashed, once.

        That takes a second for each GB, and pictures that are new to the store wait for nothing.
        """
        asked = "_asked" in self.__dict__
        return asked or bool(self._try(partial(self._store.holds_any, contents)))

    @cached_property
    def _asked(self) -> tuple[tuple[str, str], ...]:
        """Under which names scores of this model may be kept."""
        return (*map(self._way, self._model.contracts), imported(self._model))

    def _way(self, contract: Contract) -> tuple[str, str]:
        if contract not in self._ways:
            self._ways[contract] = self._model.identity(contract), digest(contract.preprocess)
        return self._ways[contract]

    def _key(self, scored: Scored) -> Key:
        return Key(scored.content, *self._way(scored.contract))

    def _sparse(self, scores: Scores) -> Sparse:
        return _every(scores) if self.keeping.every else scores.sparse()

    def _suffices(self, scores: Scores) -> bool:
        return scores.floor == 0 or (not self.keeping.every and self._captioner.decides(scores))

    def _whole(self, sparse: Sparse) -> Scores:
        labels, name = self._model.labels, self._model.name
        if len(sparse.values) == len(labels):  # kept whole
            return Scores(sparse.values, labels, name)
        return Scores.from_sparse(sparse, labels, name)

    def _try(self, act: Callable[[], T]) -> T | None:
        if self._broken:
            return None
        try:
            return act()
        except StoreError as error:
            self._broken = True
            log.warning("%s; this run goes on without kept scores", error)
            return None


def imported(model: Model) -> tuple[str, str]:
    """Under which names other tools' scores are kept: the model's name and its labels."""
    names = "\n".join(model.labels.names).encode("utf-8", "surrogatepass")
    return f"imported {model.name}", hashlib.blake2b(names, digest_size=16).hexdigest()


def _every(scores: Scores) -> Sparse:
    count = len(scores.labels)
    if count <= 0xFFFF:
        return Sparse(np.arange(count, dtype=np.uint16), scores.values)
    return Sparse(np.arange(count, dtype=np.uint32), scores.values)
