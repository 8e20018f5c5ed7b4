"""A folder's captions in one file, read back as trainers and data sets read them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tagger.errors import CaptionError, UsageError
from tagger.folder import FolderJob
from tagger.folder.gather import gather
from tagger.folder.journal import Journal
from tagger.folder.metadata import Row, merge
from tagger.folder.recorder import FileChange
from tagger.folder.undo import undo
from tagger.folder.wholefile import digest
from tagger.settings import Folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """`a.png`, 3 by 2, and `sub [1]/é, "b".png`, 5 by 4, with captions; `c.png` without."""
    root = tmp_path / "pictures"
    names = {"a": (3, 2), 'sub [1]/é, "b"': (5, 4), "c": (1, 1)}
    for name, size in names.items():
        path = root / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(path)
    (root / "a.txt").write_text('1girl, "hat", smile\n')
    (root / 'sub [1]/é, "b".txt').write_text("猫耳, 1girl", encoding="utf-8")
    return root


EXPECTED = {"a.png": '1girl, "hat", smile', 'sub [1]/é, "b".png': "猫耳, 1girl"}


def collect(root: Path, file: Path, **options: bool) -> int:
    with Journal() as journal:
        return gather(FolderJob((root,)), file, journal.begin("caption"), **options)


def read_as_kohya(file: Path, images: Path) -> dict[Path, tuple[str, list[int]]]:
    """What sd-scripts' fine-tuning data set makes of a metadata file.

    A key is the path of a picture where that exists, else one below the folder of images; the
    caption is `caption` and `tags` joined by a comma, those of the two that are there.
    """
    if file.suffix == ".jsonl":
        lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        metadata: dict[str, Any] = {line["image_path"]: line for line in lines}
    else:
        metadata = json.loads(file.read_text("utf-8"))
    found: dict[Path, tuple[str, list[int]]] = {}
    for key, fields in metadata.items():
        path = Path(key) if Path(key).exists() else images / key
        assert path.exists()
        text = ", ".join(fields[name] for name in ("caption", "tags") if fields.get(name))
        found[path] = (text, fields["image_size"])
    return found


def test_tags_of_a_line_stay_tags(root: Path) -> None:
    """A trainer joins `caption` and `tags`: a sentence beside tags is somebody's, and stays."""
    file = root / "meta.jsonl"
    file.write_text(
        '{"image_path": "a.png", "caption": "A girl.", "tags": "old"}\n\n'
        '{"image_path": "z.png", "caption": "zebra"}\n'
    )
    collect(root, file)
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [line["image_path"] for line in lines] == ["a.png", "z.png", 'sub [1]/é, "b".png']
    assert (lines[0]["caption"], lines[0]["tags"]) == ("A girl.", EXPECTED["a.png"])
    assert lines[2]["caption"] == "猫耳, 1girl"


@pytest.mark.parametrize("name", ["meta.json", "meta.jsonl"])
@pytest.mark.parametrize("full_paths", [False, True])
def test_kohya_reads_it(root: Path, name: str, full_paths: bool) -> None:
    """With relative or full keys, and the sizes that it sorts into buckets."""
    file = root / name
    assert collect(root, file, full_paths=full_paths) == 2
    assert read_as_kohya(file, root) == {
        root / "a.png": (EXPECTED["a.png"], [3, 2]),
        root / 'sub [1]/é, "b".png': ("猫耳, 1girl", [5, 4]),
    }
    if full_paths:
        assert str(root) in file.read_text("utf-8")


def test_hugging_face_reads_it(root: Path) -> None:
    """As an image folder: `file_name` counts from where `metadata.jsonl` lies."""
    collect(root, root / "metadata.jsonl")
    lines = [json.loads(line) for line in (root / "metadata.jsonl").read_text("utf-8").splitlines()]
    assert {line["file_name"]: line["text"] for line in lines} == EXPECTED
    assert all((root / line["file_name"]).is_file() for line in lines)


@pytest.mark.parametrize("name", ["metadata.jsonl", "metadata.csv"])
def test_the_datasets_library_reads_it(root: Path, tmp_path: Path, name: str) -> None:
    """Itself, where it is installed: each picture with its text, one without a caption left out."""
    datasets = pytest.importorskip("datasets")
    collect(root, root / name)
    found = datasets.load_dataset(
        "imagefolder", data_dir=str(root), split="train", cache_dir=str(tmp_path / "cache")
    )
    sizes = {row["text"]: row["image"].size for row in found}
    assert sizes == {EXPECTED["a.png"]: (3, 2), "猫耳, 1girl": (5, 4)}


def test_csv_is_read_by_csv(root: Path) -> None:
    """Commas and quotation marks and all."""
    collect(root, root / "all.csv")
    with (root / "all.csv").open(newline="", encoding="utf-8") as file:
        assert {row["file_name"]: row["text"] for row in csv.DictReader(file)} == EXPECTED


@pytest.mark.parametrize("name", ["m.json", "m.jsonl", "metadata.jsonl", "m.csv"])
def test_a_repeat_changes_nothing(root: Path, name: str) -> None:
    """And is no run."""
    collect(root, root / name)
    before = (root / name).read_bytes()
    collect(root, root / name)
    assert (root / name).read_bytes() == before
    assert len(Journal().runs()) == 1


def test_what_a_file_holds_stays(root: Path) -> None:
    """Other pictures, and fields that are not ours; the run is undone byte for byte."""
    file = root / "meta.json"
    old = '{"a.png": {"caption": "A girl.", "tags": "old"}, "far/z.png": {"tags": "zebra"}}'
    file.write_text(old)
    collect(root, file)
    said = json.loads(file.read_text("utf-8"))
    assert said["a.png"]["caption"] == "A girl."
    assert said["a.png"]["tags"] == EXPECTED["a.png"]
    assert said["far/z.png"] == {"tags": "zebra"}
    with Journal() as journal:
        list(undo(journal, journal.find().run))
    assert file.read_text() == old


@pytest.mark.parametrize("name", ["meta.json", "meta.jsonl", "all.csv"])
def test_what_a_large_file_held_comes_back(
    root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, from the parts in which it is kept; unless somebody edited it since."""
    monkeypatch.setattr("tagger.folder.wholefile.PIECE", 7)
    collect(root, root / name)
    before = (root / name).read_bytes()
    (root / "a.txt").write_text("another")
    collect(root, root / name)
    assert (root / name).read_bytes() != before
    with Journal() as journal:
        assert [each.fate for each in undo(journal, 2, dry_run=True)] == ["restored"]
        assert [each.fate for each in undo(journal, 2)] == ["restored"]
        assert (root / name).read_bytes() == before
        assert [each.fate for each in undo(journal, 2)] == ["as it was"]
        (root / name).write_bytes(before + b" ")
        assert [each.fate for each in undo(journal, 1)] == ["left"]
        assert journal.keep(1) == 1
        assert b"".join(journal.parts(digest(before))) == before
        journal.begin("caption").apply(FileChange(root / "x", None, b"y"))
        journal.keep(1)
        assert list(journal.parts(digest(before))) == []


def test_a_file_that_is_edited_meanwhile_is_left(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its new text is made; the temporary one is gone."""
    file = root / "meta.json"
    file.write_text("{}")

    def merging(*given: object) -> int:
        count = merge(*given)  # pyright: ignore[reportArgumentType]
        file.write_text('{"b.png": {}}')
        return count

    monkeypatch.setattr("tagger.folder.gather.merge", merging)
    with pytest.raises(CaptionError, match="changed by somebody meanwhile"):
        collect(root, file)
    assert file.read_text() == '{"b.png": {}}'
    assert not list(root.glob(".tagger-*"))


def test_columns_of_a_csv_stay() -> None:
    """Those that others added."""
    old = "file_name,stars\na.png,5\n"
    text = io.StringIO()
    merge(Path("x.csv"), io.StringIO(old), [Row("a.png", "1girl"), Row("b.png", "hat")], text)
    assert text.getvalue() == "file_name,stars,text\na.png,5,1girl\nb.png,,hat\n"


@pytest.mark.parametrize(
    ("name", "old", "sentence"),
    [
        ("m.json", "[1]", "an object for each path, got other JSON"),
        ("m.json", "{", "kohya's metadata, got no JSON"),
        ("m.jsonl", '{"caption": "x"}', 'expected a JSON object with "image_path" to a line'),
        ("m.json", "[" * 100_000, "kohya's metadata, got no JSON"),
        ("m.csv", "a,b\n1,2\n", "expected a column file_name"),
        ("m.csv", "file_name,text\na.png,b,c\n", "rows as long as the head"),
        ("m.csv", f"file_name,text\na.png,{'x' * 200_000}\n", "a table, got none"),
        ("m.txt", None, "expected a name ending in"),
    ],
)
def test_a_file_of_another_kind_is_refused(root: Path, name: str, old: str, sentence: str) -> None:
    """And stays."""
    if old is not None:
        (root / name).write_text(old)
    with pytest.raises(UsageError, match=sentence):
        collect(root, root / name)
    assert not (root / name).exists() or (root / name).read_text() == old


def test_a_file_in_another_encoding_is_refused(root: Path) -> None:
    """Not guessed."""
    (root / "m.csv").write_bytes("file_name,text\né.png,é".encode("latin-1"))
    with pytest.raises(CaptionError, match="expected UTF-8"):
        collect(root, root / "m.csv")


def test_a_caption_that_can_not_be_read_is_left_out(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And named; with its encoding it is read."""
    (root / "c.txt").write_bytes("猫".encode("cp932"))
    assert collect(root, root / "m.json") == 2
    assert "c.txt" in caplog.text
    job = FolderJob((root,), Folder(encoding="cp932"))
    (root / 'sub [1]/é, "b".txt').unlink()
    with Journal() as journal:
        assert gather(job, root / "n.json", journal.begin("caption")) == 2
    assert json.loads((root / "n.json").read_text("utf-8"))["c.png"]["tags"] == "猫"
