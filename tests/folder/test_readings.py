"""Captions that are kept between two looks at a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tagger.caption import CaptionFormat
from tagger.folder import readings
from tagger.folder.captions import Captions
from tagger.folder.readings import Readings
from tagger.folder.wholefile import Seen
from tagger.settings import Folder

LONG_AGO = 1_600_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures with captions that were written long ago, and one without."""
    for name, text in (("a", "1girl, sword"), ("b", "1boy"), ("c", "")):
        (tmp_path / f"{name}.png").write_bytes(b"")
        if text:
            write(tmp_path / f"{name}.txt", text, LONG_AGO)
    return tmp_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The caption files that were opened, by name."""
    names: list[str] = []
    see = readings.see

    def watched(path: Path) -> Seen:
        names.append(path.name)
        return see(path)

    monkeypatch.setattr(readings, "see", watched)
    return names


def write(path: Path, text: str, at: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (at, at))


def texts(folder: Path, kept: Readings, extension: str = ".txt") -> list[str | None]:
    return [each.text for each in Captions((folder,), Folder(extension=extension), kept)]


def test_a_caption_that_stays_is_opened_once(folder: Path, opened: list[str]) -> None:
    kept = Readings()
    assert texts(folder, kept) == ["1girl, sword", "1boy", None]
    opened.clear()
    assert texts(folder, kept) == ["1girl, sword", "1boy", None]
    assert opened == ["c.txt"]  # there is none to be kept


def test_one_that_changed_is_read_again_even_at_the_same_size(folder: Path) -> None:
    kept = Readings()
    texts(folder, kept)
    write(folder / "b.txt", "1cat", LONG_AGO + 1)
    assert texts(folder, kept) == ["1girl, sword", "1cat", None]


def test_one_that_takes_the_place_of_another_with_its_times_is_read_again(folder: Path) -> None:
    kept = Readings()
    texts(folder, kept)
    write(folder / "other", "1dog", LONG_AGO)
    (folder / "other").replace(folder / "b.txt")
    assert texts(folder, kept) == ["1girl, sword", "1dog", None]


def test_one_that_went_says_nothing_any_more(folder: Path) -> None:
    kept = Readings()
    texts(folder, kept)
    (folder / "a.txt").unlink()
    assert texts(folder, kept) == [None, "1boy", None]


def test_one_that_was_written_just_now_is_not_trusted_to_stay(
    folder: Path, opened: list[str]
) -> None:
    """Within two seconds a file may change and keep its times."""
    (folder / "a.txt").write_text("new", encoding="utf-8")
    kept = Readings()
    texts(folder, kept)
    opened.clear()
    texts(folder, kept)
    assert "a.txt" in opened


def test_another_extension_is_another_folder(folder: Path) -> None:
    kept = Readings()
    texts(folder, kept)
    write(folder / "a.caption", "a girl", LONG_AGO)
    assert texts(folder, kept, extension=".caption") == ["a girl", None, None]


def test_what_is_kept_has_a_bound(folder: Path, opened: list[str]) -> None:
    kept = Readings(most_bytes=len("1girl, sword"))
    texts(folder, kept)
    opened.clear()
    assert texts(folder, kept) == ["1girl, sword", "1boy", None]
    assert opened == ["b.txt", "c.txt"]


def test_a_kept_caption_is_taken_apart_for_the_format_that_is_asked_for(folder: Path) -> None:
    kept = Readings()
    comma, semicolon = CaptionFormat(), CaptionFormat(separator="; ")
    for form, keys in ((comma, ["1girl", "sword"]), (semicolon, ["1girl,_sword"])):
        first = next(iter(Captions((folder,), Folder(), kept)))
        assert [word.key for word in first.read(form).words] == keys
