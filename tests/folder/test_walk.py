"""The pictures of folders: natural order, each folder once, nothing lost without a word."""

from __future__ import annotations

import os
import random
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.folder import natural_key, walk


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def names(root: Path, **options: bool) -> list[str]:
    return [found.path.relative_to(root).as_posix() for found in walk([root], **options)]


def test_ten_comes_after_nine(tmp_path: Path) -> None:
    """As people count, whatever the case; the folder's own before its sub-folders."""
    touch(tmp_path, "img10.png", "img9.png", "IMG1.png", "b2/x.png", "b10/x.png", "a.jpg")
    assert names(tmp_path) == [
        "a.jpg",
        "IMG1.png",
        "img9.png",
        "img10.png",
        "b2/x.png",
        "b10/x.png",
    ]


@given(st.lists(st.text("aB10９² .-", max_size=8), unique=True), st.randoms())
def test_the_order_is_that_of_numbers_and_stable(texts: list[str], chance: random.Random) -> None:
    """Any starting order gives one order, and numbers in equal places go by their value."""
    shuffled = chance.sample(texts, len(texts))
    assert sorted(shuffled, key=natural_key) == sorted(texts, key=natural_key)
    for low in texts:
        padded = re.sub(r"\d+", lambda digits: str(int(digits[0]) + 1), low)
        if padded != low and len(re.findall(r"\d+", low)) == 1:
            assert natural_key(low) < natural_key(padded)


def test_brackets_and_stars_are_letters(tmp_path: Path) -> None:
    """A folder called `[artist] *` is one folder."""
    touch(tmp_path, "[artist] a*b/x[1].png", "a/x1.png")
    assert [f.path.name for f in walk([tmp_path / "[artist] a*b"])] == ["x[1].png"]


def test_sub_folders_can_be_left_out(tmp_path: Path) -> None:
    """`recursive=False` takes the folder itself."""
    touch(tmp_path, "a.png", "b/c.png")
    assert names(tmp_path, recursive=False) == ["a.png"]


def test_others_are_counted_by_extension(tmp_path: Path) -> None:
    """Upper case counts as lower; hidden leftovers of ours and of macOS are no pictures."""
    touch(tmp_path, "a.PNG", "a.txt", "b.TXT", "clip.psd", "README", ".tagger-12ab.c-1", "._a.png")
    found = walk([tmp_path])
    assert [f.path.name for f in found] == ["a.PNG"]
    assert found.pictures == 1
    assert found.ignored == {".txt": 2, ".psd": 1, "": 1, ".png": 1}


def test_a_link_loop_ends(tmp_path: Path) -> None:
    """Each real folder is visited once, also where two roots or a link lead there."""
    touch(tmp_path, "a/1.png", "a/b/2.png")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "again").symlink_to(tmp_path / "a", target_is_directory=True)
    found = list(walk([tmp_path, tmp_path / "a", tmp_path / "again"]))
    assert sorted(f.path.name for f in found) == ["1.png", "2.png"]
    assert {f.root for f in found} == {tmp_path}


def test_a_linked_folder_is_followed(tmp_path: Path) -> None:
    """Datasets are put together with links."""
    touch(tmp_path, "store/1.png", "set/2.png")
    (tmp_path / "set" / "more").symlink_to(tmp_path / "store", target_is_directory=True)
    assert names(tmp_path / "set") == ["2.png", "more/1.png"]


def test_a_broken_link_is_found_and_a_pipe_is_not(tmp_path: Path) -> None:
    """The first will be reported when it is opened; the second would block for ever."""
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert names(tmp_path) == ["gone.png"]


def test_a_link_to_itself_takes_no_neighbour_with_it(tmp_path: Path) -> None:
    """It is a broken link as others are, and the folder it lies in is listed."""
    touch(tmp_path, "1.png", "a/2.png")
    (tmp_path / "self.png").symlink_to("self.png")
    (tmp_path / "self").symlink_to("self")
    found = walk([tmp_path])
    assert [f.path.name for f in found] == ["1.png", "self.png", "2.png"]
    assert found.unreadable == []


def test_single_pictures_are_grouped_by_folder(tmp_path: Path) -> None:
    """However often and by whatever path each is named."""
    touch(tmp_path, "a/10.png", "a/9.png", "b/1.png")
    again = tmp_path / "b" / ".." / "a" / "9.png"
    roots = [tmp_path / "a" / "10.png", tmp_path / "b" / "1.png", tmp_path / "a" / "9.png", again]
    assert [f.path.relative_to(tmp_path).as_posix() for f in walk(roots)] == [
        "a/9.png",
        "a/10.png",
        "b/1.png",
    ]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are Windows' own there")
def test_a_folder_that_can_not_be_listed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are walked."""
    touch(tmp_path, "a/1.png", "b/2.png")
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = walk([tmp_path])
    assert [f.path.name for f in found] == ["2.png"]
    assert found.unreadable == [(tmp_path / "a", "permission denied")]


def test_a_folder_that_vanishes_is_reported(tmp_path: Path) -> None:
    """Between being seen and being listed."""
    touch(tmp_path, "a/1.png", "b/2.png")
    found = walk([tmp_path])
    pictures = iter(found)
    assert next(pictures).path.name == "1.png"
    shutil.rmtree(tmp_path / "b")
    assert list(pictures) == []
    assert found.unreadable == [(tmp_path / "b", "no such file or folder")]


def test_it_streams_folder_by_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand pictures are never listed at once: the second folder waits its turn."""
    touch(tmp_path, "a/1.png", "b/2.png")
    listed: list[str] = []
    scandir = os.scandir

    def noting(path: Path) -> object:
        listed.append(Path(path).name)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noting)
    found = iter(walk([tmp_path]))
    next(found)
    assert listed == [tmp_path.name, "a"]
    assert [f.path.name for f in found] == ["2.png"]
