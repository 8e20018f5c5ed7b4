"""Two folders of captions, tag by tag: what differs is told, and what only looks different too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tagger.caption import CaptionFormat
from tagger.cli import main
from tagger.errors import UsageError
from tagger.evaluate.difference import Changed, DiffOptions, diff
from tagger.evaluate.difference.changes import changed, read_tags

from .conftest import write_captions

FORM = CaptionFormat()
BEFORE = {
    "sub/1": ["1girl", "grey hair", "hat"],
    "2": ["long hair", "solo"],
    "3": ["hat", "sky"],
    "4": ["same", "text"],
    "5": ["grey hair", "sky"],
    "6": ["only here"],
}
AFTER = {
    "sub/1": ["1girl", "silver_hair", "hat", "smile"],
    "2": ["solo", "long_hair", "solo", "(solo:1.1)"],
    "3": ["hat"],
    "4": ["same", "text"],
    "5": ["silver hair", "sky"],
    "7": ["only there"],
}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Captions before and after an edit."""
    return write_captions(tmp_path / "a", BEFORE), write_captions(tmp_path / "b", AFTER)


def test_what_came_and_went_is_told_by_picture_and_by_tag(folders: tuple[Path, Path]) -> None:
    """And what differs in text alone: spelling, order, weight, a tag that stands there twice."""
    found = diff(DiffOptions(*folders))

    assert found.changed == (
        Changed("3", (), ("sky",), ("hat",)),
        Changed("5", ("silver hair",), ("grey hair",), ("sky",)),
        Changed("sub/1", ("silver hair", "smile"), ("grey hair",), ("1girl", "hat")),
    )
    assert (found.respelled, found.same, found.pictures) == (("2",), 1, 5)
    assert (found.only_a, found.only_b) == (("6",), ("7",))
    rows = [(row.tag, row.added, row.removed) for row in found.tags]
    assert rows == [("grey hair", 0, 2), ("silver hair", 2, 0), ("sky", 0, 1), ("smile", 1, 0)]
    (swap,) = found.replaced
    assert (swap.old, swap.new, swap.pictures) == ("grey hair", "silver hair", 2)


WORDS = st.lists(st.sampled_from(["1girl", "long hair", "hat", "sky", ":3", "a (b)"]), unique=True)


@settings(max_examples=40)
@given(WORDS, WORDS, st.randoms(use_true_random=False))
def test_it_is_what_sets_say_however_the_tags_are_spelled(
    before: list[str], after: list[str], chance
) -> None:
    """Underscores, escapes, weights and order change nothing; both ways are each other's mirror."""

    def spelled(tags: list[str]) -> str:
        spellings = (
            lambda tag: tag,
            lambda tag: tag.replace(" ", "_"),
            lambda tag: tag.replace("(", r"\(").replace(")", r"\)"),
        )
        return ", ".join(chance.choice(spellings)(tag) for tag in chance.sample(tags, len(tags)))

    one, other = (read_tags(spelled(tags), FORM)[0] for tags in (before, after))
    there, back = changed("x", one, other, {}), changed("x", other, one, {})

    if set(before) == set(after):
        assert there is None
        assert back is None
        return
    assert there is not None
    assert back is not None
    assert len(there.added) == len(set(after) - set(before)) == len(back.removed)
    assert len(there.removed) == len(set(before) - set(after)) == len(back.added)
    assert len(there.kept) == len(set(before) & set(after))


def test_the_command_prints_it_and_writes_it(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON, CSV and a page; the page shows the picture that lies beside a caption."""
    pytest.importorskip("jinja2")
    Image.new("RGB", (40, 30), "red").save(folders[0] / "3.png")
    (folders[1] / "3.txt").write_text('hat, <script>alert(1)</script>, "><b>', encoding="utf-8")
    files = {kind: tmp_path / f"out.{kind}" for kind in ("json", "csv", "html")}
    outputs = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]

    assert main(["diff", *map(str, folders), *outputs]) == 0

    said = capsys.readouterr().out
    assert "5 pictures in both: the tags of 3 differ, 1 captions are equal" in said
    assert "1 captions differ in text and not in tags" in said
    assert "sub/1: +silver hair, +smile, -grey hair" in said
    whole = json.loads(files["json"].read_text())
    assert whole["replaced"] == [{"old": "grey hair", "new": "silver hair", "pictures": 2}]
    assert whole["same_tags_other_text"] == ["2"]
    assert "5,removed,grey hair\n" in files["csv"].read_text()
    page = files["html"].read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("data:image/webp;base64,") == 1


def test_a_caption_that_can_t_be_read_is_named(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """And the others are compared; the exit code says that something was left out."""
    (folders[1] / "4.txt").write_bytes(b"\xff\xfes\x00")

    assert main(["diff", *map(str, folders)]) == 1
    assert "4 can't be compared" in capsys.readouterr().out


def test_folders_without_captions_are_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """With what there is instead."""
    (tmp_path / "empty").mkdir()

    with pytest.raises(UsageError, match="got no file that ends in"):
        diff(DiffOptions(folders[0], tmp_path / "empty"))
    with pytest.raises(UsageError, match="got nothing of that name"):
        diff(DiffOptions(tmp_path / "none", folders[0]))
    with pytest.raises(UsageError, match="ending of a file name"):
        DiffOptions(*folders, extension="/")


def test_equal_folders_have_nothing_to_tell(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line."""
    assert main(["diff", str(folders[0]), str(folders[0])]) == 0
    said = capsys.readouterr().out.strip().splitlines()
    assert said == ["6 pictures in both: the tags of 0 differ, 6 captions are equal"]
