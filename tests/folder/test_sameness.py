"""Two names of one file are recognised by asking the file system, which is left as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tagger.folder import FolderJob, Refusal, plan_folder
from tagger.folder.sameness import repeated, sameness

lstat = Path.lstat


@pytest.fixture
def folding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for a file system that ignores case: another spelling finds the same file."""

    def found(self: Path) -> os.stat_result:
        for path in self.parent.iterdir():
            if path.name.lower() == self.name.lower():
                return lstat(path)
        return lstat(self)

    monkeypatch.setattr(Path, "lstat", found)


def test_here_case_counts_or_not_as_the_disk_says(tmp_path: Path) -> None:
    """The answer is what writing both names would show."""
    (tmp_path / "Aa").touch()
    same = sameness(tmp_path)
    told = same("x.TXT") == same("X.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["Aa"]
    assert told is (tmp_path / "aA").exists()


@pytest.mark.usefixtures("folding")
def test_where_case_does_not_count_names_are_one(tmp_path: Path) -> None:
    """In both forms of an accent too; a folder that is not there yet is like those above."""
    (tmp_path / "Picture.png").touch()
    for place in (tmp_path, tmp_path / "new" / "0"):
        same = sameness(place)
        assert same("Ä b.TXT") == same("a\u0308 B.txt".replace("a", "A"))


@pytest.mark.usefixtures("folding")
def test_pictures_whose_captions_differ_by_case_collide_there(tmp_path: Path) -> None:
    """One of them is refused, and says why; an old caption of the other case is found."""
    for name in ("a.png", "A.jpg", "b.png", "B.txt"):
        (tmp_path / name).write_text("x")
    kinds = {t.picture.name: t for t in plan_folder(FolderJob((tmp_path,)))}
    assert [type(kinds[name]) for name in ("a.png", "A.jpg")].count(Refusal) == 1
    assert kinds["b.png"].kind == "skip"  # pyright: ignore


@pytest.mark.usefixtures("folding")
def test_two_linked_files_are_two_names(tmp_path: Path) -> None:
    """They are the same file, and yet the disk tells their names apart."""
    (tmp_path / "a").touch()
    try:
        os.link(tmp_path / "a", tmp_path / "A")
    except OSError:
        pytest.skip("no hard links here")
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("case does not count here")
    assert sameness(tmp_path)("a") != sameness(tmp_path)("A")


def test_names_that_are_there_twice_are_found() -> None:
    """Under what makes them one."""
    assert repeated(["a", "b", "A", "c", "b"]) == {"b"}
    assert repeated(["a", "b", "A", "c", "b"], str.lower) == {"a", "b"}
    assert repeated([]) == set()
