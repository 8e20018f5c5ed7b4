"""`tagger caption`: a folder in, captions out, nothing lost."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from tagger.cli import main
from tagger.extras import install
from tagger.folder.journal import Journal
from tagger.images import content_hash

Tagger = Callable[..., int]


def captions(folder: Path) -> dict[str, str]:
    """Every caption under a folder, by its path there."""
    found = sorted(folder.rglob("*.txt"))
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in found}


def files(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_every_picture_has_its_caption_beside_it(tagger: Tagger, pictures: Path) -> None:
    """Spaces and brackets in names are names; scores fall; no newline ends the file."""
    assert tagger("caption", pictures) == 0

    assert captions(pictures) == {
        "red.txt": "red theme, long hair, saber (fate)",
        "blue.txt": "blue theme, long hair, saber (fate)",
        "sub [1]/blue 2.txt": "blue theme, long hair, saber (fate)",
    }


def test_a_caption_that_is_there_stays(
    tagger: Tagger, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a word to the contrary what somebody wrote is not touched, and is counted."""
    (pictures / "red.txt").write_text("my own words")

    assert tagger("caption", pictures) == 0

    assert captions(pictures)["red.txt"] == "my own words"
    assert "2 written, 1 skipped" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("overwrite", "red theme, long hair, saber (fate)"),
        ("append", "Long Hair, mine, red theme, saber (fate)"),
        ("prepend", "red theme, saber (fate), Long Hair, mine"),
    ],
)
def test_existing_captions_are_replaced_or_completed(
    tagger: Tagger, pictures: Path, how: str, expected: str
) -> None:
    """What is added is only what no spelling of it has."""
    (pictures / "red.txt").write_text("Long Hair, mine")

    assert tagger("caption", pictures, "--on-existing", how) == 0

    assert captions(pictures)["red.txt"] == expected


def test_a_diff_shows_captions_that_would_change(
    tagger: Tagger, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before and after; nothing is written, neither captions nor a run."""
    (pictures / "red.txt").write_text("mine")
    before = files(pictures)

    assert tagger("caption", pictures, "--dry-run", "--diff", "--on-existing", "append") == 0

    said = capsys.readouterr()
    red = f"{pictures / 'red.txt'}\n- mine\n+ mine, red theme, long hair, saber (fate)\n"
    assert red in said.out
    assert f"{pictures / 'blue.txt'}\n+ blue theme" in said.out
    assert "nothing was written" in said.err
    assert files(pictures) == before
    assert main(["runs"]) == 0
    assert "no run has changed anything" in capsys.readouterr().out
    assert tagger("caption", pictures, "--diff") == 2


def test_a_report_names_every_failure(tagger: Tagger, pictures: Path, tmp_path: Path) -> None:
    """As JSON, with the counts."""
    (pictures / "broken.png").write_bytes((pictures / "red.png").read_bytes()[:60])
    (pictures / "red.txt").write_text("one\ntwo")
    report = tmp_path / "report.json"

    assert tagger("caption", pictures, "--on-existing", "append", "--report", report) == 1

    said = json.loads(report.read_text())
    assert (said["pictures"], said["written"], said["failed"]) == (4, 2, 1)
    assert said["failures"][0]["path"] == str(pictures / "broken.png")
    assert said["left"][0]["reason"].startswith("the caption has several lines")


def test_output_gathers_the_captions(
    tagger: Tagger, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that stay too; one undo takes back the whole run."""
    (pictures / "red.txt").write_text("mine")
    before = files(pictures)
    output = pictures / "metadata.jsonl"

    assert tagger("caption", pictures, "--output", output) == 0

    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert {line["file_name"]: line["text"] for line in lines} == {
        "red.png": "mine",
        "blue.jpg": "blue theme, long hair, saber (fate)",
        "sub [1]/blue 2.png": "blue theme, long hair, saber (fate)",
    }
    assert "3 captions in " in capsys.readouterr().err
    assert main(["undo"]) == 0
    assert files(pictures) == before
    assert tagger("caption", pictures, "--output", pictures / "a.docx") == 2
    assert files(pictures) == before


def test_output_gathers_every_score(tagger: Tagger, pictures: Path, tmp_path: Path) -> None:
    """Of all pictures, also one whose caption stays; a repeat gives the same file."""
    pq = pytest.importorskip("pyarrow.parquet")
    (pictures / "red.txt").write_text("mine")
    file = tmp_path / "scores.parquet"
    assert tagger("caption", pictures, "--output", file) == 0
    rows = {Path(row["path"]).name: row for row in pq.read_table(file).to_pylist()}
    assert sorted(rows) == ["blue 2.png", "blue.jpg", "red.png"]
    assert rows["red.png"]["scores"][4:] == pytest.approx([0.998, 0.0025, 0.9, 0.6], abs=1e-3)
    assert rows["red.png"]["hash"] == content_hash(pictures / "red.png")
    assert (pictures / "red.txt").read_text() == "mine"
    before = file.read_bytes()
    assert tagger("caption", pictures, "--output", file) == 0
    assert file.read_bytes() == before
    (pictures / "red.png").unlink()
    assert tagger("caption", pictures, "--output", file) == 0
    assert pq.read_table(file).num_rows == 2
    assert main(["undo"]) == 0
    assert file.read_bytes() == before
    assert main(["undo"]) == 0
    assert not file.exists()


def test_without_pyarrow_a_table_is_refused_before_anything_runs(
    tagger: Tagger,
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With what brings it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert tagger("caption", pictures, "--output", pictures / "s.parquet") == 2
    assert f"`{install('dataset')}`" in capsys.readouterr().err
    assert not (pictures / "red.txt").exists()


def test_a_table_is_of_one_model(
    colour_model: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scores of several can't be told apart in it."""
    models = ["--model", str(colour_model), "--model", "demo"]
    assert main(["caption", str(pictures), *models, "--output", "s.parquet"]) == 2
    assert "make a table of each" in capsys.readouterr().err


def test_scores_beside_the_captions(tagger: Tagger, pictures: Path) -> None:
    """As JSON, the highest first; a repeat writes nothing, somebody else's file stays."""
    (pictures / "blue.json").write_text('{"source": "mine"}')

    assert tagger("caption", pictures, "--json-sidecar") == 1

    said = json.loads((pictures / "red.json").read_text())
    assert list(said["tags"]) == ["red_theme", "long_hair", "saber_(fate)"]
    assert said["tags"]["saber_(fate)"] == pytest.approx(0.6, abs=1e-5)
    assert next(iter(said["rating"])) == "general"
    assert (pictures / "blue.json").read_text() == '{"source": "mine"}'
    (pictures / "blue.json").unlink()
    assert tagger("caption", pictures, "--json-sidecar", "--on-existing", "overwrite") == 0
    before = files(pictures)
    assert len(before) == 10
    assert tagger("caption", pictures, "--json-sidecar", "--on-existing", "overwrite") == 0
    assert files(pictures) == before
    assert len(Journal().runs()) == 2
    assert main(["undo"]) == 0
    assert main(["undo"]) == 0
    assert not list(pictures.glob("*.json"))
    assert tagger("caption", pictures, "--json-sidecar", "--extension", "json") == 2


def test_inputs_may_be_patterns_lists_and_sifted(
    tagger: Tagger, pictures: Path, tmp_path: Path
) -> None:
    """Several of each; captions may be named."""
    pattern, chosen = pictures / "sub [1]" / "*.png", tmp_path / "list.txt"
    chosen.write_text("pictures/red.png\n")
    name = ["--name", "[name].[extension].[output_extension]"]
    assert tagger("caption", pattern, "--from-list", chosen, *name) == 0
    assert set(captions(pictures)) == {"red.png.txt", "sub [1]/blue 2.png.txt"}

    assert tagger("caption", pictures, "--exclude-path", "sub*", "--include-path", "*.jpg") == 0
    assert set(captions(pictures)) == {"red.png.txt", "sub [1]/blue 2.png.txt", "blue.txt"}


def test_another_threshold_loads_no_model(
    tagger: Tagger,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The scores were kept, in our home or in a file that is named."""
    own = ["--store", tmp_path / "own.sqlite"]
    assert tagger("caption", pictures, *own) == 0

    def refuse(*_: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr("tagger.cli.opening.open_backend", refuse)
    again = ["--on-existing", "update", "--threshold", "0.7"]
    assert tagger("caption", pictures, *again, *own) == 0
    assert captions(pictures)["red.txt"] == "red theme, long hair"
    assert "3 written\n3 of them from kept scores, 0 inferred" in capsys.readouterr().err
    monkeypatch.undo()
    assert tagger("caption", pictures, "--on-existing", "overwrite") == 0
    assert captions(pictures)["red.txt"] == "red theme, long hair, saber (fate)"


def test_a_run_is_undone_and_hand_edits_stay(tagger: Tagger, pictures: Path) -> None:
    """By `tagger undo`; and `update` leaves them too."""
    assert tagger("caption", pictures) == 0
    (pictures / "red.txt").write_text("by hand")
    assert tagger("caption", pictures, "--on-existing", "update", "--threshold", "0.7") == 0
    assert captions(pictures)["red.txt"] == "by hand"
    assert captions(pictures)["blue.txt"] == "blue theme, long hair"
    assert main(["undo"]) == 0
    assert captions(pictures)["blue.txt"] == "blue theme, long hair, saber (fate)"
    assert main(["undo"]) == 1
    assert captions(pictures) == {"red.txt": "by hand"}


@pytest.mark.parametrize("struck", [1, 2])
def test_ctrl_c_ends_with_the_summary(
    tagger: Tagger,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
    struck: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Wherever it strikes: here while progress is shown. Exit code 130; the next run goes on."""

    @contextmanager
    def interrupted(title: str, unit: str = "") -> Iterator[Callable[[int, int], None]]:
        left = struck

        def tell(done: int, total: int, note: str = "") -> None:
            nonlocal left
            left -= 1
            if left >= 0:
                raise KeyboardInterrupt

        yield tell

    monkeypatch.setattr("tagger.cli.caption.progress", interrupted)
    assert tagger("caption", pictures) == 130
    said = capsys.readouterr().err
    assert "Stopped: " in said
    monkeypatch.undo()
    assert tagger("caption", pictures) == 0
    assert len(captions(pictures)) == 3


def test_progress_says_how_far_how_fast_and_on_what(
    tagger: Tagger,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As plain lines where there is no terminal: pictures, rate, time left; device and batch."""
    monkeypatch.setattr("tagger.cli.screen.PLAIN_EVERY_S", 0.0)
    assert tagger("caption", pictures, "--device", "cpu") == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "Captioning" in line]
    form = r"Captioning: 1 of 3 pictures, [\d.]+/s, \d+ s left; cpu, \d+ at once"
    assert re.fullmatch(form, said[0])
    assert said[-1].startswith("Captioning: 3 of 3 pictures, ")


def test_out_mirrors_the_folder(tagger: Tagger, pictures: Path, tmp_path: Path) -> None:
    """With --out the pictures' folder stays as it was."""
    before = files(pictures)

    assert tagger("caption", pictures, "--out", tmp_path / "captions") == 0

    assert files(pictures) == before
    assert set(captions(tmp_path / "captions")) == {"red.txt", "blue.txt", "sub [1]/blue 2.txt"}


def test_a_dry_run_says_everything_and_writes_nothing(
    tagger: Tagger, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each picture with its caption file and what would happen to it."""
    (pictures / "red.txt").write_text("mine")
    before = files(pictures)

    assert tagger("caption", pictures, "--dry-run") == 0

    said = capsys.readouterr()
    assert files(pictures) == before
    assert f"skip       {pictures / 'red.png'} -> {pictures / 'red.txt'}" in said.out
    assert "2 new" in said.err
    assert "nothing was written" in said.err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_can_neither_break_a_line_nor_steer_the_terminal(
    tagger: Tagger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Line breaks, escape sequences, reversed letters and bytes that are no text are escaped."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in (b"a\nb.png", b"\x1b[2Jc.png", "\u202ed 猫.png".encode(), b"\xff.png"):
        try:
            Image.new("RGB", (4, 4)).save(os.fsdecode(os.fsencode(folder) + b"/" + name))
        except OSError:
            pytest.skip("this disk has no such names")
    assert tagger("caption", folder, "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("/")[-1] for line in lines] == [
        "\\x1b[2Jc.txt",
        "a\\nb.txt",
        "\\u202ed 猫.txt",
        "\\udcff.txt",
    ]


def test_a_broken_picture_is_named_and_stops_nothing(
    tagger: Tagger, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are captioned, the summary names the reason, the exit code is 1."""
    (pictures / "broken.png").write_bytes((pictures / "red.png").read_bytes()[:60])

    assert tagger("caption", pictures) == 1

    assert set(captions(pictures)) == {"red.txt", "blue.txt", "sub [1]/blue 2.txt"}
    said = capsys.readouterr().err
    assert "3 written, 1 failed" in said
    assert "broken.png" in said


def test_two_pictures_never_share_a_caption_in_silence(
    tagger: Tagger, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """red.jpg beside red.png: the second is refused, with what to do."""
    Image.new("RGB", (9, 9), "blue").save(pictures / "red.jpg")

    assert tagger("caption", pictures) == 1

    said = capsys.readouterr().err
    assert "red.txt" in said
    assert "rename one of them" in said


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--threshold", "0.95"], "red theme"),
        (["--threshold", "character=0.7"], "red theme, long hair"),
        (["--tag-threshold", "long hair=0.95"], "red theme, saber (fate)"),
        (["--top", "1"], "red theme"),
        (["--exclude-tag", "*_hair"], "red theme, saber (fate)"),
        (["--keep-tag", "sensitive"], "red theme, long hair, saber (fate)"),
        (["--only-tag", r"saber \(fate\)"], "saber (fate)"),
        (["--replace", "long_hair=flowing_hair"], "red theme, flowing hair, saber (fate)"),
        (["--replace", "long_hair="], "red theme, saber (fate)"),
        (["--prefix", "[name] style"], "red style, red theme, long hair, saber (fate)"),
        (["--suffix", "by me"], "red theme, long hair, saber (fate), by me"),
        (["--order", "alphabetical"], "long hair, red theme, saber (fate)"),
        (["--order", "template"], "saber (fate), red theme, long hair"),
        (["--max", "2"], "red theme, long hair"),
        (["--escape"], r"red theme, long hair, saber \(fate\)"),
        (["--underscores"], "red_theme, long_hair, saber_(fate)"),
        (["--category", "character"], "saber (fate)"),
        (["--weights", "--top", "2", "--threshold", "0.5"], None),
    ],
)
def test_flags_decide_the_caption(
    tagger: Tagger, pictures: Path, flags: list[str], expected: str | None
) -> None:
    """Each flag does what its sentence says."""
    assert tagger("caption", pictures, *flags) == 0

    text = captions(pictures)["red.txt"]
    if expected is None:
        assert text.startswith("(red theme:")
        assert text.endswith("(long hair:0.90)")
    else:
        assert text == expected


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["{no}"], "got nothing of that name"),
        (["{empty}"], "expected pictures, got none"),
        ([], "expected a folder of pictures"),
        (["{pictures}", "--threshold", "1.5"], "from 0 to 1, got '1.5'"),
        (["{pictures}", "--threshold", "character"], "from 0 to 1, got 'character'"),
        (["{pictures}", "--tag-threshold", "0.3"], "expected NAME=N"),
        (["{pictures}", "--threshold", "charakter=0.7"], "(rating, general, character)"),
        (["{pictures}", "--category", "meta"], "got 'meta'"),
        (["{pictures}", "--device", "tensorrt"], "expected a device tensorrt"),
        (["{pictures}", "--replace", "smile"], "expected A=B"),
        (["{pictures}", "--on-existing", "destroy"], "destroy"),
        (["{pictures}", "--exclude-tag", "/(a+)+b/"], "(a+)+b"),
        (["{pictures}", "--extension", ".png"], "--extension: expected the ending"),
        (["{pictures}", "--top", "0"], "--top: expected a whole number"),
        (["{pictures}", "--only-tag", "/(/"], "--only-tag: /(/: expected a regular expression"),
        (["{pictures}", "--prefix", "a, b"], "--prefix: expected one tag"),
        (["{pictures}", "--name", "[x]"], "--name: expected tokens"),
        (["{pictures}", "--batch", "-1"], "--batch: expected a whole number"),
        (["{pictures}", "--model-weight", "2"], "--model-weight: expected 0 weights"),
        (["{pictures}", "--select", "mcut", "--top", "3"], "--top: expected --select topk"),
        (["{pictures}", "--select", "best"], "invalid choice 'best' for argument '--select'"),
    ],
)
def test_what_cant_be_done_is_refused_in_a_sentence(
    pictures: Path,
    tagger: Tagger,
    argv: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2, one line, nothing written."""
    empty = pictures.parent / "empty"
    empty.mkdir()
    before = files(pictures)
    places = {"no": pictures / "no", "empty": empty, "pictures": pictures}

    assert tagger("caption", *(word.format(**places) for word in argv)) == 2

    said = capsys.readouterr().err
    assert said.startswith("tagger: ")
    assert said.count("\n") == 1
    assert sentence in said
    assert files(pictures) == before


def test_a_threshold_for_a_tag_that_the_model_lacks_is_mentioned(
    tagger: Tagger, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be meant for another model, and it may be a slip: the run goes on."""
    assert tagger("caption", pictures, "--tag-threshold", "lnog hair=0.9") == 0

    assert "does not know 'lnog hair'" in capsys.readouterr().err


def test_an_unknown_model_brings_the_nearest(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip in a model's name is answered with the one that was meant."""
    assert main(["caption", str(pictures), "--model", "wd-swinv2-taggr-v3"]) == 2

    assert "wd-swinv2-tagger-v3" in capsys.readouterr().err


def test_without_the_default_model_every_way_out_is_named(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, with the one command that fetches it, and the bundled model."""
    assert main(["caption", str(pictures)]) == 2

    said = capsys.readouterr().err
    assert "tagger models get wd-swinv2-tagger-v3" in said
    assert "use demo (" in said
    assert captions(pictures) == {}


def test_a_folder_of_a_model_that_lacks_a_file_is_refused(
    pictures: Path, colour_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence names what is missing."""
    folder = tmp_path / "half"
    folder.mkdir()
    (folder / "model.onnx").write_bytes((colour_model / "model.onnx").read_bytes())

    assert main(["caption", str(pictures), "--model", str(folder)]) == 2

    assert "selected_tags.csv" in capsys.readouterr().err
    assert captions(pictures) == {}


def test_names_of_255_bytes_and_emoji_work(tagger: Tagger, tmp_path: Path) -> None:
    """The caption's name may be as long as a file system takes, and hold any letter."""
    folder = tmp_path / "🦊 art"
    folder.mkdir()
    for name in ("x" * 251 + ".png", "あ" * 82 + "💙.jpg"):
        Image.new("RGB", (9, 9), "red").save(folder / name)

    assert tagger("caption", folder) == 0

    assert sorted(captions(folder)) == sorted(["x" * 251 + ".txt", "あ" * 82 + "💙.txt"])


def test_tags_of_captions_count_beside_the_models(tagger: Tagger, pictures: Path) -> None:
    """First and in their order, each once in any spelling; nothing of them is lost."""
    (pictures / "red.txt").write_text("my hat, Long Hair, highres, rating:safe, (smile:1.2)")
    (pictures / "blue.txt").write_text("A girl stands in the rain and looks at us.")

    def caption(*more: str) -> int:
        return tagger("caption", pictures, "--with-captions", "--on-existing", "overwrite", *more)

    assert caption() == 1  # the sentence is no list of tags: left, and named
    assert (pictures / "red.txt").read_text() == (
        "my hat, long hair, highres, rating:safe, smile, red theme, saber (fate)"
    )
    assert (pictures / "blue.txt").read_text() == "A girl stands in the rain and looks at us."
    assert (
        pictures / "sub [1]" / "blue 2.txt"
    ).read_text() == "blue theme, long hair, saber (fate)"
    before = files(pictures)
    caption()
    assert files(pictures) == before
    caption("--exclude-tag", "my_hat", "--template", "character", "--template", "*")
    assert (pictures / "red.txt").read_text() == (
        "saber (fate), long hair, highres, rating:safe, smile, red theme"
    )
