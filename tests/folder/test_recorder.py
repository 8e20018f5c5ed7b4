"""Many changes are written down before the first is done, and each can be taken back."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagger.errors import StoreError, UsageError
from tagger.folder import wholefile
from tagger.folder.journal import FileChange, Journal
from tagger.folder.undo import undo
from tagger.folder.wholefile import see

COUNT = 60


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal of its own."""
    with Journal(tmp_path / "home" / "journal.sqlite") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with captions by hand, every second of them."""
    made = tmp_path / "pictures"
    made.mkdir()
    for number in range(0, COUNT, 2):
        (made / f"{number}.txt").write_text(f"by hand {number}")
    return made


def changes(folder: Path) -> list[FileChange]:
    """A new text for each of sixty captions, half of them there."""
    found: list[FileChange] = []
    for number in range(COUNT):
        path = folder / f"{number}.txt"
        seen = see(path)
        found.append(FileChange(path, seen.data, f"tags {number}".encode(), "", seen.stamp))
    return found


def texts(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*.txt")}


def test_all_is_on_record_before_the_first_file_is_touched(
    journal: Journal, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another process sees it, at the moment of the first write."""
    recorded: list[int] = []
    put = wholefile.put_file

    def looking(path: Path, data: bytes | None) -> None:
        with sqlite3.connect(tmp_path / "home" / "journal.sqlite") as other:
            recorded.append(other.execute("SELECT count(*) FROM change").fetchone()[0])
        other.close()
        put(path, data)

    monkeypatch.setattr("tagger.folder.recorder.put_file", looking)
    assert journal.begin("caption").apply_all(changes(folder)) == [None] * COUNT
    assert recorded == [COUNT] * COUNT


@pytest.mark.parametrize("slow_s", [0, 60])
def test_what_cannot_be_written_is_told_apart_and_forgotten(
    journal: Journal, folder: Path, slow_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are done, by several threads or one; undo knows nothing of what was not."""
    monkeypatch.setattr("tagger.folder.recorder._SLOW_S", slow_s)
    planned = changes(folder)
    before = texts(folder)
    (folder / "4.txt").write_text("just saved")
    (folder / "5.txt").mkdir()
    (folder / "47.txt").write_text("just made")
    errors = journal.begin("caption").apply_all(planned)
    assert [at for at, error in enumerate(errors) if error] == [4, 5, 47]
    assert "changed by somebody meanwhile" in str(errors[4])
    assert journal.find().changes == COUNT - 3
    (folder / "5.txt").rmdir()
    assert {done.fate for done in undo(journal, 1)} == {"restored", "removed"}
    assert texts(folder) == before | {"4.txt": "just saved", "47.txt": "just made"}


def test_told_twice_it_does_the_rest(
    journal: Journal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after Ctrl-C in the midst of it; one undo takes all back."""
    before, planned, run = texts(folder), changes(folder), journal.begin("caption")
    put, written = wholefile.put_file, itertools.count()

    def struck(path: Path, data: bytes | None) -> None:
        if next(written) == 20:
            raise KeyboardInterrupt
        put(path, data)

    with monkeypatch.context() as patched:
        patched.setattr("tagger.folder.recorder.put_file", struck)
        with pytest.raises(KeyboardInterrupt):
            run.apply_all(planned)
    assert texts(folder) != before
    assert run.apply_all(planned) == [None] * COUNT
    assert texts(folder) == {f"{n}.txt": f"tags {n}" for n in range(COUNT)}
    list(undo(journal, 1))
    assert texts(folder) == before


def test_nothing_is_done_that_is_not_on_record(journal: Journal, folder: Path) -> None:
    """A journal that can't be written refuses all."""
    run, before = journal.begin("caption"), texts(folder)
    journal.close()
    with pytest.raises(StoreError):
        run.apply_all(changes(folder))
    assert texts(folder) == before


def test_undo_removes_the_folders_that_the_run_made(journal: Journal, tmp_path: Path) -> None:
    """Those that are empty then; what somebody put there stays, and so do older folders."""
    old = tmp_path / "out"
    old.mkdir()
    run = journal.begin("caption")
    names = [f"{where}/{n}.txt" for where in ("a/b", "a/c", "d", ".") for n in range(9)]
    run.apply_all([FileChange(old / name, None, b"tags") for name in names])
    (old / "d" / "mine.txt").write_text("mine")
    assert journal.find().changes == len(names)
    assert len(list(undo(journal, 1, dry_run=True))) == len(names)
    assert (old / "a" / "b").is_dir()
    assert {done.fate for done in undo(journal, 1)} == {"removed"}
    assert sorted(p.relative_to(old).as_posix() for p in old.rglob("*")) == ["d", "d/mine.txt"]


def fill(journal: Journal, folder: Path, runs: int) -> None:
    """Some runs, each over the last one's texts."""
    for number in range(runs):
        run = journal.begin("caption")
        path = folder / "0.txt"
        run.apply(FileChange(path, path.read_bytes(), str(number).encode() * 100_000))


def test_the_oldest_runs_are_forgotten_where_they_take_too_much(
    journal: Journal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never the newest; what is left is undone byte for byte."""
    monkeypatch.setenv("TAGGER_UNDO_MB", "1")
    fill(journal, folder, 30)
    left = [record.run for record in journal.runs()]
    assert left == list(range(left[0], 31))
    assert 2 < len(left) < 20
    for run in reversed(left):
        assert {done.fate for done in undo(journal, run)} == {"restored"}
    assert (folder / "0.txt").read_text() == str(left[0] - 2) * 100_000
    monkeypatch.setenv("TAGGER_UNDO_MB", "plenty")
    with pytest.raises(UsageError, match="TAGGER_UNDO_MB: expected a whole number"):
        journal.begin("caption")


def test_runs_are_forgotten_on_request(journal: Journal, folder: Path, tmp_path: Path) -> None:
    """Their space is free again, and contents that others need stay."""
    fill(journal, folder, 30)
    file = tmp_path / "home" / "journal.sqlite"
    assert journal.keep(2) == 28
    assert [record.run for record in journal.runs()] == [29, 30]
    journal.close()
    assert file.stat().st_size < 1_000_000
    with Journal(file) as again:
        assert {done.fate for done in undo(again, 30)} == {"restored"}
        assert again.keep(0) == 2
        assert again.runs() == []
