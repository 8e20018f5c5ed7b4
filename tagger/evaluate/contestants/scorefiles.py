"""Files of scores as contestants: JSON beside pictures, or one Parquet of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ...errors import CaptionError, ImageError, ModelError, UsageError
from ...folder.foreign import read_scores
from ...folder.scoretable import ScoreTable
from ...images import content_hash
from ...models.registry import default_registry
from ...models.spec import Model
from ...scores import RATING
from ..answers import Said
from ..truth import Picture
from .contestant import About, Beside


class SidecarContestant:
    """Reads the scores that lie beside captions, as `tagger caption --json-sidecar` leaves them.

    Where they name a model of this machine, its vocabulary and thresholds are known.
    """

    def __init__(self, name: str, folder: Path) -> None:
        """Raises UsageError where the folder has no such files."""
        self._folder = folder
        model = _model(_first_model(folder))
        self.about = About(
            name or folder.resolve().name,
            str(folder),
            "scores",
            vocabulary=model and {one.name: one.category.name for one in model.labels if one.name},
            thresholds=model and model.thresholds,
            label_thresholds={} if model is None else _label_thresholds(model),
        )

    def open(self, alone: bool = False) -> None:
        """Nothing is loaded."""

    def one(self, picture: Picture) -> Said:
        """The scores of its file."""
        return next(self.many([picture]))

    def many(self, pictures: Sequence[Picture]) -> Iterator[Said]:
        """The scores of each."""
        files = Beside(self._folder, ".json", pictures)
        return (self._said(files.of(picture)) for picture in pictures)

    def close(self) -> None:
        """Nothing was taken."""

    def _said(self, path: Path | str) -> Said:
        if isinstance(path, str):
            return Said(fault=path)
        try:
            found = read_scores(path)
        except CaptionError as error:
            return Said(fault=str(error))
        return Said(found.tags, found.ratings) if found else Said(fault="no file of that name")


class TableContestant:
    """Reads one Parquet, as `tagger caption --output scores.parquet` writes it.

    A picture is found by its place, else by its bytes, else by its name if no other has that.
    """

    def __init__(self, name: str, file: Path) -> None:
        """Raises UsageError if it is no such file."""
        self._file = file
        head = self._head = ScoreTable(file).head
        own = {one.name: one.threshold for one in head.labels if one.threshold is not None}
        self.about = About(
            name or file.stem,
            str(file),
            "scores",
            vocabulary={one.name: one.category.name for one in head.labels if one.name},
            thresholds=head.thresholds,
            label_thresholds=own,
        )
        self._names: dict[str, list[tuple[int, str]]] = {}
        self._hashes: dict[str, int] = {}
        self._values: NDArray[np.float32] = np.zeros((0, len(head.labels)), np.float32)

    def open(self, alone: bool = False) -> None:
        """Read the file. Raises UsageError if it is cut off or broken."""
        parts: list[NDArray[np.float32]] = []
        count = 0
        for rows in ScoreTable(self._file):
            for at, (path, digest) in enumerate(zip(rows.paths, rows.hashes, strict=True), count):
                place = path.replace("\\", "/")
                self._names.setdefault(PurePosixPath(place).stem, []).append((at, place))
                self._hashes[digest] = at
            count += len(rows.paths)
            parts.append(rows.values)
        self._values = np.concatenate(parts) if parts else self._values

    def one(self, picture: Picture) -> Said:
        """The scores of its row."""
        return next(self.many([picture]))

    def many(self, pictures: Sequence[Picture]) -> Iterator[Said]:
        """The scores of each."""
        names = Counter(PurePosixPath(each.name).stem for each in pictures)
        for picture in pictures:
            try:
                row = self._row(picture, names[PurePosixPath(picture.name).stem] == 1)
            except ImageError as error:
                yield Said(fault=error.cause)
                continue
            yield Said(fault="no row of that picture") if row is None else self._said(row)

    def close(self) -> None:
        """Forget the scores."""
        self._values = self._values[:0]

    def _row(self, picture: Picture, alone: bool) -> int | None:
        rows = self._names.get(PurePosixPath(picture.name).stem, [])
        same = [row for row, path in rows if f"/{path}".endswith(f"/{picture.name}")]
        if len(same) == 1:
            return same[0]
        found = self._hashes.get(content_hash(picture.path))
        if found is None and alone and len(rows) == 1:
            return rows[0][0]
        return found

    def _said(self, row: int) -> Said:
        tags: dict[str, float] = {}
        ratings: dict[str, float] = {}
        for label, value in zip(self._head.labels, self._values[row].tolist(), strict=True):
            if label.name:
                (ratings if label.category.name == RATING else tags)[label.name] = value
        return Said(tags, ratings)


def _first_model(folder: Path) -> str:
    """The model that the first file of scores names, empty where it names none."""
    for path in sorted(folder.rglob("*.json")):
        try:
            found = read_scores(path)
        except CaptionError:
            continue
        if found:
            return found.model
    raise UsageError(
        f"{folder}: expected scores as JSON beside pictures, as `tagger caption --json-sidecar` "
        f"leaves them, got none"
    )


def _model(name: str) -> Model | None:
    try:
        model = default_registry().find(name) if name else None
    except ModelError:
        return None
    return model if model and model.on_disk else None


def _label_thresholds(model: Model) -> Mapping[str, float]:
    return {one.name: one.threshold for one in model.labels if one.threshold is not None}
