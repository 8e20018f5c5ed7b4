"""Scores of other tools taken up among the kept ones: by picture, by model; nothing is inferred.

They are kept apart from our own, which go first: other programs prepare pictures otherwise, and
their scores differ a little.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..backends.devices import cores
from ..errors import CaptionError, ImageError, UsageError
from ..models.spec import Model
from ..scores import FLOOR, RATING, Sparse, rounded
from ..spelling import key
from ..store import Key, Store
from .dbjson import DbJson, pixel_hash
from .foreign import Said, read_scores
from .memory import imported
from .noted import Noted
from .walk import Listing, walk

FindModel = Callable[[str], Model | None]
"""A model by its name, None where the name is none; raises ModelError if it is not here."""

_AT_ONCE = 64
_LEAST = 10  # tags from which on it is worth asking whether they are the model's


@dataclass
class Report:
    """What became of what was found, growing meanwhile.

    pictures: those that were looked at. taken: pictures by the name of the model. unknown: tags
    that a model does not have, with the pictures that had them. absent: results in a db.json
    whose picture was not met. failures: what was left out, with the reason.
    """

    pictures: int = 0
    taken: Counter[str] = field(default_factory=lambda: Counter[str]())
    unknown: Counter[str] = field(default_factory=lambda: Counter[str]())
    absent: int = 0
    failures: Noted = field(default_factory=Noted)


class Taker:
    """Takes up what one model said."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._ratings, self._tags = dict[str, int](), dict[str, int]()
        for index, label in enumerate(model.labels):
            if label.name:
                part = self._ratings if label.category.name == RATING else self._tags
                part.setdefault(key(label.name), index)

    def sparse(self, said: Said, unknown: Counter[str]) -> Sparse:
        """The scores by the model's labels; what it does not have is counted.

        Raises CaptionError if most of the tags are not the model's.
        """
        tags, ratings = _indices(said.tags, self._tags), _indices(said.ratings, self._ratings)
        if len(said.tags) >= _LEAST and 2 * len(tags) < len(said.tags):
            raise CaptionError(
                f"expected tags of {self.model.name}, got {len(said.tags) - len(tags):,} others of "
                f"{len(said.tags):,}: name the model they are of with --model"
            )
        unknown.update(name for name in said.tags if key(name) not in self._tags)
        kept = {at: score for at, score in tags.items() if score >= FLOOR} | ratings
        count = len(self.model.labels)
        kind: Any = np.uint16 if count <= 0xFFFF else np.uint32
        indices = np.array(sorted(kept), kind)
        return Sparse(indices, rounded([kept[int(at)] for at in indices]))


class Sources:
    """Where scores are looked for: sidecars beside pictures, and some db.json."""

    def __init__(self, databases: Sequence[DbJson], find: FindModel, model: str = "") -> None:
        """`model` is the one meant where nothing says whose scores they are.

        Raises:
            UsageError: a model in a database that is not known, or not on this machine.
        """
        self.databases = databases
        self._find, self._model = find, model
        self._takers: dict[str, Taker] = {}
        for each in databases:
            for title in each.titles:
                self.taker(title, each.path)

    def taker(self, name: str, path: Path) -> Taker:
        """What takes up the scores that `path` has of a model of that name, which may be empty.

        Raises UsageError where it is not known, or not on this machine.
        """
        if name not in self._takers:
            model = self._find(name) if name else None
            model = model or (self._find(self._model) if self._model else None)
            if model is None:
                got = f"{name!r}, which is not known" if name else "scores that do not say whose"
                raise UsageError(
                    f"{path}: expected the name of a model, got {got}: name it with --model"
                )
            self._takers[name] = Taker(model)
        return self._takers[name]


class Importer:
    """Looks through folders for scores; `report` grows meanwhile."""

    def __init__(self, sources: Sources, store: Store | None) -> None:
        """Without a store nothing is kept, only counted."""
        self.report = Report()
        self._sources, self._store = sources, store
        self._met: set[tuple[int, str, str]] = set()

    def run(self, folders: Sequence[Path]) -> Iterator[int]:
        """Go through the pictures of folders; gives again and again how many were looked at.

        Raises:
            UsageError: as `Sources.taker` does.
            StoreError: the store can't be written.
        """
        with ThreadPoolExecutor(cores(), thread_name_prefix="tagger-import") as threads:
            for group in _groups(folders):
                pixels = threads.map(self._pixels, (picture for picture, _ in group))
                rows: list[tuple[Key, Sparse]] = []
                for (picture, shared), known in zip(group, pixels, strict=True):
                    rows += self._taken(picture, shared, known)
                if self._store is not None:
                    self._store.keep(rows)
                self.report.pictures += len(group)
                yield self.report.pictures
        self.report.absent = sum(map(len, self._sources.databases)) - len(self._met)

    def _pixels(self, picture: Path) -> str | ImageError:
        """The hash of the pixels, where a database asks for it."""
        if not self._sources.databases:
            return ""
        try:
            return pixel_hash(picture)
        except ImageError as error:
            return error

    def _taken(
        self, picture: Path, shared: bool, pixels: str | ImageError
    ) -> list[tuple[Key, Sparse]]:
        if isinstance(pixels, ImageError):
            self.report.failures.add(picture, pixels.cause)
            return []
        try:
            said = [*self._in_databases(pixels), *_beside(picture, shared)]
            if not said:
                return []
            content = "" if self._store is None else self._store.content(picture)
            return [self._row(content, *each) for each in said]
        except ImageError as error:
            self.report.failures.add(picture, error.cause)
        except CaptionError as error:
            self.report.failures.add(picture, str(error))
        return []

    def _in_databases(self, pixels: str) -> Iterator[tuple[Path, str, Said]]:
        for number, database in enumerate(self._sources.databases):
            for title, said in database.of(pixels).items():
                self._met.add((number, pixels, title))
                yield database.path, title, said

    def _row(self, content: str, path: Path, name: str, said: Said) -> tuple[Key, Sparse]:
        taker = self._sources.taker(name, path)
        sparse = taker.sparse(said, self.report.unknown)
        self.report.taken[taker.model.name] += 1
        return Key(content, *imported(taker.model)), sparse


def _beside(picture: Path, shared: bool) -> Iterator[tuple[Path, str, Said]]:
    """What the sidecar of a picture says."""
    path = picture.with_suffix(".json")
    said = read_scores(path)
    if said is None:
        return
    if shared:
        raise CaptionError(f"{path}: expected one picture of that name, got several: left out")
    yield path, said.model, said


def _groups(folders: Sequence[Path]) -> Iterator[list[tuple[Path, bool]]]:
    """The pictures, some at a time, and whether others share their name."""
    pictures = (one for listing in walk(folders).listings() for one in _named(listing))
    while group := list(itertools.islice(pictures, _AT_ONCE)):
        yield group


def _named(listing: Listing) -> Iterator[tuple[Path, bool]]:
    pictures = [listing.folder / name for name in listing.names]
    stems = Counter(picture.stem for picture in pictures)
    return ((picture, stems[picture.stem] > 1) for picture in pictures)


def _indices(found: Mapping[str, float], places: Mapping[str, int]) -> dict[int, float]:
    """The scores by label; of spellings that are one tag, the highest."""
    kept: dict[int, float] = {}
    for name, score in found.items():
        at = places.get(key(name))
        if at is not None:
            kept[at] = max(score, kept.get(at, 0.0))
    return kept
