"""What Tagger does to files is written down first, and can be undone byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.errors import CaptionError, UsageError
from tagger.folder.journal import FileChange, Journal
from tagger.folder.undo import Undone, undo


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal of its own."""
    return Journal(tmp_path / "home" / "journal.sqlite")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Somebody's folder."""
    made = tmp_path / "ü [1]"
    made.mkdir()
    return made


def fates(done: list[Undone]) -> dict[str, str]:
    return {each.path.name: each.fate for each in done}


def state(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def test_a_run_is_undone_byte_for_byte(journal: Journal, folder: Path) -> None:
    """Rewritten, created and removed files; BOM, line ends and broken UTF-8 as they were."""
    (folder / "a.txt").write_bytes(b"\xef\xbb\xbfold\r\n\xff")
    (folder / "b.txt").write_bytes(b"")
    (folder / "c.txt").write_bytes(b"gone soon")
    before = state(folder)
    run = journal.begin("caption", ["x y"])
    run.apply(FileChange(folder / "a.txt", before["a.txt"], b"new"))
    run.apply(FileChange(folder / "b.txt", b"", b"tags"))
    run.apply(FileChange(folder / "c.txt", b"gone soon", None))
    run.apply(FileChange(folder / "d.txt", None, b"1girl"))
    assert state(folder) == {"a.txt": b"new", "b.txt": b"tags", "d.txt": b"1girl"}
    assert run.run is not None

    previewed = list(undo(journal, run.run, dry_run=True))

    assert "a.txt" in state(folder)
    done = list(undo(journal, run.run))
    assert previewed == done
    assert fates(done) == {
        "a.txt": "restored",
        "b.txt": "restored",
        "c.txt": "restored",
        "d.txt": "removed",
    }
    assert state(folder) == before
    assert set(fates(list(undo(journal, run.run))).values()) == {"as it was"}


def test_what_somebody_edited_since_is_left_and_named(journal: Journal, folder: Path) -> None:
    """Also a file that was removed since."""
    run = journal.begin("caption")
    for name in ("a.txt", "b.txt", "c.txt"):
        run.apply(FileChange(folder / name, None, b"tags"))
    (folder / "a.txt").write_bytes(b"tags, mine")
    (folder / "b.txt").unlink()
    (folder / "b.txt").write_bytes(b"other")
    done = list(undo(journal, journal.find().run))
    assert fates(done) == {"a.txt": "left", "b.txt": "left", "c.txt": "removed"}
    assert {each.reason for each in done if each.fate == "left"} == {"edited since"}
    assert state(folder) == {"a.txt": b"tags, mine", "b.txt": b"other"}


def test_a_file_changed_meanwhile_is_not_touched(journal: Journal, folder: Path) -> None:
    """And nothing is recorded."""
    (folder / "a.txt").write_bytes(b"just saved")
    with pytest.raises(CaptionError, match="changed by somebody meanwhile"):
        journal.begin("caption").apply(FileChange(folder / "a.txt", b"old", b"new"))
    assert state(folder) == {"a.txt": b"just saved"}
    assert journal.runs() == []


def test_a_change_that_was_recorded_and_not_done_needs_no_undo(
    journal: Journal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is after a kill between the two."""
    (folder / "a.txt").write_bytes(b"old")

    def killed(path: Path, data: bytes | None) -> None:
        raise KeyboardInterrupt

    run = journal.begin("caption")
    with monkeypatch.context() as patched:
        patched.setattr("tagger.folder.recorder.put_file", killed)
        with pytest.raises(KeyboardInterrupt):
            run.apply(FileChange(folder / "a.txt", b"old", b"new"))
    assert fates(list(undo(journal, journal.find().run))) == {"a.txt": "as it was"}
    assert state(folder) == {"a.txt": b"old"}


def test_runs_are_listed_with_what_asked_for_them(journal: Journal, folder: Path) -> None:
    """The last one that is not undone is the one to undo."""
    for number, verb in enumerate(("caption", "edit")):
        run = journal.begin(verb, ["my folder"])
        run.apply(FileChange(folder / f"{number}.txt", None, b"x"))
    first, second = journal.runs()
    assert (first.run, first.command, first.changes, first.undone) == (
        1,
        "caption 'my folder'",
        1,
        None,
    )
    assert journal.find().run == second.run == 2
    list(undo(journal, 2))
    assert journal.find().run == 1
    assert journal.find(2).undone
    with pytest.raises(UsageError, match="expected run 7, got runs 1 to 2"):
        journal.find(7)


def test_what_tagger_wrote_is_known_until_it_is_edited(journal: Journal, folder: Path) -> None:
    """By path and bytes, of captioning only."""
    path = folder / "a.txt"
    journal.begin("caption").apply(FileChange(path, None, b"1girl", "new"))
    journal.begin("caption").apply(FileChange(path, b"1girl", b"1girl, hat", "append"))
    journal.begin("edit").apply(FileChange(path, b"1girl, hat", b"hat", "remove"))
    last = journal.wrote(path, b"1girl, hat")
    assert last is not None
    assert (last.kind, last.before) == ("append", b"1girl")
    assert journal.wrote(path, b"1girl, hat", before=last.number) is None
    assert journal.wrote(path, b"hat") is None
    assert journal.wrote(folder / "b.txt", b"1girl") is None


def test_a_moved_file_comes_back(journal: Journal, folder: Path) -> None:
    """With its time; never over another."""
    picture = folder / "a.png"
    picture.write_bytes(b"pixels")
    os.utime(picture, (1, 1))
    run = journal.begin("edit")
    run.move(picture, folder / "kept" / "a.png")
    assert state(folder) == {"kept/a.png": b"pixels"}
    picture.write_bytes(b"another")
    assert fates(list(undo(journal, 1, dry_run=True))) == {"a.png": "left"}
    with pytest.raises(CaptionError, match="is there already"):
        run.move(picture, folder / "kept" / "a.png")
    picture.unlink()
    assert fates(list(undo(journal, 1))) == {"a.png": "moved back"}
    assert picture.stat().st_mtime == 1
    assert fates(list(undo(journal, 1))) == {"a.png": "as it was"}


def test_a_journal_that_breaks_in_a_run_is_set_aside(
    journal: Journal, folder: Path, tmp_path: Path
) -> None:
    """The run goes on in a new one, and what it changes from there on can be undone."""
    run = journal.begin("caption")
    run.apply(FileChange(folder / "a.txt", None, b"1"))
    journal.close()
    path = tmp_path / "home" / "journal.sqlite"
    path.write_bytes(b"not a database" * 100)
    with Journal(path) as renewed:
        again = renewed.begin("caption")
        again.apply(FileChange(folder / "b.txt", None, b"2"))
        assert fates(list(undo(renewed, 1))) == {"b.txt": "removed"}
    assert any(".broken-" in each.name for each in path.parent.iterdir())


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.binary(max_size=4)), max_size=8))
def test_any_row_of_changes_is_undone(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bytes | None]]
) -> None:
    """The same file may be changed many times in one run."""
    folder = tmp_path_factory.mktemp("any")
    with Journal(folder / "home" / "j.sqlite") as journal:
        pictures = folder / "p"
        pictures.mkdir()
        (pictures / "a.").write_bytes(b"first")
        run = journal.begin("edit")
        now: dict[str, bytes | None] = {"a": b"first"}
        for name, after in steps:
            run.apply(FileChange(pictures / f"{name}.", now.get(name), after))
            now[name] = after
        assert state(pictures) == {f"{k}.": v for k, v in now.items() if v is not None}
        if run.run:
            list(undo(journal, run.run))
        assert state(pictures) == {"a.": b"first"}
