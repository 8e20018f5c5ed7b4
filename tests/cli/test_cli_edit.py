"""`tagger stats` and `tagger edit`, as they are typed."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tagger.cli import main
from tagger.cli.editflags import EditFlags
from tagger.cli.stats import StatsFlags
from tagger.folder.queryreader import parse
from tagger.images import content_hash
from tagger.models.registry import default_registry
from tagger.models.spec import digest
from tagger.options import describe
from tagger.scores import Scores
from tagger.store import Key, Store

Said = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures with captions, one without, one of sentences."""
    root = tmp_path / "pictures"
    (root / "sub").mkdir(parents=True)
    captions = {
        "a.png": "1girl, long hair, smile",
        "b.png": "1girl, long_hair, Long Hair",
        "sub/c.png": "1boy, smile",
        "d.png": "",
        "e.png": "A girl stands in the rain and looks at us",
    }
    for shade, (name, text) in enumerate(captions.items()):
        Image.new("RGB", (4, 4), (shade, 0, 0)).save(root / name)
        if text:
            (root / name).with_suffix(".txt").write_text(text)
    return root


def texts(root: Path) -> dict[str, str]:
    return {p.stem: p.read_text("utf-8") for p in root.rglob("*.txt")}


def test_statistics_are_shown(folder: Path, capsys: Said) -> None:
    assert main(["stats", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "general: 4 tags" in said
    assert "2         67%    1girl\n" in said
    assert "3 captions, 2.7 tags in each, 2 to 3" in said
    assert "not counted, sentences: 1" in said
    assert "pictures without a caption: 1" in said


def test_statistics_go_to_scripts_and_tables(folder: Path, tmp_path: Path, capsys: Said) -> None:
    Image.open(folder / "a.png").save(folder / "z.png")
    table = tmp_path / "tags.csv"
    argv = ["stats", str(folder), "--json", "--pairs", "--duplicates", "--csv", str(table)]
    assert main(argv) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tags"][0] == {"name": "1girl", "category": "general", "count": 2}
    assert told["tags_in_a_caption"] == {"2": 1, "3": 2}
    assert {"first": "1girl", "second": "long hair", "count": 2} in told["pairs"]
    assert told["duplicates"] == [[str(folder / "a.png"), str(folder / "z.png")]]
    with table.open(newline="") as file:
        assert list(csv.reader(file))[:2] == [
            ["tag", "category", "captions"],
            ["1girl", "general", "2"],
        ]


def test_statistics_are_drawn(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert main(["stats", str(folder), "--plot", str(tmp_path / "tags.png")]) == 0
    assert (tmp_path / "tags.png").read_bytes().startswith(b"\x89PNG")


def test_categories_are_those_of_the_model(colour_model: Path, folder: Path, capsys: Said) -> None:
    (folder / "a.txt").write_text("saber (fate), long hair")
    assert main(["stats", str(folder), "--model", str(colour_model)]) == 0
    assert "character: 1 tag\n" in capsys.readouterr().out


def test_without_the_default_model_any_labels_here_tell(folder: Path, capsys: Said) -> None:
    """Of a folder that another tool captioned; the bundled model's, if no others are here."""
    labels = default_registry().find("demo").labels
    character = labels[int(labels.of("character")[0])].name
    (folder / "a.txt").write_text(f"{character}, artist:somebody, some tag")
    assert main(["stats", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "character: 1 tag\n" in said
    assert "artist: 1 tag\n" in said


def test_an_edit_is_shown_done_and_undone(folder: Path, capsys: Said) -> None:
    before = texts(folder)
    argv = ["edit", str(folder), "--where", '"long hair"', "--dedupe", "--trigger", "sks", "--yes"]
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert "- 1girl, long_hair, Long Hair\n+ sks, 1girl, long_hair\n" in said
    assert "2 captions, 2 change" in said
    assert "`tagger undo 1` undoes it" in said
    assert texts(folder) == before | {
        "a": "sks, 1girl, long hair, smile",
        "b": "sks, 1girl, long_hair",
    }

    assert main(["undo"]) == 0
    assert texts(folder) == before


def test_a_dry_run_writes_nothing(folder: Path, own_home: Path, capsys: Said) -> None:
    before = texts(folder)
    assert main(["edit", str(folder), "--remove", "smile", "--dry-run"]) == 0
    assert "nothing was written" in capsys.readouterr().out
    assert texts(folder) == before
    assert not (own_home / "tagger").exists()


def test_the_edits_are_done_in_the_order_of_the_help(folder: Path) -> None:
    """Whatever the order in which they are typed."""
    argv = ["--sort", "alphabetical", "--add", "b", "--remove", "/hair/", "--replace", "smile=b"]
    assert main(["edit", str(folder), *argv, "--trigger", "1girl", "--yes"]) == 0
    told = texts(folder)
    assert (told["a"], told["b"], told["c"]) == ("1girl, b", "1girl, b", "1girl, 1boy, b")


@pytest.mark.parametrize(("answer", "done"), [("y", True), ("n", False), ("", False)])
def test_it_asks_before_it_writes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, done: bool
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert main(["edit", str(folder), "--remove", "smile"]) == 0
    assert ("smile" not in texts(folder)["a"]) is done


def test_where_nobody_can_be_asked_it_wants_a_word(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert main(["edit", str(folder), "--remove", "smile"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert "smile" in texts(folder)["a"]


def test_pictures_are_moved_and_deleted_and_come_back(folder: Path, tmp_path: Path) -> None:
    away = tmp_path / "away"
    assert main(["edit", str(folder), "--where", "1boy", "--move", str(away), "--yes"]) == 0
    assert (away / "sub" / "c.txt").read_text() == "1boy, smile"
    assert main(["edit", str(folder), "--where", "len=0", "--delete", "--yes"]) == 0
    assert not (folder / "d.png").exists()
    assert main(["undo", "2"]) == main(["undo", "1"]) == 0
    assert (folder / "d.png").exists()
    assert (folder / "sub" / "c.png").exists()


def test_a_query_that_can_not_be_read_is_pointed_at(folder: Path, capsys: Said) -> None:
    assert main(["edit", str(folder), "--where", "long hair", "--remove", "x"]) == 2
    assert capsys.readouterr().err.startswith("long hair\n     ^\ntagger: --where, character 6: ")


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        ([], "expected an edit, got none"),
        (["--delete"], "expected --where with it"),
        (["--where", "a", "--delete", "--remove", "b"], "do it in two steps"),
        (["--replace", "smile"], "expected A=B"),
        (["--add", "a, b"], "expected one tag"),
        (["--prune-implied"], "tagger relations update"),
        (["--prune-traits", "miku"], "expected captions with 'miku'"),
        (["--where", "score(smile)>0.5", "--remove", "a"], "expected kept scores"),
    ],
)
def test_what_can_not_be_done_is_refused(
    folder: Path, capsys: Said, argv: list[str], why: str
) -> None:
    before = texts(folder)
    assert main(["edit", str(folder), *argv, "--yes"]) == 2
    assert why in capsys.readouterr().err
    assert texts(folder) == before


def test_kept_scores_choose_captions(folder: Path, colour_model: Path, capsys: Said) -> None:
    """As `tagger caption` keeps them, by content: a renamed picture has them too."""
    model = default_registry().find(str(colour_model), allow_paths=True)
    contract = model.contract
    way = (model.identity(contract), digest(contract.preprocess))
    values = np.zeros(len(model.labels), np.float32)
    with Store() as store:
        for name, score in (("a.png", 0.9), ("b.png", 0.2), ("sub/c.png", 0.8)):
            values[model.labels.find("long hair")] = score
            scores = Scores(values, model.labels, "colours")
            store.put(Key(content_hash(folder / name), *way), scores.sparse())
    argv = ["edit", str(folder), "--model", str(colour_model), "--remove", "*", "--add", "new"]
    argv += ["--where", "len>0 and not path=e.* and score(long_hair)>0.5", "--yes"]
    assert main(argv) == 0
    told = texts(folder)
    assert (told["a"], told["c"]) == ("new", "new")
    assert told["b"].startswith("1girl")

    assert main([*argv[:-2], "score(long_hair)>0.5", "--yes"]) == 2
    assert "d.png: expected kept scores" in capsys.readouterr().err


def test_the_page_on_editing_knows_the_flags_and_the_language() -> None:
    """Every flag it names is there, and every question of its table can be read."""
    page = Path(__file__).parents[2] / "docs" / "editing.md"
    if not page.is_file():
        pytest.skip("the documents are in the repository alone")
    text = page.read_text("utf-8")
    known = {f.name.replace("_", "-") for cls in (EditFlags, StatsFlags) for f in describe(cls)}
    assert set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", text)) <= known
    table = text.split("| question |")[1].split("\n\n")[0]
    questions = re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)
    assert len(questions) == 10
    for question in questions:
        parse(question.replace("\\|", "|"))
