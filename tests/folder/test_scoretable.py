"""Scores of many pictures as Parquet: read back by pyarrow, DuckDB, pandas and our own reader."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tagger.errors import CaptionError, ImageError, UsageError
from tagger.folder import FolderJob
from tagger.folder.scoregather import Gathered, Wanted, gather_scores
from tagger.folder.scoretable import Head, ScoreTable, check_table, writing
from tagger.images import content_hash
from tagger.labels import DANBOORU, UNNAMED, Label, LabelSet
from tagger.pipeline import Outcome
from tagger.scores import Scores
from tagger.thresholds import Thresholds

pq = pytest.importorskip("pyarrow.parquet")

RATING, GENERAL, CHARACTER = (DANBOORU[at] for at in (5, 0, 3))
LABELS = LabelSet(
    (
        Label("general", RATING),
        Label("1girl", GENERAL, count=9, threshold=0.25),
        Label("", UNNAMED),
        Label("saber_(fate)", CHARACTER),
        Label("@_@", GENERAL),
    )
)
HEAD = Head("fake", LABELS, Thresholds(0.4, {"character": 0.8}, {"1girl": 0.3}))


def values_of(path: Path) -> np.ndarray:
    """Every picture has scores of its own, the least of them far below what a store keeps."""
    seed = np.frombuffer(path.name.encode(), np.uint8).sum()
    return (np.random.default_rng(seed).random(len(LABELS)) ** 8).astype(np.float32)


class Scorer:
    """Scores by name, the last picture first; `bad` ones can't be read."""

    def __init__(self) -> None:
        self.most = 0

    def stream(self, sources: Iterable[Path], *, ordered: bool = True) -> Scorer:
        self._left = list(sources)
        self.most = max(self.most, len(self._left))
        return self

    def stop(self) -> None:
        raise AssertionError("nobody stops it")

    def __next__(self) -> Outcome:
        if not self._left:
            raise StopIteration
        path = self._left.pop()
        if path.stem.startswith("bad"):
            return Outcome(path, error=ImageError(path, "truncated file"))
        return Outcome(path, Scores(values_of(path), LABELS, "fake"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """150 pictures, more than two row groups, in two folders; one that can't be read."""
    root = tmp_path / "pictures"
    (root / "sub [1]").mkdir(parents=True)
    for number in range(148):
        Image.new("RGB", (2, 2), (number, 0, 0)).save(root / f"{number}.png")
    Image.new("RGB", (2, 2)).save(root / 'sub [1]/é, "猫".png')
    Image.new("RGB", (2, 2)).save(root / "bad.png")
    return root


def gather(root: Path, file: Path, **more: bool) -> Gathered:
    job = FolderJob((root,))
    return gather_scores(job, Scorer(), lambda path: None, Wanted(file, HEAD, **more))


@pytest.fixture
def table(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Their scores, in row groups of 64."""
    monkeypatch.setattr("tagger.folder.scoretable._GROUP", 1)
    file = root / "out" / "scores.parquet"
    gathered = gather(root, file)
    assert gathered.pictures == 149
    assert list(gathered.failures) == [(root / "bad.png", "truncated file")]
    return file


def expected(root: Path) -> Iterator[tuple[Path, list[float]]]:
    """The pictures in natural order, with their scores to six decimals."""
    names = [f"{number}.png" for number in range(148)] + ['sub [1]/é, "猫".png']
    for name in names:
        scores = np.round(values_of(root / name).astype(np.float64), 6)
        yield root / name, scores.astype(np.float32).tolist()


def test_pyarrow_reads_it(root: Path, table: Path) -> None:
    """In the order of the pictures, every score, with the hash of each file's bytes."""
    rows = pq.read_table(table).to_pylist()
    assert [(Path(row["path"]), row["scores"]) for row in rows] == list(expected(root))
    assert rows[3]["hash"] == content_hash(root / "3.png")
    assert rows[148]["hash"] == content_hash(root / 'sub [1]/é, "猫".png')
    said = json.loads(pq.read_schema(table).metadata[b"tagger"])
    assert said["model"] == "fake"
    assert said["labels"] == ["general", "1girl", "", "saber_(fate)", "@_@"]
    assert said["categories"] == ["rating", "general", "unnamed", "character", "general"]
    assert said["thresholds"] == {
        "overall": 0.4, "categories": {"character": 0.8}, "tags": {"1girl": 0.3}
    }  # fmt: skip


def test_duckdb_reads_it(root: Path, table: Path) -> None:
    """By the words of the document: one tag's scores, the label found in the file itself."""
    duckdb = pytest.importorskip("duckdb")
    query = shown("sql").replace("scores.parquet", str(table)).replace("smile", "saber_(fate)")
    found = duckdb.sql(query).fetchall()
    pairs = {(str(path), scores[3]) for path, scores in expected(root)}
    assert [score for _, score in found] == sorted((s for _, s in pairs), reverse=True)[:20]
    assert set(found) <= pairs


def test_python_reads_it_as_the_document_says(root: Path, table: Path) -> None:
    """An array, and the column of a tag."""
    names: dict[str, Any] = {}
    code = shown("python").replace("scores.parquet", str(table)).replace('"smile"', '"1girl"')
    exec(code, names)
    assert names["smiles"].tolist() == [scores[1] for _, scores in expected(root)]


def shown(language: str) -> str:
    """What the document on formats shows first in a language."""
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
    return page.split(f"```{language}\n")[1].split("```")[0]


def test_pandas_reads_it(root: Path, table: Path) -> None:
    """A column of arrays."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(table)
    assert np.stack(frame["scores"]).shape == (149, 5)


def test_our_reader_gives_back_what_was_written(root: Path, table: Path) -> None:
    """Head and rows, a row group at a time."""
    read = ScoreTable(table)
    assert (read.pictures, read.head.model, read.head.thresholds) == (149, "fake", HEAD.thresholds)
    assert [(x.name, x.category, x.threshold) for x in read.head.labels] == [
        (x.name, x.category, x.threshold) for x in LABELS
    ]
    groups = list(read)
    assert [len(group.paths) for group in groups] == [64, 64, 21]
    values = np.concatenate([group.values for group in groups])
    assert values.dtype == np.float32
    assert values.tolist() == [scores for _, scores in expected(root)]


def test_a_table_that_duckdb_wrote_again_is_read(table: Path, tmp_path: Path) -> None:
    """Sifted by somebody: the metadata goes with it, and the lists are of any length now."""
    duckdb = pytest.importorskip("duckdb")
    said = pq.read_schema(table).metadata[b"tagger"].decode().replace("'", "''")
    other = tmp_path / "sifted.parquet"
    duckdb.sql(
        f"COPY (SELECT * FROM '{table}' LIMIT 7) TO '{other}' "
        f"(FORMAT parquet, KV_METADATA {{tagger: '{said}'}})"
    )
    (rows,) = ScoreTable(other)
    assert len(rows.paths) == 7


def test_a_repeat_gives_the_same_file(root: Path, table: Path) -> None:
    """Byte for byte."""
    before = table.read_bytes()
    gather(root, table)
    assert table.read_bytes() == before


def test_paths_count_from_the_file_where_they_can(root: Path, tmp_path: Path) -> None:
    """Beside the pictures they are short, unless whole ones are asked for."""
    for full, first in ((False, "0.png"), (True, (root / "0.png").as_posix())):
        gather(root, root / "s.parquet", full_paths=full)
        assert pq.read_table(root / "s.parquet")["path"][0].as_py() == first


def test_no_more_than_a_row_group_is_on_its_way(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many pictures there are."""
    monkeypatch.setattr("tagger.folder.scoretable._GROUP", 100 * 4 * len(LABELS))
    scorer = Scorer()
    wanted = Wanted(root / "s.parquet", HEAD)
    gather_scores(FolderJob((root,)), scorer, lambda path: None, wanted)
    assert scorer.most == 100


def test_what_fails_leaves_what_was_there(root: Path, table: Path) -> None:
    """And no stray file."""
    before = table.read_bytes()
    with pytest.raises(ZeroDivisionError), writing(table, HEAD):
        raise ZeroDivisionError
    assert [path.name for path in table.parent.iterdir()] == ["scores.parquet"]
    assert table.read_bytes() == before
    blocked = root / "0.png" / "scores.parquet"
    with pytest.raises(CaptionError, match="can't be written"), writing(blocked, HEAD):
        pass


def test_another_file_is_never_replaced(table: Path, tmp_path: Path) -> None:
    """Neither somebody's own Parquet file nor another model's scores."""
    import pyarrow as pa

    pq.write_table(pa.table({"path": ["a"]}), tmp_path / "own.parquet")
    (tmp_path / "text.parquet").write_text("hello")
    for name, got in (("own", "something else"), ("text", "no Parquet file")):
        with pytest.raises(UsageError, match=got):
            check_table(tmp_path / f"{name}.parquet", HEAD)
    with pytest.raises(UsageError, match="expected none or scores of other, got scores of fake"):
        check_table(table, Head("other", LABELS))
    check_table(table, HEAD)
    check_table(tmp_path / "none.parquet", HEAD)


@pytest.mark.parametrize("value", [float("nan"), 1.5, -0.5])
def test_what_is_no_score_is_refused(tmp_path: Path, value: float) -> None:
    """A number from somewhere else."""
    import pyarrow as pa

    file = tmp_path / "s.parquet"
    with writing(file, HEAD):
        pass
    kind = pa.list_(pa.float32())
    columns = {"path": ["a"], "hash": ["b"], "scores": pa.array([[value] * 5], kind)}
    said = pq.read_schema(file).metadata
    pq.write_table(pa.table(columns).replace_schema_metadata(said), file)
    with pytest.raises(UsageError, match="not from 0 to 1"):
        list(ScoreTable(file))
    columns["scores"] = pa.array([[0.5] * 4], kind)
    pq.write_table(pa.table(columns).replace_schema_metadata(said), file)
    with pytest.raises(UsageError, match="not 5 scores long"):
        list(ScoreTable(file))
