"""`tagger runs` and `tagger undo`: what was done is listed and taken back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tagger.cli import main
from tagger.folder.journal import FileChange, Journal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that one run changed: `a.txt` rewritten, `b.txt` created."""
    (tmp_path / "a.txt").write_bytes(b"mine\r\n")
    with Journal() as journal:
        run = journal.begin("caption", ["my folder"])
        run.apply(FileChange(tmp_path / "a.txt", b"mine\r\n", b"1girl"))
        run.apply(FileChange(tmp_path / "b.txt", None, b"1girl"))
    return tmp_path


def test_without_a_run_there_is_nothing_to_undo(capsys: pytest.CaptureFixture[str]) -> None:
    """Said in a sentence."""
    assert main(["runs"]) == 0
    assert main(["undo"]) == 2
    said = capsys.readouterr()
    assert "no run has changed anything yet" in said.out
    assert "expected a run to undo, got no run" in said.err


@pytest.mark.usefixtures("folder")
def test_runs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """With the command that may be typed again; as JSON on request."""
    assert main(["runs"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["run", "when", "files", "undone", "what"]
    assert row.endswith("tagger caption 'my folder'")
    assert main(["runs", "--json"]) == 0
    (record,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (record["run"], record["changes"], record["undone"]) == (1, 2, None)


def test_a_run_is_undone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """First previewed; byte for byte; created files are gone."""
    assert main(["undo", "--dry-run"]) == 0
    said = capsys.readouterr()
    assert f"restored    {folder / 'a.txt'}" in said.out
    assert "nothing was written" in said.err
    assert (folder / "b.txt").exists()

    assert main(["undo", "1"]) == 0

    assert (folder / "a.txt").read_bytes() == b"mine\r\n"
    assert not (folder / "b.txt").exists()
    assert "1 removed, 1 restored" in capsys.readouterr().err


def test_what_was_edited_since_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, and it stays."""
    (folder / "a.txt").write_text("1girl, by hand")
    assert main(["undo"]) == 1
    assert f"left        {folder / 'a.txt'}: edited since" in capsys.readouterr().out
    assert (folder / "a.txt").read_text() == "1girl, by hand"


@pytest.mark.usefixtures("folder")
def test_only_one_run_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Their order would matter."""
    assert main(["undo", "1", "2"]) == 2
    assert "expected one, got 2" in capsys.readouterr().err
