"""The scores of many pictures in one Parquet file: written a row group at a time, and read back.

A row is a picture: `path` and `hash`, text, and `scores`, float32, one for each label. What they
are scores of stands in the file's own metadata under `tagger`, as JSON: `schema`, `model`, `labels`
and `categories` (lists in the order of the scores), `category_ids`, and `thresholds`, the model's
operating point. pyarrow is asked for when such a file is written or read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CaptionError, OptionError, UsageError
from ..labels import Category, Label, LabelSet
from ..paths import cause_of, openable
from ..scores import Scores
from ..thresholds import Thresholds
from .wholefile import replacing

KEY = b"tagger"
SCHEMA = 1
ENDING = ".parquet"
_GROUP = 16 << 20  # bytes of scores in a row group: what a reader holds at once


@dataclass(frozen=True)
class Head:
    """What the scores of a file are of: a model, its labels, its operating point."""

    model: str
    labels: LabelSet
    thresholds: Thresholds = field(default_factory=Thresholds)

    @property
    def rows(self) -> int:
        """Pictures of a row group."""
        return max(64, min(4096, _GROUP // (4 * max(1, len(self.labels)))))

    def fits(self, other: Head) -> bool:
        """Whether both are of one model with the same labels."""
        mine, theirs = ([(x.name, x.category) for x in h.labels] for h in (self, other))
        return self.model == other.model and mine == theirs


@dataclass(frozen=True)
class Rows:
    """Pictures of a file.

    paths: as it names them. hashes: of their bytes, by `images.content_hash`. values:
    float32[pictures, labels], 0 to 1.
    """

    paths: tuple[str, ...]
    hashes: tuple[str, ...]
    values: NDArray[np.float32]


# ---------------------------------------------------------------- writing


def as_written(path: str) -> str:
    """A path as a table names it; bytes that are no text are escaped."""
    return path.encode("utf-8", "backslashreplace").decode()


def check_table(file: Path, head: Head) -> None:
    """Refuse a place where a table can't go, before anything is inferred.

    Raises:
        UsageError: another kind of file is there, or one of another model.
        ModuleNotFoundError: pyarrow is not installed.
    """
    import pyarrow.parquet  # noqa: F401 - missing, it is named now and not after the inference

    if openable(file).exists() and not (there := ScoreTable(file).head).fits(head):
        raise UsageError(
            f"{file}: expected none or scores of {head.model}, got scores of {there.model}: name "
            f"another file"
        )


class TableWriter:
    """A file under way; pictures are written in their order, `head.rows` at a time."""

    def __init__(self, place: Path, head: Head) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        values = pa.list_(pa.field("element", pa.float32()), len(head.labels))
        fields = [("path", pa.string()), ("hash", pa.string()), ("scores", values)]
        self._schema = pa.schema(fields, {KEY: _said(head)})
        self._writer = pq.ParquetWriter(
            str(place),
            self._schema,
            compression="zstd",
            use_dictionary=False,
            # floats split into their first, second, ... bytes: smaller under zstd
            use_byte_stream_split=["scores.list.element"],  # pyright: ignore[reportArgumentType]
        )

    def write(self, paths: Sequence[str], hashes: Sequence[str], scores: Sequence[Scores]) -> None:
        """Write pictures as one row group; a path's bytes that are no text are escaped."""
        import pyarrow as pa

        values = pa.array(np.concatenate([each.values for each in scores]), pa.float32())
        listed = pa.FixedSizeListArray.from_arrays(values, type=self._schema.field("scores").type)
        named = [as_written(path) for path in paths]
        columns = [pa.array(named, pa.string()), pa.array(hashes, pa.string()), listed]
        self._writer.write_table(pa.table(columns, schema=self._schema))

    def close(self) -> None:
        """Write the end of the file, without which it can't be read."""
        self._writer.close()


@contextmanager
def writing(
    file: Path, head: Head, made: Callable[[Path], object] = lambda place: None
) -> Iterator[TableWriter]:
    """Write a table, which takes its place at the end; where the block fails nothing is left.

    `made` is told where the whole table lies before it does; if it removes it, nothing changes.
    Raises CaptionError if the file can't be written.
    """
    try:
        openable(file.parent).mkdir(parents=True, exist_ok=True)
        with replacing(file) as place:
            writer = TableWriter(place, head)
            try:
                yield writer
            finally:
                writer.close()
            made(place)
    except OSError as error:
        raise CaptionError(f"{file}: can't be written: {cause_of(error)}") from error


# ---------------------------------------------------------------- reading


class ScoreTable:
    """A file of scores, read. Iterate over it for its Rows, a row group at a time.

    Attributes:
        head: what the scores are of.
        pictures: how many rows there are.
    """

    def __init__(self, file: Path) -> None:
        """Raises UsageError if it is no such file, ModuleNotFoundError without pyarrow."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._path = file
        try:
            self._file = pq.ParquetFile(str(openable(file)))
        except OSError as error:
            raise self._refusal(cause_of(error)) from error
        except pa.ArrowException as error:
            raise self._refusal("no Parquet file") from error
        self.pictures: int = self._file.metadata.num_rows
        self.head = self._read_head()

    def __iter__(self) -> Iterator[Rows]:
        yield from map(self.group, range(self.groups))

    @property
    def groups(self) -> int:
        """How many row groups there are."""
        return self._file.num_row_groups

    def group(self, number: int) -> Rows:
        """The pictures of one row group. Raises UsageError if it is broken."""
        return self._rows(self._read(number))

    def paths(self, number: int) -> Sequence[str]:
        """The paths of one row group alone, which is quick. Raises UsageError if it is broken."""
        return self._read(number, ["path"])["path"].to_pylist()

    def _read(self, number: int, columns: list[str] | None = None) -> Any:
        import pyarrow as pa

        try:
            return self._file.read_row_group(number, columns)
        except (OSError, pa.ArrowException) as error:
            raise self._refusal("one that is cut off or broken") from error

    def _rows(self, table: Any) -> Rows:
        count = len(self.head.labels)
        values = np.concatenate(
            [part.flatten().to_numpy(zero_copy_only=False) for part in table["scores"].chunks]
        )
        lengths = {len(each) for part in table["scores"].chunks for each in part}
        if lengths != {count} or values.size != len(table) * count:
            raise self._refusal(f"rows that are not {count:,} scores long")
        if not np.all((values >= 0) & (values <= 1)):
            raise self._refusal("scores that are not from 0 to 1")
        paths, hashes = (tuple(table[name].to_pylist()) for name in ("path", "hash"))
        if None in paths or None in hashes:
            raise self._refusal("rows without a path or a hash")
        return Rows(paths, hashes, values.reshape(-1, count))

    def _read_head(self) -> Head:
        schema = self._file.schema_arrow
        try:
            head = _head(json.loads((schema.metadata or {})[KEY]))
        except (ValueError, KeyError, TypeError, AttributeError, OptionError) as error:
            raise self._refusal("a Parquet file of something else") from error
        kinds = {name: str(schema.field(name).type) for name in schema.names}
        text = [kinds.get(name) for name in ("path", "hash")]
        # other programs drop that all lists are of one length, or take long texts and lists
        lists = kinds.get("scores", "").partition("[")[0].removeprefix("large_")
        if not {*text} <= {"string", "large_string"} or lists not in _LISTS:
            raise self._refusal("other columns than path, hash and scores")
        return head

    def _refusal(self, got: str) -> UsageError:
        return UsageError(
            f"{self._path}: expected a table of scores, as `tagger caption --output` writes it, "
            f"got {got}"
        )


_LISTS = {"fixed_size_list<element: float>", "list<element: float>", "list<item: float>"}


def _said(head: Head) -> bytes:
    said = {
        "schema": SCHEMA,
        "model": head.model,
        "labels": list(head.labels.names),
        "categories": [label.category.name for label in head.labels],
        "category_ids": {label.category.name: label.category.id for label in head.labels},
        "thresholds": asdict(head.thresholds),
        "label_thresholds": [label.threshold for label in head.labels],
    }
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")


def _head(said: Any) -> Head:
    """The head that JSON states; ValueError, TypeError, KeyError and the like if it is none."""
    names, kinds, own = said["labels"], said["categories"], said["label_thresholds"]
    if said["schema"] != SCHEMA or not said["labels"]:
        raise ValueError("another schema")
    if not all(isinstance(each, str) for each in (said["model"], *names, *kinds)):
        raise TypeError("names that are none")
    known = {name: Category(int(number), name) for name, number in said["category_ids"].items()}
    rows = zip(names, kinds, own, strict=True)
    labels = [
        Label(name, known[kind], threshold=None if limit is None else float(limit))
        for name, kind, limit in rows
    ]
    return Head(said["model"], LabelSet(tuple(labels)), Thresholds(**said["thresholds"]))
