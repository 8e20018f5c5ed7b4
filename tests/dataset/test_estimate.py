"""A build says what it will need before it begins, and does not begin without room."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.booru.files import metadata_files
from tagger.booru.sizes import guess_posts
from tagger.cli.dataset import run
from tagger.dataset.build import build
from tagger.dataset.buildoptions import BuildOptions
from tagger.dataset.estimate import Estimate, estimate
from tagger.errors import DatasetError

pytest.importorskip("duckdb")
pq = pytest.importorskip("pyarrow.parquet")

WriteDump = Callable[..., Path]
POSTS = 400
ROWS = [
    {"id": 7000 + number, "rating": "g", "tag_string": "hat " * (number % 5 + 1)}
    for number in range(POSTS)
]


def _write(folder: Path, shape: str) -> Path:
    path = folder / f"posts.{shape}"
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    if shape == "json":
        path.write_text(lines, encoding="utf-8")
    elif shape == "json.gz":
        path.write_bytes(gzip.compress(lines.encode()))
    elif shape == "csv":
        rows = (f"{row['id']},g,{row['tag_string']}\n" for row in ROWS)
        path.write_text("id,rating,tag_string\n" + "".join(rows), encoding="utf-8")
    elif shape == "parquet":
        import pyarrow as pa

        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        path.write_text(json.dumps(ROWS), encoding="utf-8")
    return path


@pytest.mark.parametrize("shape", ["json", "json.gz", "csv", "parquet", "array.json"])
def test_posts_are_guessed_to_a_tenth(tmp_path: Path, shape: str) -> None:
    """From the first fifty of equal posts the number of all follows, compressed or not."""
    files = metadata_files(_write(tmp_path, shape))
    assert guess_posts(files) == pytest.approx(POSTS, rel=0.1)


def test_posts_of_a_database_are_not_taken_for_their_largest_number(tmp_path: Path) -> None:
    """Few posts with high numbers are few."""
    path = tmp_path / "posts.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE posts (id INTEGER PRIMARY KEY, rating, tag_string)")
        rows = [(row["id"] * 1000, "g", "tag " * 100) for row in ROWS]
        database.executemany("INSERT INTO posts VALUES (?, ?, ?)", rows)
    database.close()
    assert POSTS / 2 <= guess_posts(metadata_files(path)) <= POSTS * 2


def test_what_is_needed_is_said_before_anything_is_done(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """The estimate comes before the first stage."""
    dump = write_dump("drawn", {1: "hat", 2: "hat shirt"}, {"hat": 0, "shirt": 0})
    order: list[object] = []
    options = BuildOptions(sources=(dump,), out=tmp_path / "out", maximum_share=1.0)
    build(options, lambda stage, *_: order.append(stage), order.append)
    assert isinstance(order[0], Estimate)
    assert (order[0].posts, order[0].pictures) == (2, 2)
    assert "reading posts" in order[1:]


def test_pictures_that_are_not_looked_at_are_not_counted(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """A build that looks at no picture takes less time."""
    dump = write_dump("drawn", {1: "hat"}, {"hat": 0})
    seen, unseen = (
        estimate(
            BuildOptions(sources=(dump,), out=tmp_path / "out", unseen=unseen),
            [metadata_files(dump)],
        )
        for unseen in (False, True)
    )
    assert (seen.pictures, unseen.pictures) == (1, 0)
    assert unseen.seconds < seen.seconds


def test_a_dry_run_builds_nothing(
    tmp_path: Path, write_dump: WriteDump, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints one line and leaves no folder."""
    dump = write_dump("drawn", {1: "hat"}, {"hat": 0})
    assert run(["build", str(dump), "--out", str(tmp_path / "out"), "--dry-run"], "tagger") == 0
    assert capsys.readouterr().out.startswith("about 1 posts and 1 pictures")
    assert [path.name for path in tmp_path.iterdir()] == ["drawn"]


def test_without_room_on_the_disk_a_build_is_refused(
    tmp_path: Path, write_dump: WriteDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written where it would not fit."""
    dump = write_dump("drawn", {1: "hat"}, {"hat": 0})
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1000, 900, 100))
    with pytest.raises(DatasetError, match=r"free on its disk, got .* name a folder on another"):
        build(BuildOptions(sources=(dump,), out=tmp_path / "out", maximum_share=1.0))
    assert [path.name for path in tmp_path.iterdir()] == ["drawn"]
