"""Folders of pictures as they come: links in circles, pipes, odd names, sizes that are lies."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from tagger.dataset.pictures import PictureOptions, measure
from tagger.dataset.places import walk
from tagger.errors import DatasetError
from tests.privileges import as_anybody

posix = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")


def _picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (3, 2)).save(path)
    return path


def _png(path: Path, width: int, height: int) -> Path:
    """A PNG that says it is as large, with nothing in it."""

    def part(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = part(b"IHDR", header) + part(b"IDAT", zlib.compress(b"")) + part(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    return path


@posix
def test_links_in_circles_are_walked_once(tmp_path: Path) -> None:
    """To the folder itself, across, and back; a link out of the folder is followed."""
    for inside in ("a/1.png", "b/2.png"):
        _picture(tmp_path / "in" / inside)
    _picture(tmp_path / "out" / "3.png")
    for link, to in (("a/up", ".."), ("a/over", "../b"), ("b/back", "../a"), ("c", "../out")):
        (tmp_path / "in" / link).symlink_to(to)
    (tmp_path / "out" / "home").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "nowhere.png").symlink_to("gone.png")
    assert sorted(walk(tmp_path / "in")) == ["a/1.png", "b/2.png", "c/3.png"]


@posix
def test_a_pipe_named_like_a_picture_is_none(tmp_path: Path) -> None:
    """To open one waits for ever."""
    os.mkfifo(tmp_path / "1.png")
    _picture(tmp_path / "2.png")
    assert list(walk(tmp_path)) == ["2.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="others have no such names")
def test_a_name_that_is_no_text_is_passed_over(tmp_path: Path) -> None:
    """No table can hold it."""
    _picture(tmp_path / "1.png")
    os.link(tmp_path / "1.png", os.fsencode(tmp_path) + b"/\xff.png")
    assert list(walk(tmp_path)) == ["1.png"]


@posix
def test_a_folder_that_is_shut_is_named(tmp_path: Path) -> None:
    """A set without its pictures would be another set."""
    _picture(tmp_path / "shut" / "1.png")
    (tmp_path / "shut").chmod(0)
    try:
        with pytest.raises(DatasetError, match=r"shut: expected a folder that can be listed"):
            as_anybody(lambda: list(walk(tmp_path)))
    finally:
        (tmp_path / "shut").chmod(0o755)


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (70_000, 1)])
@pytest.mark.parametrize("whole", [False, True])
def test_a_bomb_is_too_large(tmp_path: Path, width: int, height: int, whole: bool) -> None:
    """By its header, before anything is decoded, and without a warning."""
    path = _png(tmp_path / "1.png", width, height)
    assert measure(path, PictureOptions(whole_pictures=whole)).reason == "picture too large"


def test_a_header_alone_is_half_a_picture(tmp_path: Path) -> None:
    """It counts as long as nobody asks for the rest."""
    path = _png(tmp_path / "1.png", 30, 20)
    seen = measure(path)
    assert (seen.width, seen.height, seen.reason) == (30, 20, None)
    assert measure(path, PictureOptions(whole_pictures=True)).reason == "picture broken"
    assert measure(path, PictureOptions(alike=True)).reason == "picture broken"


def test_a_script_named_like_a_picture_is_broken(tmp_path: Path) -> None:
    """PostScript is a program, and Pillow would have it run."""
    path = tmp_path / "1.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EOF\n")
    assert measure(path, PictureOptions(whole_pictures=True)).reason == "picture broken"
