"""A DATASET is read back as it was written, wherever it lies now, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.dataset import index
from tagger.dataset.content import COLUMNS, content_hash
from tagger.dataset.index import Dataset
from tagger.dataset.ragged import Ragged
from tagger.dataset.vocabulary import read_vocabulary, write_vocabulary
from tagger.errors import DatasetError
from tagger.labels import DANBOORU, Label, LabelSet, category

pa = pytest.importorskip("pyarrow")

LABELS = LabelSet(
    (
        Label("1girl", category(DANBOORU, "general"), 9),
        Label('don\'t_say_"lazy"', category(DANBOORU, "copyright"), 4),
        Label("a,b", category(DANBOORU, "character"), 2),
    )
)
ROWS: dict[str, list[Any]] = {
    "id": [7, 1007],
    "path": ["images/0007/7.png", "images/0007/1007.png"],
    "md5": ["aa", None],
    "width": [3, 4],
    "height": [5, 6],
    "rating": ["g", None],
    "tags": [[0, 2], []],
    "unknown": [[], [1, 2]],
    "group": [0, 1],
    "split": ["train", "validation"],
    "source": ["drawn", "drawn"],
}


def table(**changed: list[Any]) -> Any:
    kinds = {"int64": pa.int64(), "int32": pa.int32(), "string": pa.string()}
    kinds["list<int32>"] = pa.list_(pa.int32())
    rows = {**ROWS, **changed}
    return pa.table({name: pa.array(rows[name], kinds[kind]) for name, kind in COLUMNS.items()})


def written(folder: Path, root: Path, **changed: list[Any]) -> Path:
    folder.mkdir()
    relative = Path("..") / root.name
    about = {"sources": [{"name": "drawn", "root": str(root), "relative": str(relative)}]}
    index.write(folder, [table(**changed)], LABELS, about)
    return folder


def test_a_dataset_is_read_back(tmp_path: Path) -> None:
    """Rows, labels, splits and paths come back as they went in."""
    dataset = Dataset.open(written(tmp_path / "set", tmp_path / "dump"))
    assert dataset.index.to_pydict() == ROWS
    assert dataset.vocabulary == LABELS
    assert len(dataset) == 2
    assert dataset.rows("validation").tolist() == [1]
    assert dataset.rows("calibration").tolist() == []
    assert dataset.image_path(0) == tmp_path / "dump" / "images" / "0007" / "7.png"


def test_targets_are_the_lists_made_dense(tmp_path: Path) -> None:
    """Truth is what a row has, known all but its unknown labels, in the order asked for."""
    truth, known = Dataset.open(written(tmp_path / "set", tmp_path)).targets([1, 0, 1])
    assert truth.tolist() == [[False] * 3, [True, False, True], [False] * 3]
    assert known.tolist() == [[True, False, False], [True] * 3, [True, False, False]]
    assert truth.dtype == known.dtype == np.bool_


def test_lists_are_read_from_slices_and_chunks() -> None:
    """Arrow may hand over a part of a larger column, in pieces."""
    whole = pa.chunked_array([[[9], [1, 2]], [[], [3]]], pa.list_(pa.int32())).slice(1)
    ragged = Ragged.of(whole)
    assert ragged.values.tolist() == [1, 2, 3]
    assert ragged.offsets.tolist() == [0, 2, 2, 3]
    empty = Ragged.of(pa.chunked_array([], pa.list_(pa.int32())))
    assert empty.dense(np.zeros(0, np.intp), 4).shape == (0, 4)


def test_a_dataset_that_moved_with_its_pictures_finds_them(tmp_path: Path) -> None:
    """Where the root is gone, the place seen from the dataset counts; a named root always."""
    (tmp_path / "old").mkdir()
    written(tmp_path / "old" / "set", tmp_path / "old" / "dump")
    (tmp_path / "old" / "dump").mkdir()
    (tmp_path / "old").rename(tmp_path / "new")
    moved = Dataset.open(tmp_path / "new" / "set")
    assert moved.roots == {"drawn": tmp_path / "new" / "dump"}
    named = Dataset.open(tmp_path / "new" / "set", roots={"drawn": tmp_path / "x"})
    assert named.image_path(0).is_relative_to(tmp_path / "x")


@pytest.mark.parametrize("path", ["/etc/passwd", "../../secret.png", "a/../../b.png", "..\\b.png"])
def test_a_path_that_leaves_its_root_is_refused(path: str, tmp_path: Path) -> None:
    """An index from somewhere else is not trusted."""
    dataset = Dataset.open(written(tmp_path / "set", tmp_path, path=[path, "x"]))
    with pytest.raises(DatasetError, match="inside their source's folder"):
        dataset.image_path(0)


def test_labels_outside_the_vocabulary_are_refused(tmp_path: Path) -> None:
    """An index and a vocabulary of two datasets do not pass for one."""
    with pytest.raises(DatasetError, match=r"expected labels from 0 to 2, got 3"):
        Dataset.open(written(tmp_path / "set", tmp_path, tags=[[0, 3], []]))


def test_the_content_hash_is_of_values_alone() -> None:
    """Other rows or labels change it; the name of a source and the library's layout do not."""
    content = content_hash(table(), LABELS, ["drawn"])
    renamed = table(source=["other", "other"])
    assert content_hash(renamed, LABELS, ["other"]) == content
    halves = pa.concat_tables([table().slice(0, 1), table().slice(1)])
    assert content_hash(halves, LABELS, ["drawn"]) == content
    for changed in ({"tags": [[0], [2]]}, {"md5": ["aa", "None"]}, {"split": ["train", "train"]}):
        assert content_hash(table(**changed), LABELS, ["drawn"]) != content
    fewer = LabelSet(LABELS.labels[:2])
    assert content_hash(table(), fewer, ["drawn"]) != content


def test_names_with_quotes_and_commas_survive(tmp_path: Path) -> None:
    """vocabulary.csv is CSV as any tool reads it."""
    write_vocabulary(LABELS, tmp_path / "vocabulary.csv")
    assert (tmp_path / "vocabulary.csv").read_text().splitlines() == [
        "index,name,category,count",
        "0,1girl,general,9",
        '1,"don\'t_say_""lazy""",copyright,4',
        '2,"a,b",character,2',
    ]
    assert read_vocabulary(tmp_path / "vocabulary.csv") == LABELS


@pytest.mark.parametrize(
    "text",
    [
        "index,name,category\n0,a,general\n",
        "index,name,category,count\n1,a,general,2\n",
        "index,name,category,count\n0,a,generl,2\n",
        "index,name,category,count\n0,a,general,many\n",
    ],
)
def test_a_wrong_vocabulary_is_refused(text: str, tmp_path: Path) -> None:
    """The sentence names the file and the row."""
    (tmp_path / "vocabulary.csv").write_text(text)
    with pytest.raises(DatasetError, match=r"vocabulary\.csv, row 2: expected"):
        read_vocabulary(tmp_path / "vocabulary.csv")


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    """A folder without dataset.json, another schema, a broken or foreign index."""
    with pytest.raises(DatasetError, match="expected a DATASET folder"):
        Dataset.open(tmp_path)
    folder = written(tmp_path / "set", tmp_path)
    about = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**about, "schema": 2}))
    with pytest.raises(DatasetError, match="expected schema 1, got 2"):
        Dataset.open(folder)
    (folder / "dataset.json").write_text(json.dumps(about))
    (folder / "index.parquet").write_bytes(b"PAR1 or not")
    with pytest.raises(DatasetError, match=r"index\.parquet: expected parquet"):
        Dataset.open(folder)
    pa.parquet.write_table(table().drop_columns(["unknown"]), folder / "index.parquet")
    with pytest.raises(DatasetError, match="expected a column unknown"):
        Dataset.open(folder)
