"""Names of caption files from tokens, never outside their folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tagger.errors import OptionError
from tagger.folder import FolderJob, Refusal, Task, plan_folder
from tagger.folder.naming import Naming
from tagger.folder.plan import leaves
from tagger.settings import Folder


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("", "art [1].txt"),
        ("[name].[output_extension]", "art [1].txt"),
        ("[name].[extension].[output_extension]", "art [1].PNG.txt"),
        ("[parent]/[index]_[name].txt", "folder/7_art [1].txt"),
        ("[hash:sha256].cap", hashlib.sha256(b"pixels").hexdigest() + ".cap"),
        ("x[hash:md5]", "x" + hashlib.md5(b"pixels").hexdigest()),
    ],
)
def test_tokens_are_filled_in(tmp_path: Path, template: str, expected: str) -> None:
    """What a name has in brackets itself is no token."""
    picture = tmp_path / "folder" / "art [1].PNG"
    picture.parent.mkdir()
    picture.write_bytes(b"pixels")
    assert Naming(template, ".txt").name(picture, 7) == expected


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("[nam].txt", "expected tokens of"),
        ("[hash].txt", "expected tokens of"),
        ("[name:md5].txt", "expected tokens of"),
        ("[hash:crc].txt", "expected one of .*sha256"),
        ("../[name].txt", "inside the captions' folder"),
        ("/tmp/[name].txt", "inside the captions' folder"),
        ("a//[name]", "inside the captions' folder"),
        ("..\\[name].txt", "inside the captions' folder"),
        ("C:[name].txt", "inside the captions' folder"),
    ],
)
def test_a_template_that_can_not_be_meant_is_refused(template: str, sentence: str) -> None:
    """Before anything runs."""
    with pytest.raises(OptionError, match=sentence):
        Naming(template, ".txt")


def tasks(root: Path, **options: object) -> list[Task | Refusal]:
    return list(plan_folder(FolderJob((root,), Folder(**options))))  # pyright: ignore


def test_pictures_of_one_name_are_told_apart_by_their_extension(tmp_path: Path) -> None:
    """The remedy that the refusal names."""
    (tmp_path / "a.png").touch()
    (tmp_path / "a.jpg").touch()
    found = tasks(tmp_path, name="[name].[extension].[output_extension]")
    assert [task.caption.name for task in found if isinstance(task, Task)] == [
        "a.jpg.txt",
        "a.png.txt",
    ]


def test_existing_captions_are_found_by_their_names(tmp_path: Path) -> None:
    """In sub-folders too; the index counts on through folders."""
    for name in ("one/a.png", "two/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "one" / "captions").mkdir()
    (tmp_path / "one" / "captions" / "1.txt").write_text("mine")
    found = tasks(tmp_path, name="captions/[index].txt")
    assert [(t.caption.name, t.kind) for t in found if isinstance(t, Task)] == [
        ("1.txt", "skip"),
        ("2.txt", "new"),
    ]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_token_can_not_leave_the_folder(tmp_path: Path) -> None:
    """Neither by dots nor through a link."""
    pictures, elsewhere = tmp_path / "pictures", tmp_path / "elsewhere"
    pictures.mkdir()
    elsewhere.mkdir()
    (pictures / "a.png").touch()
    (pictures / "link").symlink_to(elsewhere)
    (refusal,) = tasks(pictures, name="link/[index].txt", recursive=False)
    assert isinstance(refusal, Refusal)
    assert "would lie outside" in refusal.reason
    for name in ("../x.txt", "a/../../x.txt", "/x.txt", "./x.txt", "link/deep/x.txt"):
        assert leaves(pictures, name), name
    for name in ("x.txt", "a/x.txt", "...x.txt"):
        assert not leaves(pictures, name), name


def test_a_picture_that_can_not_be_read_for_its_hash_is_refused(tmp_path: Path) -> None:
    """The others have their names."""
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "a.png").touch()
    refusal, task = tasks(tmp_path, name="[hash:sha1].txt")
    assert isinstance(refusal, Refusal)
    assert "no such file" in refusal.reason
    assert isinstance(task, Task)
