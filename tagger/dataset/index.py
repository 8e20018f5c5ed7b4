"""DATASET, schema 1: what a training reads, written whole and read back.

index.parquet    a row a picture, ordered by source, then id
    id int64, md5 string
    path string           relative to the source's root, with `/`
    width, height int32   pixels as stored
    rating string         `g`, `s`, `q`, `e`, or `safe` of a source with three ratings; or null
    tags list<int32>      labels it has, ascending
    unknown list<int32>   labels of which it is not known, ascending; the rest it has not
    group int64           the first row of its group: the same picture or versions of it
    split string          train, calibration or validation; a group is in one
    source string         the name of a source in dataset.json
    created timestamp[ms] when the post was uploaded, by its source's clock; or null. Older indexes
                          lack it, and the content hash leaves it out
vocabulary.csv   index, name, category, count
relations.json   the sources' aliases and implications among the labels
dataset.json     schema, content hash, options, sources with their roots, counts by reason
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import DatasetError
from ..labels import LabelSet
from ..relationfiles import NAME as RELATIONS
from ..relationfiles import read_relations
from ..relations import EMPTY, Relations
from .content import COLUMNS, PART, hash_columns
from .ragged import Ragged
from .splits import Split
from .vocabulary import read_vocabulary, write_vocabulary

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = 1
Rows = Sequence[int] | NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A DATASET opened for reading; `index` is held in memory, pictures are not touched.

    index: a pyarrow table of the columns above. about: what dataset.json says. roots: for each
    source's name the folder that its paths count from.
    """

    path: Path
    index: pa.Table
    vocabulary: LabelSet
    about: Mapping[str, Any]
    roots: Mapping[str, Path]

    @classmethod
    def open(cls, path: str | Path, roots: Mapping[str, Path] | None = None) -> Dataset:
        """Open a DATASET folder; `roots` says where a source lies now, if it was moved.

        Otherwise a root is looked for where it was when the dataset was built, then where it was
        seen from the dataset's own folder. Raises DatasetError, one sentence.
        """
        path = Path(path)
        about, index = _about(path), _index(path)
        vocabulary = read_vocabulary(path / "vocabulary.csv")
        places = {own["name"]: _root(path, own) for own in about.get("sources", ())} | dict(
            roots or {}
        )
        dataset = cls(path, index, vocabulary, about, places)
        dataset._check()
        return dataset

    def __len__(self) -> int:
        return self.index.num_rows

    @cached_property
    def relations(self) -> Relations:
        """The sources' aliases and implications among the labels; EMPTY in an older DATASET.

        Raises RelationError if the file is not what its name says.
        """
        path = self.path / RELATIONS
        return read_relations(path) if path.is_file() else EMPTY

    @property
    def content(self) -> str:
        """The hash of rows and vocabulary, which says nothing of where anything lies."""
        return self.about["content"]

    def rows(self, split: Split) -> NDArray[np.intp]:
        """Row numbers of a split, intp[N], ascending."""
        return np.flatnonzero(self.column("split") == split)

    def column(self, name: str) -> NDArray[Any]:
        """One column of single values as an array; text as objects, null as None."""
        return self.index[name].to_numpy()

    def image_path(self, row: int) -> Path:
        """Where the picture of a row lies. Raises DatasetError if the path leaves its root."""
        inside = PurePosixPath(self._paths[row])
        if inside.is_absolute() or ".." in inside.parts or "\\" in str(inside):
            raise DatasetError(
                f"{self.path}: expected pictures inside their source's folder, got {inside}"
            )
        return self.roots[self._sources[row]] / inside

    def targets(self, rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """What is true of pictures, and what is known: truth and known, both bool[N, labels].

        Where known is False, truth is False too and says nothing: mask it in loss and metrics.
        """
        wanted = np.asarray(rows, np.intp)
        truth = self._tags.dense(wanted, len(self.vocabulary))
        return truth, ~self._unknown.dense(wanted, len(self.vocabulary))

    def _check(self) -> None:
        """Refuse an index that is not of this vocabulary and these sources."""
        last = len(self.vocabulary) - 1
        for labels in (self._tags.values, self._unknown.values):
            wrong = labels[(labels < 0) | (labels > last)]
            if wrong.size:
                raise DatasetError(
                    f"{self.path}: expected labels from 0 to {last}, got {wrong[0]} in the index"
                )
        foreign = set(self._sources) - set(self.roots)
        if foreign:
            raise DatasetError(
                f"{self.path}: expected the sources of dataset.json, got {foreign.pop()} in the "
                "index"
            )

    @cached_property
    def _paths(self) -> NDArray[Any]:
        return self.column("path")

    @cached_property
    def _sources(self) -> NDArray[Any]:
        return self.column("source")

    @cached_property
    def _tags(self) -> Ragged:
        return Ragged.of(self.index["tags"])

    @cached_property
    def _unknown(self) -> Ragged:
        return Ragged.of(self.index["unknown"])


def write(
    folder: Path,
    parts: Iterable[pa.Table],
    vocabulary: LabelSet,
    about: Mapping[str, Any],
) -> str:
    """Write a DATASET into an existing folder; gives the content hash that dataset.json records.

    The parts of the index lie apart in the file too, and need not fit in memory together.
    """
    import pyarrow.parquet as parquet

    path = folder / "index.parquet"
    writer: Any = None
    rows = 0
    try:
        for part in parts:
            writer = writer or parquet.ParquetWriter(path, part.schema, compression="zstd")
            writer.write_table(part, row_group_size=max(1, part.num_rows))
            rows += part.num_rows
    finally:
        if writer is not None:
            writer.close()
    sources = [own["name"] for own in about["sources"]]
    with parquet.ParquetFile(path) as file:
        content = hash_columns(
            lambda name: file.iter_batches(PART, columns=[name]), rows, vocabulary, sources
        )
    write_vocabulary(vocabulary, folder / "vocabulary.csv")
    text = json.dumps({"schema": SCHEMA, "content": content, **about}, indent=2, ensure_ascii=False)
    (folder / "dataset.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    return content


def _about(path: Path) -> dict[str, Any]:
    try:
        about: object = json.loads((path / "dataset.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path}: expected a DATASET folder with dataset.json, got {error}: "
            "make one with `tagger dataset build`"
        ) from error
    known = cast("dict[str, Any]", about) if isinstance(about, dict) else {}
    if known.get("schema") != SCHEMA:
        raise DatasetError(
            f"{path / 'dataset.json'}: expected schema {SCHEMA}, got {known.get('schema')!r}"
        )
    for own in known.get("sources", ()):
        if not isinstance(own, dict) or not {"name", "root", "relative"} <= own.keys():
            raise DatasetError(
                f"{path / 'dataset.json'}: expected sources with name, root and relative, got "
                f"{own!r:.60}"
            )
    return known


def _index(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        index = parquet.read_table(path / "index.parquet")
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path / 'index.parquet'}: expected parquet, got {error}") from error
    missing = [name for name in COLUMNS if name not in index.column_names]
    if missing:
        raise DatasetError(
            f"{path / 'index.parquet'}: expected a column {missing[0]}, got "
            f"{', '.join(index.column_names)}"
        )
    return index


def _root(path: Path, source: Mapping[str, Any]) -> Path:
    """Where a source was when the dataset was built, else where it was seen from there."""
    as_built = Path(source["root"])
    beside = Path(os.path.normpath(path / source["relative"]))
    return beside if beside.is_dir() and not as_built.is_dir() else as_built
