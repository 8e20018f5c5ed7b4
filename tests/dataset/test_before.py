"""A build begins where an earlier one has been, and with nothing that has changed since."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tagger.cli.dataset import run
from tagger.dataset import pictures
from tagger.dataset.build import BuildSummary, build
from tagger.dataset.buildoptions import BuildOptions
from tagger.errors import DatasetError
from tagger.home import part

pytest.importorskip("duckdb")

WriteDump = Callable[..., Path]
YESTERDAY = 86_400 * 1_000_000_000
POSTS = {1: "hat", 2: "hat shirt", 3: "shirt tie"}
TAGS = {"hat": 0, "shirt": 0, "tie": 0}


def _settle(folder: Path) -> None:
    """Make all files older: what changed a moment ago is never taken over."""
    for path in folder.rglob("*"):
        found = path.stat()
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns - YESTERDAY))


@pytest.fixture
def dump(write_dump: WriteDump) -> Path:
    folder = write_dump("drawn", POSTS, TAGS)
    _settle(folder)
    return folder


@pytest.fixture
def built(dump: Path, tmp_path: Path) -> Callable[..., BuildSummary]:
    """Build with some options, keeping what was done for the next."""

    def one(name: str, **options: Any) -> BuildSummary:
        wanted = BuildOptions(
            sources=(dump,), out=tmp_path / name, maximum_share=1.0, min_labels=0, **options
        )
        return build(wanted, kept=tmp_path / "kept")

    return one


def _count(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pictures that are opened from now on."""
    opened: list[str] = []
    measure = pictures.measure

    def counted(path: Path, options: Any) -> pictures.Picture:
        opened.append(path.name)
        return measure(path, options)

    monkeypatch.setattr(pictures, "measure", counted)
    return opened


def test_a_repeated_build_reads_and_opens_nothing_again(
    built: Callable[..., BuildSummary], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With other filters, too; and the DATASET has the same bytes as one from the beginning."""
    first = built("first")
    opened = _count(monkeypatch)
    again, other = built("again"), built("other", max_id=2)
    assert opened == []
    assert first.taken_over == ""
    for summary, seen in ((again, 3), (other, 2)):
        assert "3 posts as read" in summary.taken_over
        assert f"{seen} pictures as they were seen" in summary.taken_over
    assert again.content == first.content
    assert other.rows != first.rows
    one, two = ((tmp_path / name / "index.parquet").read_bytes() for name in ("first", "again"))
    assert one == two


def test_a_changed_source_is_read_anew(built: Callable[..., BuildSummary], dump: Path) -> None:
    """Another post in the same file counts."""
    built("first")
    posts = dump / "metadata" / "posts.json"
    text = posts.read_text(encoding="utf-8")
    posts.write_text(text.replace('"shirt tie"', '"tie"'), encoding="utf-8")
    _settle(dump / "metadata")
    again = built("again")
    assert "posts as read" not in again.taken_over
    assert "3 pictures" in again.taken_over
    assert {label.name: label.count for label in again.vocabulary} == {
        "hat": 2, "shirt": 1, "tie": 1,
    }  # fmt: skip


def test_a_changed_picture_is_opened_again(
    built: Callable[..., BuildSummary], dump: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are not."""
    built("first")
    picture = dump / "images" / "0002" / "2.png"
    Image.new("RGB", (9, 9)).save(picture)
    opened = _count(monkeypatch)
    built("again")
    assert opened == ["2.png"]


def test_a_header_does_not_stand_for_a_whole_picture(
    built: Callable[..., BuildSummary], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at all of it stands for a header, and for every later look at all of it."""
    built("header")
    opened = _count(monkeypatch)
    built("whole", whole_pictures=True)
    assert len(opened) == len(POSTS)
    built("again", whole_pictures=True)
    built("small", min_picture_side=2)
    built("coloured", modes=("RGB",))
    assert len(opened) == len(POSTS)
    with pytest.raises(DatasetError, match="0 posts left of 3: 3 picture in another mode"):
        built("grey", modes=("L",))
    assert len(opened) == len(POSTS)


def test_what_changed_a_moment_ago_is_not_kept(
    built: Callable[..., BuildSummary], dump: Path
) -> None:
    """It may change once more without its time telling."""
    (dump / "metadata" / "posts.json").touch()
    built("first")
    assert "posts as read" not in built("again").taken_over


def test_a_broken_remainder_is_no_hindrance(
    built: Callable[..., BuildSummary], tmp_path: Path
) -> None:
    """What can't be read is made anew."""
    first = built("first")
    for path in (tmp_path / "kept").glob("posts-*"):
        path.write_bytes(b"not a database at all" * 1000)
    (tmp_path / "kept" / "pictures.sqlite").write_bytes(b"nor this" * 1000)
    again = built("again")
    assert (again.content, again.taken_over) == (first.content, "")
    assert "3 posts" in built("last").taken_over


KILLED = """
import os, signal, sys
from pathlib import Path
from tagger.dataset.build import build
from tagger.dataset.buildoptions import BuildOptions
source, out, kept = map(Path, sys.argv[1:])
def tell(stage, done, total):
    if stage == "choosing labels":
        os.kill(os.getpid(), signal.SIGKILL)
build(BuildOptions(sources=(source,), out=out, maximum_share=1.0), tell, None, kept)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_build_leaves_its_work_and_no_litter(
    built: Callable[..., BuildSummary], dump: Path, tmp_path: Path
) -> None:
    """The next one goes on from there, and sweeps away what the dead one could not."""
    command = [sys.executable, "-c", KILLED, dump, tmp_path / "first", tmp_path / "kept"]
    assert subprocess.run(command, check=False).returncode == -9
    assert list(tmp_path.glob(".tagger-*"))
    summary = built("first")
    assert "3 posts as read" in summary.taken_over
    assert "3 pictures" in summary.taken_over
    assert not list(tmp_path.glob(".tagger-*"))
    assert not list((tmp_path / "kept").glob(".tagger-*"))


def test_the_command_says_what_it_took_over(
    dump: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line; --fresh takes over nothing."""
    command = ["build", str(dump), "--maximum-share", "1", "--out"]
    assert run([*command, str(tmp_path / "first")], "tagger") == 0
    assert "taken over" not in capsys.readouterr().out
    assert run([*command, str(tmp_path / "again")], "tagger") == 0
    said = capsys.readouterr().out
    assert said.count("taken over from an earlier build: 3 posts as read") == 1
    assert run([*command, str(tmp_path / "fresh"), "--fresh"], "tagger") == 0
    assert "taken over" not in capsys.readouterr().out
    assert len(list((part("cache") / "builds").glob("posts-*.duckdb"))) == 1


def test_posts_that_were_kept_are_filtered_by_sql_like_any_other(
    built: Callable[..., BuildSummary],
) -> None:
    """They are a table of the same name, in a file of its own."""
    built("first")
    assert sum(built("again", sql="list_contains(tags, 'hat')").rows.values()) == 2
