"""DATASET, schema 1: what a training reads, written whole and read back.

index.parquet    a row a picture, ordered by source, then id
    id int64, md5 string
    path string           relative to the source's root, with `/`
    width, height int32   pixels as stored
    rating string         as the source writes it, or null
    tags list<int32>      labels it has, ascending
    unknown list<int32>   labels of which it is not known, ascending; the rest it has not
    group int64           the first row of its group: the same picture or versions of it
    split string          train, calibration or validation; a group is in one
    source string         the name of a source in dataset.json
vocabulary.csv   index, name, category, count
dataset.json     schema, content hash, options, sources with their roots, counts by reason
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import DatasetError
from ..labels import LabelSet
from .splits import Split
from .vocabulary import read_vocabulary, write_vocabulary

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = 1
COLUMNS: Mapping[str, str] = {
    "id": "int64",
    "path": "string",
    "md5": "string",
    "width": "int32",
    "height": "int32",
    "rating": "string",
    "tags": "list<int32>",
    "unknown": "list<int32>",
    "group": "int64",
    "split": "string",
    "source": "string",
}
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
        about = _about(path)
        places = {own["name"]: _root(path, own) for own in about["sources"]} | dict(roots or {})
        return cls(path, _index(path), read_vocabulary(path / "vocabulary.csv"), about, places)

    def __len__(self) -> int:
        return self.index.num_rows

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


@dataclass(frozen=True)
class Ragged:
    """A list of numbers for each row: row i has values[offsets[i]:offsets[i + 1]]."""

    values: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, column: Any) -> Ragged:
        """From a pyarrow column of lists without nulls."""
        whole = column.combine_chunks()
        # flatten() and value_lengths() mind slices, which .values and .offsets do not
        lengths = whole.value_lengths().to_numpy(zero_copy_only=False)
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        return cls(whole.flatten().to_numpy(zero_copy_only=False), offsets)

    def dense(self, rows: NDArray[np.intp], width: int) -> NDArray[np.bool_]:
        """bool[N, width], True at each row's numbers."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        starts = np.cumsum(lengths) - lengths
        within = np.arange(lengths.sum()) - np.repeat(starts, lengths)
        values = self.values[np.repeat(self.offsets[rows], lengths) + within]
        found = np.zeros((len(rows), width), np.bool_)
        found[np.repeat(np.arange(len(rows)), lengths), values] = True
        return found


def write(folder: Path, index: pa.Table, vocabulary: LabelSet, about: Mapping[str, Any]) -> str:
    """Write a DATASET into an existing folder; gives the content hash that dataset.json records."""
    import pyarrow.parquet as parquet

    content = content_hash(index, vocabulary, [own["name"] for own in about["sources"]])
    parquet.write_table(index, folder / "index.parquet", compression="zstd")
    write_vocabulary(vocabulary, folder / "vocabulary.csv")
    text = json.dumps({"schema": SCHEMA, "content": content, **about}, indent=2, ensure_ascii=False)
    (folder / "dataset.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    return content


def content_hash(index: pa.Table, vocabulary: LabelSet, sources: Sequence[str]) -> str:
    """BLAKE2b, 32 hex digits, of rows and labels as values, whatever library wrote them.

    A source counts by its place, so that renaming a folder changes nothing.
    """
    digest = hashlib.blake2b(digest_size=16)
    place = {name: str(number) for number, name in enumerate(sources)}
    for name, kind in COLUMNS.items():
        digest.update(f"{name} {index.num_rows}\n".encode())
        if kind == "string":
            values = index[name].to_pylist()
            shown = [place[value] for value in values] if name == "source" else values
            digest.update(json.dumps(shown).encode())
        elif kind.startswith("list"):
            ragged = Ragged.of(index[name])
            digest.update(ragged.offsets.astype("<i8").tobytes())
            digest.update(ragged.values.astype("<i8").tobytes())
        else:
            digest.update(index[name].to_numpy().astype("<i8").tobytes())
    labels = [(label.name, label.category.id, label.count) for label in vocabulary]
    digest.update(json.dumps(labels).encode())
    return digest.hexdigest()


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder beside `out` to write into, which becomes `out` at the end, or vanishes.

    Raises DatasetError if `out` is there and not an empty folder.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise DatasetError(
            f"{out}: expected a new or empty folder, got one with something in it: choose another"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.parent / f".tagger-{out.name[:64]}-{os.getpid()}"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        yield beside
        if out.exists():
            out.rmdir()
        beside.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _about(path: Path) -> dict[str, Any]:
    try:
        about: object = json.loads((path / "dataset.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path}: expected a DATASET folder with dataset.json, got {error}: "
            "make one with `tagger dataset build`"
        ) from error
    known = cast("dict[str, Any]", about) if isinstance(about, dict) else {}
    if known.get("schema") != SCHEMA or not isinstance(known.get("sources"), list):
        raise DatasetError(
            f"{path / 'dataset.json'}: expected schema {SCHEMA}, got {known.get('schema')!r}"
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
    as_built = Path(source["root"])
    beside = Path(os.path.normpath(path / source["relative"]))
    return beside if beside.is_dir() and not as_built.is_dir() else as_built
